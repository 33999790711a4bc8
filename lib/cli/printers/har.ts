/** `--har FILE`: an HTTP archive. */
import { type Exchange, HarWriter, type HarWriterOptions } from '../../index.js';
import type { Printer } from './printer.js';

export class HarPrinter implements Printer {
  /** Exchanges that were written. */
  count = 0;
  readonly #writer: HarWriter;
  readonly #onFailure: (error: Error) => void;
  #failed = false;

  /** @param onFailure called once; nothing is written from then on */
  constructor(path: string, options: HarWriterOptions, onFailure: (error: Error) => void) {
    this.#writer = new HarWriter(path, options);
    this.#onFailure = onFailure;
  }

  get failed(): boolean {
    return this.#failed;
  }

  printExchange(exchange: Exchange): void | Promise<void> {
    if (this.#failed) return;
    this.count++;
    return this.#watch(this.#writer.write(exchange));
  }

  end(): Promise<void> {
    return this.#watch(this.#writer.end());
  }

  async #watch(written: Promise<void>): Promise<void> {
    try {
      await written;
    } catch (error) {
      if (this.#failed) return;
      this.#failed = true;
      this.#onFailure(error as Error);
    }
  }
}
