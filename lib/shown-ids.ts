/**
 * Ids of what the consumer gets, when some of what native code delivers is rejected in JavaScript.
 *
 * A jump of ids means loss, so that what is not selected may not use one up: the ids of those behind it move up. They are
 * written into the records, so that everything that reads a batch sees the same ones.
 */
import type { Batch } from './batch.js';
import type { Unanswered } from './continuations.js';
import { RESPONSE } from './layout.js';

/** Requests that wait for their final response; of more the oldest are forgotten, and their responses have no `requestId`. */
export const maxWaitingRequests = 1 << 17;

export class ShownIds {
  #lastNative = 0;
  #lastShown = 0;
  /** Ids of selected requests that wait for their final response: native, shown. */
  readonly #waiting = new Map<number, number>();
  #forgotten = 0;

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
      const lost = id - this.#lastNative - 1;
      this.#lastNative = id;
      this.#lastShown += lost;
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
