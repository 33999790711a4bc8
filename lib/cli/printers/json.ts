/** NDJSON: one message a line, as `message.toJSON()` gives it. */
import { TextWriter } from '../../command-entry.js';
import type { Output } from '../output.js';
import { sanitizeJson } from '../terminal.js';
import { bodyDigest } from './digest.js';
import type { PrintedMessage, Printer } from './printer.js';

export interface JsonPrinterOptions {
  /** Add `bodySha256` behind the other members. */
  digest?: boolean;
  /** The output is a terminal: also escape what JSON itself allows but a terminal may act upon. */
  terminal?: boolean;
  /** Connections tell of processes. */
  process?: boolean;
}

export class JsonPrinter implements Printer {
  readonly output: Pick<Output, 'pending'>;
  /** Only when the lines are those of the library. */
  readonly writer: TextWriter | undefined;
  readonly #options: JsonPrinterOptions;

  constructor(output: Pick<Output, 'pending'>, options: JsonPrinterOptions = {}) {
    this.output = output;
    this.#options = options;
    if (!options.digest && !options.terminal && !options.process) this.writer = new TextWriter('lines');
  }

  print(message: PrintedMessage): void {
    const to = this.output.pending;
    const json = JSON.stringify(message);
    to.text(this.#options.terminal ? sanitizeJson(json) : json);
    const digest = this.#options.digest ? bodyDigest(message) : undefined;
    if (digest !== undefined) {
      // In place of the closing brace.
      to.length--;
      to.ascii(`,"bodySha256":"${digest}"}`);
    }
    to.ascii('\n');
  }
}
