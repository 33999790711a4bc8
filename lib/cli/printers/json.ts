/** NDJSON: one message a line, as `message.toJSON()` gives it. */
import type { Message } from '../../index.js';
import type { Output } from '../output.js';
import { sanitizeJson } from '../terminal.js';
import { bodyDigest } from './digest.js';
import { JsonLineWriter } from './json-line.js';
import type { Printer } from './printer.js';

export interface JsonPrinterOptions {
  /** Add `bodySha256` behind the other members. */
  digest?: boolean;
  /** The output is a terminal: also escape what JSON itself allows but a terminal may act upon. */
  terminal?: boolean;
}

export class JsonPrinter implements Printer {
  readonly #output: Pick<Output, 'pending'>;
  readonly #options: JsonPrinterOptions;
  readonly #writer = new JsonLineWriter();

  constructor(output: Pick<Output, 'pending'>, options: JsonPrinterOptions = {}) {
    this.#output = output;
    this.#options = options;
  }

  print(message: Message): void {
    const to = this.#output.pending;
    if (this.#options.terminal) to.text(sanitizeJson(JSON.stringify(message)));
    else this.#writer.append(to, message);
    const digest = this.#options.digest ? bodyDigest(message) : undefined;
    if (digest !== undefined) {
      // In place of the closing brace.
      to.length--;
      to.ascii(`,"bodySha256":"${digest}"}`);
    }
    to.ascii('\n');
  }
}
