/** `--har FILE`: an HTTP archive, or several of `--rotate`. */
import { type Exchange, HarWriter, type HarWriterOptions } from '../../index.js';
import type { RotationFlags } from '../rotation/options.js';
import { RotatingFile } from '../rotation/rotating-file.js';
import type { Printer } from './printer.js';

export interface HarPrinterOptions extends HarWriterOptions {
  rotation: RotationFlags;
  /** Files may be replaced. */
  force: boolean;
}

export class HarPrinter implements Printer {
  /** Exchanges that were written. */
  count = 0;
  readonly #files: RotatingFile<HarWriter>;
  readonly #onFailure: (error: Error) => void;
  #failed = false;

  /** @param onFailure called once; nothing is written from then on */
  constructor(path: string, { rotation, force, ...options }: HarPrinterOptions, onFailure: (error: Error) => void) {
    this.#files = new RotatingFile(path, rotation, force, (file) => new HarWriter(file, options));
    this.#onFailure = onFailure;
  }

  get failed(): boolean {
    return this.#failed;
  }

  /** `day.har`, `4 files until day-0004.har.gz` */
  get where(): string {
    const { count, lastPath } = this.#files;
    return count === 1 ? lastPath : `${count} files until ${lastPath}`;
  }

  /**
   * Makes the first file.
   * @throws Error with one line that says what to do
   */
  open(): Promise<void> {
    return this.#files.open();
  }

  printExchange(exchange: Exchange): void | Promise<void> {
    if (this.#failed) return;
    this.count++;
    const time = (exchange.request ?? exchange.response)?.startTime ?? 0n;
    return this.#watch(this.#files.write(time, (writer) => writer.write(exchange)));
  }

  end(): Promise<void> {
    return this.#watch(this.#files.end());
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
