import type { BatchSource, TapReader } from './readers.js';

/** What of a batch the consumer gets; decided at once where that is possible. */
export type Select<B> = (batch: B) => B | Promise<B>;

/** Between the engine and the reader: passes on what is selected of each batch, in order. */
export class SelectingSource<B extends { readonly empty: boolean }> implements BatchSource<B> {
  readonly #source: BatchSource<B>;
  readonly #select: Select<B>;
  #reader: Pick<TapReader<unknown>, 'settle' | 'discard'> | undefined;
  /** A batch is being decided on. */
  #deciding = false;
  #decided: B | undefined;

  constructor(source: BatchSource<B>, select: Select<B>) {
    this.#source = source;
    this.#select = select;
  }

  /** The one that reads from here. */
  serve(reader: Pick<TapReader<unknown>, 'settle' | 'discard'>): void {
    this.#reader = reader;
  }

  take(): B | undefined {
    for (;;) {
      const decided = this.#takeDecided();
      if (decided !== undefined) return decided;
      if (this.#deciding) return undefined;
      const batch = this.#source.take();
      if (batch === undefined) return undefined;
      const selected = this.#select(batch);
      if (selected instanceof Promise) void this.#await(selected);
      else this.#decided = selected;
    }
  }

  wait(): void {
    if (!this.#deciding) this.#source.wait();
  }

  get over(): boolean {
    return this.#source.over && !this.#deciding && this.#decided === undefined;
  }

  takeFailure(): { error: unknown } | undefined {
    return this.#source.takeFailure();
  }

  async close(): Promise<void> {
    await this.#source.close();
  }

  settle(): void {
    this.#reader?.settle();
  }

  discard(): void {
    this.#decided = undefined;
    this.#deciding = false;
    this.#reader?.discard();
  }

  #takeDecided(): B | undefined {
    const batch = this.#decided;
    this.#decided = undefined;
    return batch?.empty ? undefined : batch;
  }

  async #await(selected: Promise<B>): Promise<void> {
    this.#deciding = true;
    const batch = await selected;
    // Discarded meanwhile.
    if (!this.#deciding) return;
    this.#deciding = false;
    this.#decided = batch;
    this.#reader?.settle();
  }
}
