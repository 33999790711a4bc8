/// <reference lib="esnext.disposable" preserve="true" />
import { inspect } from 'node:util';
import { Engine, type EngineParts } from './engine.js';
import { CaptureError } from './errors.js';
import type { Message } from './message.js';
import type { MessageBatch } from './message-batch.js';
import type { ResolvedOptions } from './options.js';
import { BatchReader, MessageReader } from './readers.js';
import { type CaptureStats, groupStats } from './stats.js';

/** What is being captured. */
export interface CaptureInfo {
  /** Interface name; `''` for files and streams. */
  readonly interface: string;
  /** Link type as libpcap names it, such as `'EN10MB'`; of a file that of its first interface. */
  readonly linkType: string;
  /** The BPF expression in force; live it includes what was derived from `port` and `address`. `''` for none. */
  readonly filter: string;
  /** Bytes captured of a packet at most; 0 when unknown. */
  readonly snaplen: number;
}

/** A running capture, made by `capture()`. Iterate over it for messages, or over `batches()`: one of them, once. */
export class Tap implements AsyncIterable<Message> {
  readonly #engine: Engine;
  readonly #counters: EngineParts['counters'];

  /** @internal */
  constructor(options: ResolvedOptions, parts: EngineParts) {
    this.#counters = parts.counters;
    this.#engine = new Engine(options, parts);
  }

  /**
   * Resolves when packets are being captured, of a `stream` when its first bytes have come. Rejects with a CaptureError when that fails (`ERR_PERMISSION`, `ERR_NO_INTERFACE`,
   * `ERR_FILTER`, `ERR_FILE`, …) or the tap is closed before (`ERR_CLOSED`), and with `signal.reason`. It never causes an unhandled
   * rejection by itself. Asking for it keeps the event loop alive until it is settled.
   */
  get ready(): Promise<void> {
    this.#engine.awaitReady();
    return this.#engine.ready;
  }

  /** What is being captured; `undefined` until `ready` has resolved. */
  get info(): CaptureInfo | undefined {
    return this.#engine.info;
  }

  /** The counters as they are now; at any time, also after the end. */
  stats(): CaptureStats {
    return groupStats(this.#counters, this.#engine.stats(), this.#engine.requestsForgotten);
  }

  /** Ends capturing. Open messages are finished, and the iterator goes on until everything was delivered. Calling it again does nothing. */
  stop(): void {
    this.#engine.stop();
  }

  /** Ends everything and discards what was not delivered. A read that waits gets `done`. Calling it again does nothing. */
  close(): Promise<void> {
    return this.#engine.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#engine.close();
  }

  /**
   * Iterates over the messages. Leaving the loop closes the tap. What ends the capture early is thrown when everything before it
   * was delivered.
   * @throws CaptureError `ERR_STATE` when the tap has a consumer already
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    return this.#claim(new MessageReader(this.#engine));
  }

  /**
   * Iterates over batches of messages, which is several times as fast, because the inner loop needs no promise a message.
   * @throws CaptureError `ERR_STATE` when the tap has a consumer already
   */
  batches(): AsyncIterableIterator<MessageBatch> {
    return this.#claim(new BatchReader(this.#engine));
  }

  #claim<R extends MessageReader | BatchReader>(reader: R): R {
    if (this.#engine.claim(reader)) return reader;
    throw new CaptureError(
      'ERR_STATE',
      'This tap has a consumer already: it is iterated once, by messages or by batches(). Call capture() again for another',
    );
  }

  [inspect.custom](): string {
    const { info } = this.#engine;
    return `Tap ${inspect({ over: this.#engine.over, ...info })}`;
  }

  get [Symbol.toStringTag](): string {
    return 'Tap';
  }
}
