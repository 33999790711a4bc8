/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Chaining, after the async iterator helpers proposal (https://github.com/tc39/proposal-async-iterator-helpers). What can be chained and
 * the chain that comes of it are made of each other, hence one file.
 */
import { ReadableStream } from 'node:stream/web';
import { checkFunction } from './check.js';
import { consume } from './consume.js';
import { DropStage } from './drop.js';
import { FilterStage } from './filter.js';
import { FlatMapStage, type Flattenable } from './flat-map.js';
import { MapStage } from './map.js';
import { END, type Pulled, type Source } from './source.js';
import { TakeStage } from './take.js';
import { TakeUntilStage } from './take-until.js';
import { whenKnown } from './thenable.js';

/**
 * What taps and chains have in common. Each method takes the values over: a tap has one consumer. Nothing is read before the first `next()`.
 * Callbacks may be asynchronous; they are called with a value and its index, one at a time. When the chain ends, early or not, or a callback
 * fails, the capture is closed.
 */
export abstract class Chainable<T> implements AsyncIterable<T> {
  /** @internal Where the next part of a chain reads from. */
  protected abstract _source(): Source<T>;

  abstract [Symbol.asyncIterator](): AsyncIterableIterator<T>;

  /** The values for which `predicate` gives something true. A type guard narrows the type. */
  filter<S extends T>(predicate: (value: T, index: number) => value is S): Chain<S>;
  filter(predicate: (value: T, index: number) => unknown): Chain<T>;
  filter(predicate: (value: T, index: number) => unknown): Chain<T> {
    return this.#chain((source) => new FilterStage(source, predicate));
  }

  /** What `mapper` makes of each value. */
  map<U>(mapper: (value: T, index: number) => U): Chain<Awaited<U>> {
    return this.#chain((source) => new MapStage(source, mapper));
  }

  /** The values of each iterable, synchronous or not, that `mapper` gives. It must not be a string. */
  flatMap<U>(mapper: (value: T, index: number) => Flattenable<U> | PromiseLike<Flattenable<U>>): Chain<Awaited<U>> {
    return this.#chain((source) => new FlatMapStage<T, U>(source, mapper));
  }

  /**
   * The first `limit` values; the capture is closed when one more is asked for.
   * @throws RangeError when `limit` is negative or NaN
   */
  take(limit: number): Chain<T> {
    return this.#chain((source) => new TakeStage(source, limit));
  }

  /**
   * All but the first `count` values.
   * @throws RangeError when `count` is negative or NaN
   */
  drop(count: number): Chain<T> {
    return this.#chain((source) => new DropStage(source, count));
  }

  /**
   * The values until a signal aborts, or so many milliseconds from now have passed. Then the capture is closed, what was not delivered is
   * discarded, and the iteration ends without an error; a read that waits gets `done`. The time does not keep the process alive.
   * @throws RangeError when the milliseconds are not 0 to 2147483647
   */
  takeUntil(until: AbortSignal | number): Chain<T> {
    return this.#chain((source) => new TakeUntilStage(source, until));
  }

  /** All values. */
  async toArray(): Promise<T[]> {
    const values: T[] = [];
    await consume(this._source(), (value) => {
      values.push(value);
    });
    return values;
  }

  /** Calls `callback` with each value. */
  async forEach(callback: (value: T, index: number) => unknown): Promise<void> {
    await this.#visit(callback, () => false);
  }

  /** Whether `predicate` gives something true for any value; ends with the first. */
  async some(predicate: (value: T, index: number) => unknown): Promise<boolean> {
    let found = false;
    await this.#visit(predicate, (answer) => {
      found = Boolean(answer);
      return found;
    });
    return found;
  }

  /** Whether `predicate` gives something true for every value; ends with the first for which it does not. */
  async every(predicate: (value: T, index: number) => unknown): Promise<boolean> {
    let all = true;
    await this.#visit(predicate, (answer) => {
      all = Boolean(answer);
      return !all;
    });
    return all;
  }

  /** The first value for which `predicate` gives something true, with which it ends; `undefined` when there is none. */
  find<S extends T>(predicate: (value: T, index: number) => value is S): Promise<S | undefined>;
  find(predicate: (value: T, index: number) => unknown): Promise<T | undefined>;
  async find(predicate: (value: T, index: number) => unknown): Promise<T | undefined> {
    let found: T | undefined;
    await this.#visit(predicate, (answer, value) => {
      if (answer) found = value;
      return Boolean(answer);
    });
    return found;
  }

  /**
   * Folds all values into one. Without `initial` the first value is what it begins with.
   * @throws TypeError as a rejection, when there is neither a value nor `initial`
   */
  reduce(reducer: (folded: T, value: T, index: number) => T | PromiseLike<T>): Promise<T>;
  reduce<U>(reducer: (folded: U, value: T, index: number) => U | PromiseLike<U>, initial: U): Promise<U>;
  async reduce(reducer: (folded: never, value: T, index: number) => unknown, ...initial: unknown[]): Promise<unknown> {
    let [folded] = initial;
    let begun = initial.length > 0;
    const keep = (answer: unknown) => {
      folded = answer;
      begun = true;
    };
    await consume(this.#sourceFor(reducer), (value, index) =>
      begun ? whenKnown(reducer(folded as never, value, index), keep) : keep(value),
    );
    if (!begun) throw new TypeError('reduce() of no values needs an initial one');
    return folded;
  }

  /** A web stream of the values. It reads one when it is asked for one, never ahead; cancelling it closes the capture. */
  toReadableStream(): ReadableStream<T> {
    return ReadableStream.from(this);
  }

  #chain<U>(make: (source: Source<T>) => Source<U>): Chain<U> {
    return new Chain(this.#use(make));
  }

  /** Calls `callback` with each value until `isEnough` says so of what it answered. */
  #visit(
    callback: (value: T, index: number) => unknown,
    isEnough: (answer: unknown, value: T) => boolean,
  ): Promise<void> {
    return consume(this.#sourceFor(callback), (value, index) =>
      whenKnown(callback(value, index), (answer) => isEnough(answer, value)),
    );
  }

  #sourceFor(callback: unknown): Source<T> {
    return this.#use((source) => {
      checkFunction(callback);
      return source;
    });
  }

  /** Makes something of the source. A bad argument closes it, since nobody can read it any more. */
  #use<R>(make: (source: Source<T>) => R): R {
    const source = this._source();
    try {
      return make(source);
    } catch (error) {
      source.close().catch(() => {});
      throw error;
    }
  }
}

/**
 * Values of a capture on their way through the callbacks of a chain. `next()` may be called several times without waiting: the calls are
 * served one after the other. `return()` does not wait for those: it closes the capture at once, and they get `done`.
 */
export class Chain<T> extends Chainable<T> implements AsyncIterableIterator<T, undefined, unknown> {
  readonly #source: Source<T>;

  /** @internal */
  constructor(source: Source<T>) {
    super();
    this.#source = source;
  }

  /** @internal */
  protected _source(): Source<T> {
    return this.#source;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const pulled = this.#source.pull();
    return pulled instanceof Promise ? pulled.then(toResult) : Promise.resolve(toResult(pulled));
  }

  /** Ends the chain and closes the capture. */
  async return(): Promise<IteratorResult<T, undefined>> {
    await this.#source.close();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#source.close();
  }

  get [Symbol.toStringTag](): string {
    return 'Chain';
  }
}

function toResult<T>(pulled: Pulled<T>): IteratorResult<T, undefined> {
  return pulled === END ? { value: undefined, done: true } : { value: pulled, done: false };
}
