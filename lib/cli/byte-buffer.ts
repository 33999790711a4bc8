import { Buffer } from 'node:buffer';
import type { TextWriter } from '../command-entry.js';

const initialBytes = 256 * 1024;
/** What a native writer writes at a time mostly fits. */
const lentBytes = 1280 * 1024;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Bytes on their way out. Printers write into it without making strings first, because at some hundred thousand messages a second
 * most of the time would go into strings, their encoding and their collection.
 */
export class ByteBuffer {
  /** Holds `length` bytes; what is behind them is free. Replaced when it grows, so get it from {@link reserve}. */
  bytes: Buffer;
  /** The same memory, for words at any alignment. */
  view: DataView;
  length = 0;
  #lentAt: number | undefined;

  constructor(capacity = initialBytes) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = viewOf(this.bytes);
  }

  /** Makes room for so many more bytes and returns the buffer they go into, from index `length` on. */
  reserve(more: number): Buffer {
    const needed = this.length + more;
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
      this.view = viewOf(grown);
    }
    return this.bytes;
  }

  /** Text as UTF-8. */
  text(text: string): void {
    const bytes = this.reserve(text.length * 3);
    this.length += bytes.write(text, this.length);
  }

  /** Text that is known to be ASCII and short. */
  ascii(text: string): void {
    const { length } = text;
    const bytes = this.reserve(length);
    let at = this.length;
    // For short texts a loop is several times as fast as a call into the runtime.
    for (let index = 0; index < length; index++) bytes[at++] = text.charCodeAt(index);
    this.length = at;
  }

  /** Bytes as they are. */
  copy(chunk: Uint8Array): void {
    this.reserve(chunk.length).set(chunk, this.length);
    this.length += chunk.length;
  }

  /** Lets native code write behind what is there; {@link written} tells what it did. */
  lendTo(writer: TextWriter): void {
    writer.native.lend(this.reserve(lentBytes), this.length);
    this.#lentAt = this.length;
  }

  written(writer: TextWriter, { bytes, lent }: { bytes: number; lent: boolean }): void {
    // Unless something else came in between, it is there.
    if (lent && this.#lentAt === this.length) this.length += bytes;
    else this.copy(writer.native.text());
    this.#lentAt = undefined;
  }

  /** A number from 0 on, in decimal, padded with zeroes to a width. */
  digits(value: number, width: number): void {
    const bytes = this.reserve(width);
    let rest = value;
    for (let at = this.length + width - 1; at >= this.length; at--) {
      const next = Math.floor(rest / 10);
      bytes[at] = 0x30 + rest - next * 10;
      rest = next;
    }
    this.length += width;
  }

  toString(): string {
    return this.bytes.toString('utf8', 0, this.length);
  }
}
