import { cpus, release } from 'node:os';

/** One line about where the figures come from. */
export function describeMachine(): string {
  const processors = cpus();
  const model = processors[0]?.model ?? 'unknown';
  return `${processors.length} × ${model}, Linux ${release()}, Node ${process.versions.node}`;
}
