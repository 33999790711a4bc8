/**
 * Finds the request of a response.
 *
 * Ids ascend in the order of delivery and the records of a batch lie in that order, so that a request is found by its id alone: by
 * its distance from the first id of a batch, or by binary search where ids are missing. Batches are kept in three ways:
 *
 * 1. A response and its request are mostly in one batch, which the response refers to anyway.
 * 2. The last `maxRecentBatches` batches, at most `maxRecentBytes`, are kept whole.
 * 3. When a batch leaves that window, those of its requests that wait for a final response are copied, without their bodies unless
 *    exchanges want them, into a small batch of their own, and the batch is let go; unless that were nearly all of it, which is kept as it is.
 *    What is kept is kept until all of its requests are answered, up to `maxWaitingBytes`; beyond that the oldest are forgotten and counted.
 *
 * A batch that arrives notes where the requests are that it answers, and forgets it when it leaves the window: else there would be a chain,
 * batch to batch, that kept everything since the beginning once somebody keeps one response. What is made of a batch before, the
 * view of a response above all, refers to the one batch that holds its request. A WeakRef would do too, but the young
 * generation's collector takes it for a strong reference, so that batches would die only when the whole heap is marked.
 *
 * The price a message is one look at its kind and, for a response, the search above.
 */
import type { Batch } from './batch.js';
import type { Unanswered } from './continuations.js';
import { flags, REQUEST, RESPONSE } from './layout.js';

export const maxRecentBatches = 4;
export const maxRecentBytes = 16 * 1024 * 1024;
export const maxWaitingBytes = 32 * 1024 * 1024;

const none: readonly Batch[] = [];

export interface FoundRequest {
  batch: Batch;
  index: number;
}

/** The batch that holds the request with this id, for a response in `batch`. */
export function requestSource(batch: Batch, sources: readonly Batch[], id: number): Batch | undefined {
  if (id === 0) return undefined;
  if (batch.length > 0 && id >= batch.firstId) return batch;
  for (const source of sources) {
    if (id >= source.firstId && id <= source.lastId && source.indexOf(id) >= 0) return source;
  }
  return undefined;
}

/** The request with this id, for a response in `batch`, which is recent. */
export function findRequest(batch: Batch, id: number): FoundRequest | undefined {
  const source = requestSource(batch, batch.requestSources, id);
  const index = source?.indexOf(id) ?? -1;
  return source === undefined || index < 0 ? undefined : { batch: source, index };
}

/** A copy is worth its while when it has at most this share of the bytes. */
const copyShare = 3 / 4;

/** The requests of a batch that wait for their responses: a copy, or the batch. */
interface Waiting {
  batch: Batch;
  firstId: number;
  lastId: number;
  remaining: number;
}

export class RecentRequests {
  #recent: Batch[] = [];
  #recentBytes = 0;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #forgotten = 0;
  #onForgotten: ((request: FoundRequest) => void) | undefined;

  /** From now on the copies have bodies too, and of each request that is let go `onForgotten` is told. */
  keepForExchanges(onForgotten: (request: FoundRequest) => void): void {
    this.#onForgotten = onForgotten;
  }

  /** Requests that were let go before their response came, because too many were waiting. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Call it with each batch, in order. */
  add(batch: Batch, unanswered: readonly Unanswered[] = []): void {
    const length = batch.length;
    const firstId = batch.firstId;
    batch.answered = new Uint8Array(length);
    for (let i = 0, at = batch.recordsOffset; i < length; i++, at = batch.recordAt(i)) {
      if (batch.kind(at) !== RESPONSE) continue;
      const requestId = batch.requestId(at);
      if (requestId === 0) continue;
      const final = (batch.flags(at) & flags.interim) === 0;
      if (requestId < firstId) {
        this.#link(batch, requestId, final);
      } else if (final) {
        this.#markOwn(batch, requestId);
      }
    }
    for (const { id } of unanswered) this.#close(batch, id);
    if (length === 0) return;
    this.#recent.push(batch);
    this.#recentBytes += batch.byteLength;
    while (this.#recent.length > maxRecentBatches || (this.#recentBytes > maxRecentBytes && this.#recent.length > 1))
      this.#retire();
  }

  clear(): void {
    this.#recent = [];
    this.#waiting = [];
    this.#recentBytes = 0;
    this.#waitingBytes = 0;
  }

  /** No response will come to this request: it need not wait any longer. */
  #close(batch: Batch, requestId: number): void {
    if (batch.length > 0 && requestId >= batch.firstId) this.#markOwn(batch, requestId);
    else this.#link(batch, requestId, true);
  }

  #markOwn(batch: Batch, requestId: number): void {
    const index = batch.indexOf(requestId);
    if (index >= 0 && batch.answered) batch.answered[index] = 1;
  }

  #link(batch: Batch, requestId: number, final: boolean): void {
    for (let i = this.#recent.length - 1; i >= 0; i--) {
      const other = this.#recent[i] as Batch;
      if (requestId < other.firstId) continue;
      const index = other.indexOf(requestId);
      if (index < 0) return;
      if (final && other.answered) other.answered[index] = 1;
      addSource(batch, other);
      return;
    }
    this.#linkWaiting(batch, requestId, final);
  }

  #linkWaiting(batch: Batch, requestId: number, final: boolean): void {
    const waiting = this.#waiting;
    let low = 0;
    let high = waiting.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const entry = waiting[middle] as Waiting;
      if (requestId > entry.lastId) low = middle + 1;
      else if (requestId < entry.firstId) high = middle - 1;
      else {
        const index = entry.batch.indexOf(requestId);
        if (index < 0) return;
        addSource(batch, entry.batch);
        const answered = entry.batch.answered;
        if (!final || answered === undefined || answered[index] === 1) return;
        answered[index] = 1;
        if (--entry.remaining === 0) {
          waiting.splice(middle, 1);
          this.#waitingBytes -= entry.batch.byteLength;
        }
        return;
      }
    }
  }

  #tellForgotten(batch: Batch): void {
    if (this.#onForgotten === undefined) return;
    for (let index = 0; index < batch.length; index++) {
      if (batch.isRequest(index) && batch.answered?.[index] !== 1) this.#onForgotten({ batch, index });
    }
  }

  #retire(): void {
    const batch = this.#recent.shift() as Batch;
    this.#recentBytes -= batch.byteLength;
    batch.requestSources = none;
    const unanswered: number[] = [];
    for (let i = 0, at = batch.recordsOffset; i < batch.length; i++, at = batch.recordAt(i)) {
      if (batch.kind(at) === REQUEST && batch.answered?.[i] !== 1) unanswered.push(i);
    }
    if (unanswered.length === 0) return;
    const kept = this.#keptOf(batch, unanswered);
    this.#waiting.push({ batch: kept, firstId: kept.firstId, lastId: kept.lastId, remaining: unanswered.length });
    this.#waitingBytes += kept.byteLength;
    while (this.#waitingBytes > maxWaitingBytes) {
      const oldest = this.#waiting.shift() as Waiting;
      this.#waitingBytes -= oldest.batch.byteLength;
      this.#forgotten += oldest.remaining;
      this.#tellForgotten(oldest.batch);
    }
  }

  #keptOf(batch: Batch, unanswered: readonly number[]): Batch {
    const withBodies = this.#onForgotten !== undefined;
    if (batch.compactSize(unanswered, withBodies) > batch.byteLength * copyShare) return batch;
    const copy = batch.compact(unanswered, withBodies);
    copy.answered = new Uint8Array(copy.length);
    return copy;
  }
}

function addSource(batch: Batch, source: Batch): void {
  if (!batch.requestSources.includes(source)) batch.requestSources = [...batch.requestSources, source];
}
