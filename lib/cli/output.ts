/** Standard output: batched, patient with a slow reader, quiet when the reader has gone. */
import type { Writable } from 'node:stream';
import { ByteBuffer } from './byte-buffer.js';

/** Buffers are used again once their bytes are through, because new memory costs more than filling it. */
const maxSpares = 4;
/** One that grew beyond this for a large message is not kept. */
const maxSpareBytes = 2 * 1024 * 1024;

export class Output {
  /** What printers write to. Nothing is sent before {@link flush}. */
  pending = new ByteBuffer();
  readonly #stream: Writable;
  readonly #spares: ByteBuffer[] = [];
  #closed = false;
  #hasRoom = true;
  #error: NodeJS.ErrnoException | undefined;
  #wake: (() => void) | undefined;

  /** @param onClosed called once when nobody reads any more, or when writing failed (see {@link error}) */
  constructor(stream: Writable, onClosed: () => void = () => {}) {
    this.#stream = stream;
    const close = (error?: NodeJS.ErrnoException): void => {
      if (error && error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') this.#error ??= error;
      this.#wake?.();
      if (this.#closed) return;
      this.#closed = true;
      onClosed();
    };
    stream.on('error', close);
    stream.on('close', () => close());
    stream.on('drain', () => {
      this.#hasRoom = true;
      this.#wake?.();
    });
  }

  /** The reader has gone or writing failed: nothing written from now on arrives anywhere. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Why writing failed; undefined when all is well and when the reader of a pipe has just gone. */
  get error(): NodeJS.ErrnoException | undefined {
    return this.#error;
  }

  /** Sends what is pending. A promise only when the reader is slow: it resolves when there is room again, or nobody reads. */
  flush(): void | Promise<void> {
    const sent = this.pending;
    if (sent.length === 0) return this.#roomAgain();
    if (this.#closed) {
      sent.length = 0;
      return;
    }
    this.pending = this.#spares.pop() ?? new ByteBuffer();
    this.#write(sent.bytes.subarray(0, sent.length), () => {
      if (sent.bytes.length > maxSpareBytes || this.#spares.length >= maxSpares) return;
      sent.length = 0;
      this.#spares.push(sent);
    });
    return this.#roomAgain();
  }

  #write(bytes: Uint8Array, onDone?: () => void): void {
    this.#hasRoom = this.#stream.write(bytes, onDone);
  }

  /** Sends what is pending and waits until the system has taken all of it, or nobody reads any more. */
  async finish(): Promise<void> {
    await this.flush();
    if (this.#closed) return;
    // The callback of a write comes when it and everything before it is through, or failed.
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
  }

  #roomAgain(): void | Promise<void> {
    if (this.#hasRoom || this.#closed) return;
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        this.#hasRoom = true;
        resolve();
      };
    });
  }
}
