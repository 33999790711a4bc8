import type { OpenBody } from './open-body.js';

/**
 * What is made of a body, for one reader. A generator that waits for more serves return() only when more has come; this lets go of the body
 * at once, which also ends the wait.
 */
export class BodyReader<T> implements AsyncIterableIterator<T, undefined> {
  readonly #values: AsyncIterator<T>;
  readonly #open: OpenBody | undefined;

  constructor(values: AsyncIterable<T>, open: OpenBody | undefined) {
    this.#values = values[Symbol.asyncIterator]();
    this.#open = open;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#values.next();
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#open?.release();
    await this.#values.return?.();
    return { value: undefined, done: true };
  }

  async throw(error?: unknown): Promise<IteratorResult<T, undefined>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
