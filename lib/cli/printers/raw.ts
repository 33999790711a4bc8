/** The bytes of heads and bodies as on the wire, and nothing else. */
import { Buffer } from 'node:buffer';
import type { Output } from '../output.js';
import { sanitizeText } from '../terminal.js';
import { decodeText } from '../text.js';
import type { PrintedMessage, Printer } from './printer.js';

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

  print(message: PrintedMessage): void {
    const to = this.#output.pending;
    const { head } = message;
    const body = message.wireBody ?? framed(message);
    if (this.#terminal) {
      const text = sanitizeText(body ? decodeText(Buffer.concat([head, body])) : decodeText(head));
      to.text(text.endsWith('\n') ? text : `${text}\n`);
      return;
    }
    to.copy(head);
    if (body) to.copy(body);
  }
}

/** A chunked body whose framing was not kept: in one chunk (RFC 9112, 7.1). Undefined when there is none. */
function framed({ body, bodyTruncated, integrity, trailers }: PrintedMessage): Buffer | undefined {
  if (body === undefined) return undefined;
  const chunk = body.length === 0 ? [] : [`${body.length.toString(16)}\r\n`, body];
  const isWhole = integrity === 'complete' && !bodyTruncated;
  const fields = trailers.raw.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const last = `${body.length === 0 ? '' : '\r\n'}0\r\n${fields}\r\n`;
  return Buffer.concat([...chunk, ...(isWhole ? [last] : [])].map((part) => Buffer.from(part as string, 'latin1')));
}
