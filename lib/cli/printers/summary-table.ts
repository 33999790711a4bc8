/** `--summary`: which endpoint was asked how often, and how it went. */
import { TextWriter } from '../../command-entry.js';
import { type Exchange, type Summary, summarize } from '../../index.js';
import { ByteBuffer } from '../byte-buffer.js';
import type { Output } from '../output.js';
import type { Printer } from './printer.js';

const refreshMs = 1000;

export interface SummaryPrinterOptions {
  /** Size of the terminal as it is now; undefined when it is none. */
  size: () => { columns: number; rows: number } | undefined;
  /** Draw it again each second, in the same place: nothing else is written there meanwhile. */
  live: boolean;
}

export class SummaryPrinter implements Printer {
  readonly writer = new TextWriter('rows');
  readonly output = { pending: new ByteBuffer() };
  readonly #output: Pick<Output, 'pending' | 'flush'>;
  readonly #options: SummaryPrinterOptions;
  readonly #summary: Summary = summarize();
  readonly #timer: NodeJS.Timeout | undefined;
  #empty = true;
  #changed = false;
  /** Of the table on the screen. */
  #lines = 0;

  constructor(output: Pick<Output, 'pending' | 'flush'>, options: SummaryPrinterOptions) {
    this.#output = output;
    this.#options = options;
    if (!options.live) return;
    this.#timer = setInterval(() => this.#refresh(), refreshMs);
    this.#timer.unref();
  }

  printExchange(exchange: Exchange): void {
    this.#summary.add(exchange);
    this.#empty = false;
    this.#changed = true;
  }

  written(): void {
    const { pending } = this.output;
    if (pending.length === 0) return;
    this.#summary._addRows(pending.bytes, 0, pending.length);
    pending.length = 0;
    this.#empty = false;
    this.#changed = true;
  }

  end(): void {
    clearInterval(this.#timer);
    if (!this.#empty) this.#draw(this.#summary.table({ width: this.#options.size()?.columns }));
  }

  #refresh(): void {
    const size = this.#options.size();
    if (!this.#changed || size === undefined) return;
    this.#changed = false;
    // The heading, the line that counts the others, and the one that the cursor is in.
    const limit = Math.max(1, size.rows - 3);
    this.#draw(this.#summary.table({ width: size.columns, limit }));
    void this.#output.flush();
  }

  #draw(table: string): void {
    // To the first line of the one before, and everything from there on cleared.
    const back = this.#lines > 0 ? `\r\x1b[${this.#lines}A\x1b[J` : '';
    this.#lines = table.split('\n').length - 1;
    this.#output.pending.text(back + table);
  }
}
