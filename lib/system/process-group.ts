import { closest } from '../closest.js';
import { CaptureError, notPermitted } from '../errors.js';
import { argumentsOf, networkNamespaceOf, openSocketsOf, type ProcessStat, processIds, statOf } from './proc.js';
import { nameOf, programOf } from './process-info.js';

/** Whose sockets are followed. */
export type ProcessTarget = { readonly pid: number } | { readonly process: string };

/** A process or all of a name, with everything that they start, as long as it is in the same network namespace. */
export class ProcessGroup {
  readonly #target: ProcessTarget;
  /** By pid, what it began at. Who belongs to it stays in it, whatever becomes of the parent. */
  #members = new Map<number, string>();
  readonly #namespace: string;
  /** Who was looked at already, and whether it has the name. */
  #named = new Map<number, { stat: ProcessStat; named: boolean }>();

  /**
   * @throws CaptureError `ERR_NO_PROCESS` when there is none, or those of the name are in several network namespaces; `ERR_PERMISSION`
   *   when its sockets may not be seen
   */
  constructor(target: ProcessTarget) {
    this.#target = target;
    const stats = readStats();
    const first = this.#chosen(stats);
    if (first.length === 0) throw noProcess(target, stats);
    const visible = new Map<number, string>();
    for (const pid of first) {
      const namespace = networkNamespaceOf(pid);
      if (namespace !== undefined && openSocketsOf(pid) !== undefined) visible.set(pid, namespace);
    }
    const [namespace, ...others] = new Set(visible.values());
    if (namespace === undefined) throw hidden(first, target);
    if (others.length > 0) throw severalNamespaces(target, [...visible.keys()]);
    this.#namespace = namespace;
    this.#admit(stats, [...visible.keys()]);
    // It has ended just now.
    if (this.#members.size === 0) throw noProcess(target, stats);
  }

  /** Those that are alive, by pid. */
  get pids(): number[] {
    return [...this.#members.keys()].sort((a, b) => a - b);
  }

  /** Looks who has come and who is gone. */
  update(): void {
    const stats = readStats();
    for (const [pid, startTicks] of this.#members)
      if (stats.get(pid)?.startTicks !== startTicks) this.#members.delete(pid);
    // A pid may stand for another process by now; a name stands for whoever has it.
    this.#admit(stats, 'pid' in this.#target ? [] : this.#chosen(stats));
  }

  #chosen(stats: ReadonlyMap<number, ProcessStat>): number[] {
    const target = this.#target;
    if ('pid' in target) return stats.has(target.pid) ? [target.pid] : [];
    // Not this process, which may well be of the name: whoever means it says so by its pid.
    const known = this.#named;
    this.#named = new Map();
    for (const [pid, stat] of stats) {
      const before = known.get(pid);
      // A process that becomes another program keeps the time of its start.
      const same = before?.stat.startTicks === stat.startTicks && before.stat.name === stat.name;
      const named = same ? before.named : pid !== process.pid && namesOf(pid, stat).includes(target.process);
      this.#named.set(pid, { stat, named });
    }
    return [...this.#named].filter(([, { named }]) => named).map(([pid]) => pid);
  }

  #admit(stats: ReadonlyMap<number, ProcessStat>, chosen: readonly number[]): void {
    const children = new Map<number, number[]>();
    for (const [pid, { parent }] of stats) {
      const siblings = children.get(parent);
      if (siblings === undefined) children.set(parent, [pid]);
      else siblings.push(pid);
    }
    const waiting = [...this.#members.keys(), ...chosen];
    const seen = new Set<number>();
    for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
      if (seen.has(pid)) continue;
      seen.add(pid);
      const startTicks = stats.get(pid)?.startTicks;
      if (startTicks === undefined) continue;
      if (!this.#members.has(pid) && networkNamespaceOf(pid) === this.#namespace) this.#members.set(pid, startTicks);
      // Never this process, which may have been started by the one that is followed.
      waiting.push(...(children.get(pid) ?? []).filter((child) => child !== process.pid));
    }
  }
}

function readStats(): Map<number, ProcessStat> {
  const stats = new Map<number, ProcessStat>();
  for (const pid of processIds()) {
    const stat = statOf(pid);
    if (stat !== undefined) stats.set(pid, stat);
  }
  return stats;
}

/** What a process is called: by the kernel, which keeps 15 bytes, and by its command line. */
function namesOf(pid: number, stat: ProcessStat): string[] {
  const words = argumentsOf(pid);
  return [stat.name, nameOf(stat, words), programOf(words)];
}

function toldAs(target: ProcessTarget): string {
  return 'pid' in target ? `process ${target.pid}` : `process named "${target.process}"`;
}

function noProcess(target: ProcessTarget, stats: ReadonlyMap<number, ProcessStat>): CaptureError {
  let advice = '`ps -e` lists those that can be seen; in a container these are only its own';
  if ('process' in target) {
    const names = new Set([...stats].flatMap(([pid, stat]) => namesOf(pid, stat)).filter((name) => name !== ''));
    const meant = closest(target.process, [...names]);
    if (meant !== undefined) advice = `Did you mean "${meant}"?`;
  }
  return new CaptureError('ERR_NO_PROCESS', `There is no ${toldAs(target)}. ${advice}`);
}

function hidden(pids: readonly number[], target: ProcessTarget): CaptureError {
  const which = 'pid' in target ? toldAs(target) : `${toldAs(target)} (${pids.slice(0, 8).join(', ')})`;
  return notPermitted('seeSockets', `The sockets of the ${which} cannot be seen: it belongs to somebody else`);
}

function severalNamespaces(target: ProcessTarget, pids: readonly number[]): CaptureError {
  return new CaptureError(
    'ERR_NO_PROCESS',
    `There is more than one ${toldAs(target)}, in different network namespaces (containers): say which by pid: ${pids.slice(0, 16).join(', ')}`,
  );
}
