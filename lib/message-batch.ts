import { inspect } from 'node:util';
import type { Batch } from './batch.js';
import { type Message, messageAt } from './message.js';

/**
 * Messages that arrived together, for loops without a promise a message. The messages share one buffer of some hundred KiB, which
 * lives as long as one of them does; `detach()` what is to be kept.
 */
export class MessageBatch implements Iterable<Message> {
  private readonly _batch: Batch;

  /** @internal */
  constructor(batch: Batch) {
    this._batch = batch;
  }

  /** Number of messages, at least 1. */
  get length(): number {
    return this._batch.length;
  }

  /** The message at an index; negative ones count from the end. undefined beyond the ends. */
  at(index: number): Message | undefined {
    let i = Math.trunc(index) || 0;
    if (i < 0) i += this._batch.length;
    return i >= 0 && i < this._batch.length ? messageAt(this._batch, i) : undefined;
  }

  [Symbol.iterator](): IterableIterator<Message> {
    return new BatchIterator(this._batch);
  }

  [inspect.custom](depth: number, options: object): string {
    if (depth < 0) return `[MessageBatch(${this.length})]`;
    return `MessageBatch(${this.length}) ${inspect([...this], { ...options, depth: depth - 1 })}`;
  }
}

class BatchIterator implements IterableIterator<Message> {
  private readonly _batch: Batch;
  private readonly _length: number;
  private _index = 0;

  constructor(batch: Batch) {
    this._batch = batch;
    this._length = batch.length;
  }

  next(): IteratorResult<Message> {
    return this._index < this._length
      ? { value: messageAt(this._batch, this._index++), done: false }
      : { value: undefined, done: true };
  }

  [Symbol.iterator](): this {
    return this;
  }
}
