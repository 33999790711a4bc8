import type { Batch } from './batch.js';
import type { Exchange } from './exchanges/exchange.js';
import { ItemBatch } from './item-batch.js';
import { linesOf } from './lines.js';
import { type Message, messageAt } from './message.js';
import type { NativeWritten } from './native.js';

/**
 * Messages that arrived together, for loops without a promise a message. The messages share one buffer of some hundred KiB, which
 * lives as long as one of them does; `detach()` what is to be kept.
 */
export class MessageBatch extends ItemBatch<Message> {
  /** @internal */
  readonly _batch: Batch;
  private readonly _requestSources: readonly Batch[];
  /**
   * The exchanges that are complete with these messages, see `tap.exchanges()`; empty unless they were asked for:
   * `tap.batches({ exchanges: true })`.
   */
  readonly exchanges: readonly Exchange[];

  /** @internal */
  constructor(batch: Batch, exchanges: readonly Exchange[] = []) {
    super();
    this._batch = batch;
    this._requestSources = batch.requestSources;
    this.exchanges = exchanges;
  }

  /** Number of messages; 0 only when there are `exchanges`. */
  get length(): number {
    return this._batch.length;
  }

  /**
   * The messages from index `start` up to `end` as NDJSON: what `JSON.stringify()` gives of each, and a line feed. In UTF-8, and several
   * times as fast. Content codings are undone as far as `maxDecodedBytes` allows, on this thread.
   */
  toNDJSON(start = 0, end = this.length): Buffer {
    return linesOf(this._batch, start, Math.min(end, this.length));
  }

  /** @internal What a TextWriter has made of it. */
  get _written(): NativeWritten | undefined {
    return this._batch.written;
  }

  /** @internal The consumer leaves, and wants nothing but these; of others no packets are written. */
  _takeOnly(items: Iterable<Message | Exchange>): void {
    this._batch.takeOnly(items);
  }

  /** @internal */
  _itemAt(index: number): Message {
    return messageAt(this._batch, index, this._requestSources);
  }
}
