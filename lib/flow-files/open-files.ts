/** Descriptors of many files that are written a little at a time: only so many are open at once. */
import { closeSync } from 'node:fs';

/** `T` has a file behind it. */
export class OpenFiles<T> {
  readonly #most: number;
  /** The least recently used first. */
  readonly #open = new Map<T, number>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Its descriptor, until the next call.
   * @param open opens it when it is not
   */
  of(file: T, open: () => number): number {
    let fd = this.#open.get(file);
    if (fd === undefined) fd = this.withRoom(open);
    else this.#open.delete(file);
    this.#open.set(file, fd);
    if (this.#open.size > this.#most) this.#closeOldest();
    return fd;
  }

  /** Opens something, and closes files for it when the process has too many open. */
  withRoom<T>(open: () => T): T {
    for (;;) {
      try {
        return open();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EMFILE' || this.#open.size === 0) throw error;
        this.#closeOldest();
      }
    }
  }

  /** @throws what the system could not write before */
  close(file: T): void {
    const fd = this.#open.get(file);
    if (fd === undefined) return;
    this.#open.delete(file);
    closeSync(fd);
  }

  /** @throws what the system could not write before */
  closeAll(): void {
    while (this.#open.size > 0) this.#closeOldest();
  }

  #closeOldest(): void {
    const [oldest] = this.#open.keys();
    if (oldest !== undefined) this.close(oldest);
  }
}
