/** The connections that are open, and those that are over but may still be heard of: their messages come later than their bytes. */
import type { ConnectionProcess } from '../system/connection-process.js';
import type { FlowSide } from './flow-side.js';
import type { FlowVolume } from './flow-volume.js';

/** The two directions of a connection: what the client says comes first. */
export interface Flows {
  readonly sides: readonly [FlowSide, FlowSide];
  readonly volume: FlowVolume;
  /** What capture() calls it. */
  id: number;
  /** Places in the order of all opens and closes. */
  readonly openedAt: number;
  closedAt: number;
  /** As far as it is known. */
  process: ConnectionProcess | undefined;
}

/** Connections that are over, but whose messages may still come. Beyond that the oldest are given up. */
const maxClosed = 16_384;

export class FollowedFlows {
  /** By the ids of flows(). */
  readonly #open = new Map<number, Flows>();
  /** By the ids of capture(), the oldest first. */
  readonly #known = new Map<number, Flows>();
  readonly #closed = new Set<Flows>();
  /** Those of them whose messages may come late, because what closed them is not among the packets, or they wait for missing bytes. */
  readonly #lingering = new Set<Flows>();
  readonly #onRetired: (flows: Flows) => void;
  #order = 0;

  /** @param onRetired nothing is waited for any more */
  constructor(onRetired: (flows: Flows) => void) {
    this.#onRetired = onRetired;
  }

  get openIds(): number[] {
    return [...this.#open.keys()];
  }

  open(id: number, sides: Flows['sides'], volume: FlowVolume): Flows {
    const flows: Flows = { sides, volume, id: 0, openedAt: this.#order++, closedAt: 0, process: undefined };
    this.#open.set(id, flows);
    return flows;
  }

  byId(id: number): Flows | undefined {
    return this.#open.get(id);
  }

  /** @param id what capture() calls it */
  name(flows: Flows, id: number): void {
    flows.id = id;
    this.#known.set(id, flows);
  }

  /** @param id what capture() calls it */
  processOf(id: number): ConnectionProcess | undefined {
    return this.#known.get(id)?.process;
  }

  /**
   * Of a message that came. Messages come in the order in which they were complete: those of connections that closed before another
   * opened came before its own.
   */
  byMessage(id: number): Flows | undefined {
    const flows = this.#known.get(id);
    if (flows === undefined) return undefined;
    for (const closed of this.#closed) {
      if (closed.closedAt > flows.openedAt) break;
      this.#retire(closed);
    }
    return flows;
  }

  /**
   * @param isLate what closed it is not among the packets
   * @param hasMessages some may come
   */
  close(id: number, flows: Flows, isLate: boolean, hasMessages: boolean): void {
    this.#open.delete(id);
    flows.closedAt = this.#order++;
    const lingers = isLate || flows.sides.some((side) => side.files.some((file) => file.holeCount > 0));
    const waiting = lingers ? this.#lingering : this.#closed;
    waiting.add(flows);
    if (!hasMessages || flows.id === 0) this.#retire(flows);
    else if (waiting.size > maxClosed) this.#retire(waiting.values().next().value as Flows);
  }

  retireAll(): void {
    for (const flows of [...this.#lingering, ...this.#closed]) this.#retire(flows);
  }

  #retire(flows: Flows): void {
    this.#closed.delete(flows);
    this.#lingering.delete(flows);
    this.#known.delete(flows.id);
    this.#onRetired(flows);
  }
}
