/**
 * Ids of what the consumer gets, when some of what native code delivers is rejected in JavaScript, or comes from several sessions.
 *
 * A jump of ids means loss, so that what is not selected may not use one up: the ids of those behind it move up. They are
 * written into the records, so that everything that reads a batch sees the same ones. Those of several sessions ascend each by itself
 * only, and are numbered in the order of delivery.
 */
import type { Batch } from './batch.js';
import type { Unanswered } from './continuations.js';
import { RESPONSE } from './layout.js';

/** Requests that wait for their final response; of more the oldest are forgotten, and their responses have no `requestId`. */
export const maxWaitingRequests = 1 << 17;

export class ShownIds {
  /** Of each session. */
  readonly #lastNative: number[];
  #lastShown = 0;
  /** Ids of selected requests that wait for their final response: native, shown. */
  readonly #waiting = new Map<number, number>();
  #forgotten = 0;

  /** @param sessions that deliver: the n-th of them numbers its messages n, n + sessions, n + 2 * sessions, … */
  constructor(sessions = 1) {
    this.#lastNative = Array.from({ length: sessions }, (_, index) => index + 1 - sessions);
  }

  /** Requests whose response came when there were too many others. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /**
   * Call it with each batch, in order. Of `batch`, whose ids are native ones, the records at `indexes`, ascending, were selected, and
   * are those of `selected`: a copy, or the batch itself.
   */
  write(batch: Batch, indexes: readonly number[], selected: Batch): void {
    let next = 0;
    for (let index = 0; index < batch.length; index++) {
      const at = batch.recordAt(index);
      const id = batch.id(at);
      this.#lastShown += this.#lost(id);
      const isSelected = indexes[next] === index;
      if (isSelected) this.#lastShown++;
      const isResponse = batch.kind(at) === RESPONSE;
      const requestId = isResponse ? this.#requestId(batch, index, at) : 0;
      if (!isSelected) continue;
      if (!isResponse) this.#wait(id);
      selected.setIds(selected.recordAt(next++), this.#lastShown, requestId);
    }
  }

  /** The same with the shown id; undefined when its request was not selected. */
  unanswered(told: Unanswered): Unanswered | undefined {
    const id = this.#waiting.get(told.id);
    this.#waiting.delete(told.id);
    return id === undefined ? undefined : { ...told, id };
  }

  /** Messages of the same session that were dropped before this one. */
  #lost(id: number): number {
    const sessions = this.#lastNative.length;
    const session = (id - 1) % sessions;
    const steps = (id - (this.#lastNative[session] as number)) / sessions;
    this.#lastNative[session] = id;
    return steps - 1;
  }

  #requestId(batch: Batch, index: number, at: number): number {
    const native = batch.requestId(at);
    const shown = this.#waiting.get(native) ?? 0;
    if (shown !== 0 && !batch.isInterim(index)) this.#waiting.delete(native);
    return shown;
  }

  #wait(id: number): void {
    this.#waiting.set(id, this.#lastShown);
    if (this.#waiting.size <= maxWaitingRequests) return;
    const [oldest] = this.#waiting.keys();
    this.#waiting.delete(oldest as number);
    this.#forgotten++;
  }
}
