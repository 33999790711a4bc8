/** NDJSON: one message a line, as `message.toJSON()` gives it. */
import type { MessageBatch } from '../../index.js';
import type { Output } from '../output.js';
import { sanitizeJson } from '../terminal.js';
import { bodyDigest } from './digest.js';
import type { PrintedMessage, Printer } from './printer.js';

export interface JsonPrinterOptions {
  /** Add `bodySha256` behind the other members. */
  digest?: boolean;
  /** The output is a terminal: also escape what JSON itself allows but a terminal may act upon. */
  terminal?: boolean;
}

export class JsonPrinter implements Printer {
  /** Only when the lines are those of the library. */
  readonly printBatch: Printer['printBatch'];
  readonly #output: Pick<Output, 'pending'>;
  readonly #options: JsonPrinterOptions;

  constructor(output: Pick<Output, 'pending' | 'send'>, options: JsonPrinterOptions = {}) {
    this.#output = output;
    this.#options = options;
    this.printBatch =
      options.digest || options.terminal
        ? undefined
        : (batch: MessageBatch, count: number) => output.send(batch.toNDJSON(0, count));
  }

  print(message: PrintedMessage): void {
    const to = this.#output.pending;
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
