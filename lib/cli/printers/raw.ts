/** The bytes of heads and bodies and nothing else. */
import { Buffer } from 'node:buffer';
import type { Message } from '../../index.js';
import type { Output } from '../output.js';
import { sanitizeText } from '../terminal.js';
import { decodeText } from '../text.js';
import type { Printer } from './printer.js';

export interface RawPrinterOptions {
  /** The output is a terminal: escape control bytes, and start each message on a line of its own. */
  terminal?: boolean;
}

export class RawPrinter implements Printer {
  readonly #output: Pick<Output, 'pending'>;
  readonly #terminal: boolean;

  constructor(output: Pick<Output, 'pending'>, options: RawPrinterOptions = {}) {
    this.#output = output;
    this.#terminal = options.terminal ?? false;
  }

  print(message: Message): void {
    const to = this.#output.pending;
    const { head, body } = message;
    if (this.#terminal) {
      const text = sanitizeText(body ? decodeText(Buffer.concat([head, body])) : decodeText(head));
      to.text(text.endsWith('\n') ? text : `${text}\n`);
      return;
    }
    to.copy(head);
    if (body) to.copy(body);
  }
}
