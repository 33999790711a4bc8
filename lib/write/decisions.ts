import type { Batch } from '../batch.js';

/** Tells the capture thread which connections are wanted, where messages are selected in JavaScript. */
export class Decisions {
  readonly #decide: (connections: Float64Array, upTo: number) => void;
  #letGoUpTo = 0;

  constructor(decide: (connections: Float64Array, upTo: number) => void) {
    this.#decide = decide;
  }

  /** Of each batch, in order. */
  add(batch: Batch, selected: readonly number[]): void {
    if (batch.length === 0) return;
    const connections = new Set(selected.map((index) => batch.connectionId(batch.recordAt(index))));
    this.#decide(Float64Array.from(connections), batch.lastId);
  }

  /** Nobody will decide about it; others before it may still be decided about. */
  letGo(batch: Batch): void {
    if (batch.length > 0) this.#letGoUpTo = batch.lastId;
  }

  /** All batches so far were decided about, or let go. */
  pass(): void {
    if (this.#letGoUpTo === 0) return;
    this.#decide(new Float64Array(), this.#letGoUpTo);
    this.#letGoUpTo = 0;
  }
}
