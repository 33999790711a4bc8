/// <reference lib="esnext.disposable" preserve="true" />
import { inspect } from 'node:util';
import type { Decoder } from './decoder.js';
import { Engine, type EngineParts } from './engine.js';
import { CaptureError } from './errors.js';
import type { ResolvedOptions } from './options.js';
import { BatchReader, ItemReader } from './readers.js';
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

/** What items are made of is the decoder's business. */
type Records = { readonly length: number };

/** A running capture of whatever kind. Iterate over it for items, or over `batches()`: one of them, once. */
export abstract class BaseTap<T, Items> implements AsyncIterable<T> {
  readonly #engine: Engine<Records>;
  readonly #decoder: Decoder<T, Records, Items>;
  readonly #counters: EngineParts['counters'];

  /** @internal */
  constructor(options: ResolvedOptions, parts: EngineParts, decoder: Decoder<T, Records, Items>) {
    this.#counters = parts.counters;
    this.#decoder = decoder;
    this.#engine = new Engine(options, parts, decoder);
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
    return groupStats(this.#counters, this.#engine.stats(), this.#decoder.requestsForgotten);
  }

  /** Ends capturing. What is open is finished, and the iterator goes on until everything was delivered. Calling it again does nothing. */
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
   * Iterates item by item. Leaving the loop closes the tap. What ends the capture early is thrown when everything before it
   * was delivered.
   * @throws CaptureError `ERR_STATE` when the tap has a consumer already
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.#claim(new ItemReader(this.#engine, this.#decoder));
  }

  /**
   * Iterates over batches, which is several times as fast, because the inner loop needs no promise an item.
   * @throws CaptureError `ERR_STATE` when the tap has a consumer already
   */
  batches(): AsyncIterableIterator<Items> {
    return this.#claim(new BatchReader(this.#engine, this.#decoder));
  }

  #claim<R extends ItemReader<T, Records> | BatchReader<Items, Records>>(reader: R): R {
    if (this.#engine.claim(reader)) return reader;
    throw new CaptureError(
      'ERR_STATE',
      'This tap has a consumer already: it is iterated once, item by item or by batches(). Start another for another',
    );
  }

  [inspect.custom](): string {
    const { info } = this.#engine;
    return `${this[Symbol.toStringTag]} ${inspect({ over: this.#engine.over, ...info })}`;
  }

  abstract get [Symbol.toStringTag](): string;
}
