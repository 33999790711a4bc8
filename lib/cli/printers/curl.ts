/** `--curl`: each request as a command, with an empty line behind it. */
import { toCurl } from '../../index.js';
import type { Output } from '../output.js';
import type { PrintedMessage, Printer } from './printer.js';

export class CurlPrinter implements Printer {
  readonly #output: Pick<Output, 'pending'>;

  constructor(output: Pick<Output, 'pending'>) {
    this.#output = output;
  }

  print(message: PrintedMessage): void {
    const plain = message.detach();
    if (plain.kind === 'request') this.#output.pending.text(`${toCurl(plain)}\n\n`);
  }
}
