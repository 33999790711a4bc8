/** Runs what takes time, one after the other. */
export class OneByOne {
  #last: Promise<void> = Promise.resolve();
  #count = 0;

  /** That wait or run. */
  get size(): number {
    return this.#count;
  }

  /** Resolves when everything that was given so far has been run. */
  get done(): Promise<void> {
    return this.#last;
  }

  /** @param run does not reject */
  add(run: () => Promise<void> | void): void {
    this.#count++;
    this.#last = this.#last.then(async () => {
      await run();
      this.#count--;
    });
  }
}
