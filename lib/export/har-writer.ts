/** HTTP archives that are written while they come. */
import type { Writable } from 'node:stream';
import { badOption, checkOptions } from '../check-options.js';
import { CaptureError } from '../errors.js';
import type { DetachedExchange, Exchange } from '../exchanges/exchange.js';
import { packageVersion } from '../package.js';
import { type HarOptions, harOptionNames, toHar } from './har.js';
import { openFile, type Sink, StreamSink } from './har-sink.js';

const header = `{"log":{"version":"1.2","creator":{"name":"flowtap","version":${JSON.stringify(packageVersion())}},"entries":[`;
const footer = '\n]}}\n';

/** Connections whose first exchange is known to be written; beyond that the oldest are forgotten. */
const maxConnections = 100_000;

/** Exchanges become entries side by side, until there is so much of them. */
const maxQueuedBytes = 1024 * 1024;
/** Stands for the heads of an exchange and everything else beside its bodies. */
const headBytes = 4096;
const maxPendingLength = 256 * 1024;

export type HarWriterOptions = Omit<HarOptions, 'firstOfConnection'>;

/**
 * Writes an HTTP archive (HAR 1.2) exchange by exchange; memory does not grow with it. A file is a valid archive all the
 * time, also when the process is killed, with everything that was written; a pipe or stream only after end().
 *
 * @example
 * await using har = new HarWriter('day.har');
 * for await (const exchange of capture({ file: 'day.pcap' }).exchanges()) await har.write(exchange);
 */
export class HarWriter implements AsyncDisposable {
  readonly #options: HarWriterOptions;
  readonly #sink: Promise<Sink>;
  readonly #connections = new Set<number>();
  /** Everything that was given so far is written; what failed once fails from then on. */
  #last: Promise<void>;
  #failure: unknown;
  #separator = '\n';
  /** Entries that are ready. */
  #pending = '';
  /** Exchanges that are no entries yet: how many, and how many bytes. */
  #queued = 0;
  #queuedBytes = 0;
  #ended: Promise<void> | undefined;

  /**
   * @param target path of a file, which is replaced, or a stream, which is ended with the archive unless it is process.stdout
   * @throws CaptureError `ERR_OPTION`
   */
  constructor(target: string | Writable, options: HarWriterOptions = {}) {
    checkOptions(
      options,
      harOptionNames.filter((name) => name !== 'firstOfConnection'),
      'HarWriter',
    );
    if (typeof target !== 'string' && typeof target?.write !== 'function') {
      throw badOption('HarWriter takes the path of a file or a Writable');
    }
    this.#options = options;
    this.#sink =
      typeof target === 'string' ? openFile(target, footer) : Promise.resolve(new StreamSink(target, footer));
    this.#last = this.#sink.then((sink) => sink.write(header));
    this.#last.catch((error) => this.#fail(error));
  }

  /**
   * Resolves when there is room for more: wait for it, so that what is not written yet does not pile up. Exchanges are written in the order
   * of the calls. What is buffered of an exchange is taken before this returns.
   * @throws CaptureError `ERR_FILE` when it, or one before, cannot be written; `ERR_STATE` after end()
   */
  write(exchange: Exchange | DetachedExchange): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(new CaptureError('ERR_STATE', 'The archive is ended already'));
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { connection, request, response } = exchange;
    const bytes = headBytes + (request?.bodyLength ?? 0) + (response?.bodyLength ?? 0);
    const entry = toHar(exchange, { ...this.#options, firstOfConnection: this.#isFirst(connection.id) }).then(
      JSON.stringify,
    );
    entry.catch(() => {});
    this.#queued++;
    this.#queuedBytes += bytes;
    this.#last = this.#last.then(async () => {
      this.#pending += this.#separator + (await entry);
      this.#separator = ',\n';
      this.#queued--;
      // Many small entries go into one write.
      if (this.#queued === 0 || this.#pending.length >= maxPendingLength) await this.#writePending();
      this.#queuedBytes -= bytes;
    });
    this.#last.catch((error) => this.#fail(error));
    return this.#queuedBytes < maxQueuedBytes ? Promise.resolve() : this.#last;
  }

  /**
   * Resolves when everything that was given is written.
   * @throws CaptureError `ERR_FILE`
   */
  flush(): Promise<void> {
    return this.#last;
  }

  /**
   * Completes the archive; resolves when all is written. Also by `await using`.
   * @throws CaptureError `ERR_FILE`
   */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  async #end(): Promise<void> {
    const sink = await this.#sink;
    try {
      await this.#last;
    } finally {
      await sink.end();
    }
  }

  async #writePending(): Promise<void> {
    const text = this.#pending;
    this.#pending = '';
    await (await this.#sink).write(text);
  }

  /** The next call tells. */
  #fail(error: unknown): void {
    this.#failure ??= error;
  }

  #isFirst(connectionId: number): boolean {
    const known = this.#connections.delete(connectionId);
    this.#connections.add(connectionId);
    if (this.#connections.size > maxConnections) {
      for (const oldest of this.#connections) {
        this.#connections.delete(oldest);
        break;
      }
    }
    return !known;
  }
}
