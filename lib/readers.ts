/**
 * The two iterators of a tap. next() is written by hand: an async generator costs several times as much per message. When the
 * next item is there already it returns a resolved promise; otherwise it queues, so that concurrent calls are answered in order.
 */
import type { Decoder } from './decoder.js';

/** Where readers get batches from: the tap. */
export interface BatchSource<B> {
  /** The next batch if there is one now. undefined: wait(), unless `over`. */
  take(): B | undefined;
  /** Calls the reader's settle() when take() may give something, or it is over. */
  wait(): void;
  /** No batch will come. */
  readonly over: boolean;
  /** Why it ended; once, undefined afterwards and when nothing went wrong. */
  takeFailure(): { error: unknown } | undefined;
  close(): Promise<void>;
}

/** Whoever has to know what the consumer is done with. */
export interface Consumed<B> {
  pass?(): void;
  taken?(batch: B, count: number): void;
}

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(reason: unknown): void;
}

/** A tap's one consumer. */
export interface TapReader<T> extends AsyncIterableIterator<T, undefined> {
  /** The next item if there is one now and nobody waits for it: next() without a promise. */
  poll(): T | undefined;
  return(): Promise<IteratorResult<T, undefined>>;
  /** Serves those who wait, as far as possible. */
  settle(): void;
  /** Forgets items that were taken but not delivered; tells what was delivered. */
  discard(): void;
}

export abstract class Reader<T, B> implements TapReader<T> {
  protected readonly _source: BatchSource<B>;
  protected readonly _consumed: Consumed<B>;
  private readonly _waiters: Waiter<T>[] = [];

  constructor(source: BatchSource<B>, consumed: Consumed<B>) {
    this._source = source;
    this._consumed = consumed;
  }

  /** The next item if there is one now. */
  protected abstract _item(): T | undefined;
  abstract discard(): void;

  get waiting(): boolean {
    return this._waiters.length > 0;
  }

  poll(): T | undefined {
    return this._waiters.length === 0 ? this._item() : undefined;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this._waiters.length === 0) {
      const value = this._item();
      if (value !== undefined) return Promise.resolve({ value, done: false });
      if (this._source.over) {
        const failure = this._source.takeFailure();
        return failure ? Promise.reject(failure.error) : Promise.resolve({ value: undefined, done: true });
      }
    }
    this._consumed.pass?.();
    return new Promise((resolve, reject) => {
      this._waiters.push({ resolve, reject });
      if (this._waiters.length === 1) this._source.wait();
    });
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    await this._source.close();
    return { value: undefined, done: true };
  }

  async throw(error?: unknown): Promise<IteratorResult<T, undefined>> {
    await this._source.close();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  settle(): void {
    const waiters = this._waiters;
    while (waiters.length > 0) {
      const value = this._item();
      if (value === undefined) break;
      waiters.shift()?.resolve({ value, done: false });
    }
    if (waiters.length === 0) return;
    if (!this._source.over) {
      this._source.wait();
      return;
    }
    for (const waiter of waiters.splice(0)) {
      const failure = this._source.takeFailure();
      if (failure) waiter.reject(failure.error);
      else waiter.resolve({ value: undefined, done: true });
    }
  }
}

export class ItemReader<T, B extends { readonly length: number }> extends Reader<T, B> {
  private readonly _decoder: Decoder<T, B, unknown>;
  private _batch: B | undefined = undefined;
  private _index = 0;
  private _length = 0;

  constructor(source: BatchSource<B>, decoder: Decoder<T, B, unknown>) {
    super(source, decoder);
    this._decoder = decoder;
  }

  protected _item(): T | undefined {
    while (this._index >= this._length) {
      this.discard();
      const batch = this._source.take();
      if (batch === undefined) return undefined;
      this._batch = batch;
      this._length = batch.length;
    }
    return this._decoder.itemAt(this._batch as B, this._index++);
  }

  discard(): void {
    if (this._batch !== undefined) this._consumed.taken?.(this._batch, this._index);
    this._batch = undefined;
    this._index = 0;
    this._length = 0;
  }
}

export class BatchReader<Items, B extends { readonly empty: boolean; readonly length: number }> extends Reader<
  Items,
  B
> {
  private readonly _decoder: Decoder<unknown, B, Items>;
  /** The consumer has it. */
  private _batch: B | undefined = undefined;

  constructor(source: BatchSource<B>, decoder: Decoder<unknown, B, Items>) {
    super(source, decoder);
    this._decoder = decoder;
  }

  protected _item(): Items | undefined {
    this.discard();
    for (;;) {
      const batch = this._source.take();
      if (batch === undefined) return undefined;
      if (batch.empty) continue;
      this._batch = batch;
      return this._decoder.itemsOf(batch);
    }
  }

  discard(): void {
    if (this._batch !== undefined) this._consumed.taken?.(this._batch, this._batch.length);
    this._batch = undefined;
  }
}
