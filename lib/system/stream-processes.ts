/** What is known of the processes of connections in streams that were made here of a live capture. */
import type { KnownProcesses } from './connection-process.js';

const known = new WeakMap<object, KnownProcesses>();

export function tellProcessesOf(stream: object, processes: KnownProcesses): void {
  known.set(stream, processes);
}

export function processesOf(stream: object | undefined): KnownProcesses | undefined {
  return stream === undefined ? undefined : known.get(stream);
}
