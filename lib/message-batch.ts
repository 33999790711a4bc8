import type { Batch } from './batch.js';
import { ItemBatch } from './item-batch.js';
import { type Message, messageAt } from './message.js';

/**
 * Messages that arrived together, for loops without a promise a message. The messages share one buffer of some hundred KiB, which
 * lives as long as one of them does; `detach()` what is to be kept.
 */
export class MessageBatch extends ItemBatch<Message> {
  private readonly _batch: Batch;

  /** @internal */
  constructor(batch: Batch) {
    super();
    this._batch = batch;
  }

  /** Number of messages, at least 1. */
  get length(): number {
    return this._batch.length;
  }

  /** @internal */
  _itemAt(index: number): Message {
    return messageAt(this._batch, index);
  }
}
