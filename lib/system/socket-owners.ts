import { setImmediate as turn } from 'node:timers/promises';
import { openSocketsOf, type ProcessStat, processIds, statOf } from './proc.js';

/** A process that has a socket open. */
export interface SocketOwner {
  readonly pid: number;
  readonly startTicks: string;
  readonly descriptor: number;
}

export interface ProcessTable {
  /** By inode. Several have the same when they inherited it. */
  readonly owners: ReadonlyMap<string, readonly SocketOwner[]>;
  readonly stats: ReadonlyMap<number, ProcessStat>;
}

/** Then timers and sockets get their turn. */
const sliceMs = 4;

/** Looks at all processes. What may not be seen is left out. Takes some milliseconds, in slices. */
export async function readProcessTable(): Promise<ProcessTable> {
  const owners = new Map<string, SocketOwner[]>();
  const stats = new Map<number, ProcessStat>();
  let sliceEnds = performance.now() + sliceMs;
  for (const pid of processIds()) {
    if (performance.now() > sliceEnds) {
      await turn();
      sliceEnds = performance.now() + sliceMs;
    }
    const stat = statOf(pid);
    if (stat === undefined) continue;
    stats.set(pid, stat);
    for (const [inode, descriptor] of openSocketsOf(pid) ?? []) {
      const owner = { pid, startTicks: stat.startTicks, descriptor };
      const known = owners.get(inode);
      if (known === undefined) owners.set(inode, [owner]);
      else known.push(owner);
    }
  }
  return { owners, stats };
}
