/** `--exchanges`: a line an exchange. */
import { accessLogLine, type DetachedExchange, type Exchange } from '../../index.js';
import type { Output } from '../output.js';
import type { Printer } from './printer.js';

export interface AccessLogPrinterOptions {
  /** Width of the terminal as it is now; undefined when it is none. */
  columns: () => number | undefined;
  /** Takes the secrets out. */
  redact: ((exchange: Exchange) => DetachedExchange) | undefined;
  /** Tell whose socket it is. */
  process: boolean;
}

export class AccessLogPrinter implements Printer {
  readonly #output: Pick<Output, 'pending'>;
  readonly #options: AccessLogPrinterOptions;

  constructor(output: Pick<Output, 'pending'>, options: AccessLogPrinterOptions) {
    this.#output = output;
    this.#options = options;
  }

  printExchange(exchange: Exchange): void {
    const { columns, redact, process } = this.#options;
    this.#output.pending.text(`${accessLogLine(redact?.(exchange) ?? exchange, { columns: columns(), process })}\n`);
  }
}
