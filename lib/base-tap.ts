/// <reference lib="esnext.disposable" preserve="true" />
import { inspect } from 'node:util';
import { Chain, Chainable } from './chain/chain.js';
import { ReaderSource } from './chain/reader-source.js';
import type { Source } from './chain/source.js';
import type { Decoder } from './decoder.js';
import { Engine, type EngineParts, type Sized } from './engine.js';
import { CaptureError } from './errors.js';
import type { ResolvedOptions } from './options.js';
import { BatchReader, type BatchSource, ItemReader, type TapReader } from './readers.js';
import { SelectingSource } from './selecting-source.js';
import { type CaptureStats, groupStats } from './stats.js';

/** What is being captured. */
export interface CaptureInfo {
  /** Interface name; several with `', '` between them; `''` for files and streams. */
  readonly interface: string;
  /** Link type as libpcap names it, such as `'EN10MB'`; of a file, or of several interfaces, that of the first. */
  readonly linkType: string;
  /** The BPF expression in force; live it includes what was derived from `port` and `address`. `''` for none. */
  readonly filter: string;
  /** Bytes captured of a packet at most; 0 when unknown. */
  readonly snaplen: number;
}

/** What items are made of is the decoder's business. */
type Records = Sized;

/** A running capture of whatever kind. Iterate over it for items, chain it, or iterate over `batches()`: one of them, once. */
export abstract class BaseTap<T, Items> extends Chainable<T> {
  readonly #engine: Engine<Records>;
  readonly #decoder: Decoder<T, Records, Items>;
  readonly #counters: EngineParts['counters'];

  /** @internal */
  constructor(options: ResolvedOptions, parts: EngineParts, decoder: Decoder<T, Records, Items>) {
    super();
    this.#counters = parts.counters;
    this.#decoder = decoder;
    this.#engine = new Engine(options, parts, decoder);
  }

  /**
   * Resolves when packets are being captured and `info` is known; of a `stream` when its header has told the link type. Rejects with a
   * CaptureError when that fails (`ERR_PERMISSION`, `ERR_NO_INTERFACE`, `ERR_FILTER`, `ERR_FILE`, …) or the tap is closed or stopped before
   * (`ERR_CLOSED`), and with `signal.reason`. It never causes an unhandled rejection by itself. Asking for it keeps the event loop alive
   * until it is settled.
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
    return groupStats(this.#counters, this.#engine.stats(), {
      requestsForgotten: 0,
      bodyBytesLetGo: 0,
      messagesNotMatched: 0,
      ...this.#decoder.counters,
      messagesLetGo: this.#engine.itemsLetGo,
    });
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
    return this.#claim((source) => new ItemReader(source, this.#decoder));
  }

  /**
   * Iterates over batches, which is several times as fast, because the inner loop needs no promise an item.
   * @throws CaptureError `ERR_STATE` when the tap has a consumer already
   */
  batches(): AsyncIterableIterator<Items> {
    return this.#claim((source) => new BatchReader(source, this.#decoder));
  }

  /** @internal */
  protected _source(): Source<T> {
    return new ReaderSource(this.#claim((source) => new ItemReader(source, this.#decoder)));
  }

  /** @internal What another reader gives, as the one consumer of the tap. */
  protected _read<U>(reader: (source: BatchSource<Records>) => TapReader<U>): Chain<U> {
    return new Chain(new ReaderSource(this.#claim(reader)));
  }

  #claim<R extends TapReader<unknown>>(make: (source: BatchSource<Records>) => R): R {
    const decoder = this.#decoder;
    const selecting = decoder.select && new SelectingSource(this.#engine, (batch) => decoder.select?.(batch) ?? batch);
    const reader = make(selecting ?? this.#engine);
    selecting?.serve(reader);
    try {
      if (this.#engine.claim(selecting ?? reader)) return reader;
    } catch (error) {
      void this.#engine.close();
      throw error;
    }
    throw new CaptureError(
      'ERR_STATE',
      'This tap has a consumer already: it is iterated once, item by item, by a chain or by batches(). Start another for another',
    );
  }

  [inspect.custom](): string {
    const { info } = this.#engine;
    return `${this[Symbol.toStringTag]} ${inspect({ over: this.#engine.over, ...info })}`;
  }

  abstract get [Symbol.toStringTag](): string;
}
