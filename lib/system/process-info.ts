import { containerIdOf } from './container-id.js';
import { argumentsOf, type ProcessStat, statOf, textOf } from './proc.js';

/** A process of this machine. */
export interface ProcessInfo {
  readonly pid: number;
  /** The name of the program: `'ruby'`. */
  readonly name: string;
  /** As it was started, or as the process has changed it since, the arguments separated by spaces; `''` when it has none. */
  readonly commandLine: string;
  /** 64 hexadecimal digits. Absent outside of a container, and where the cgroup does not show it. */
  readonly containerId?: string;
}

/** Of the process with this number that began then; undefined when it is gone, whoever has its number now. */
export function describeProcess(pid: number, startTicks?: string): ProcessInfo | undefined {
  const before = statOf(pid);
  if (before === undefined || (startTicks !== undefined && before.startTicks !== startTicks)) return undefined;
  const words = argumentsOf(pid);
  const containerId = containerIdOf(textOf(`/proc/${pid}/cgroup`) ?? '');
  if (statOf(pid)?.startTicks !== before.startTicks) return undefined;
  const name = nameOf(before, words);
  return { pid, name, commandLine: words.join(' '), ...(containerId !== undefined && { containerId }) };
}

/** What the kernel keeps of a name. */
const keptBytes = 15;

/** The name of the program, longer than the kernel keeps it where the command line has more of it. */
export function nameOf(stat: ProcessStat, words: readonly string[]): string {
  const program = programOf(words);
  return Buffer.byteLength(stat.name) === keptBytes && program.startsWith(stat.name) ? program : stat.name;
}

/** The last part of the path of the program, by the command line. */
export function programOf(words: readonly string[]): string {
  return words[0]?.split('/').at(-1) ?? '';
}
