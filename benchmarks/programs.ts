/** Programs that the benchmarks run. */
import { type ChildProcess, spawnSync } from 'node:child_process';

/** Whether there is such a program in PATH. */
export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', name], { stdio: 'ignore' }).status === 0;
}

/** However this process exits, the child does not outlive it. */
export function endWithUs(child: ChildProcess): void {
  const end = () => child.kill('SIGTERM');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
}
