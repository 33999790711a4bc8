import { BaseTap } from './base-tap.js';
import type { Batch } from './batch.js';
import type { Chain } from './chain/chain.js';
import type { EngineParts } from './engine.js';
import type { Exchange } from './exchanges/exchange.js';
import { ExchangeReader } from './exchanges/exchange-reader.js';
import type { Message } from './message.js';
import type { MessageBatch } from './message-batch.js';
import { MessageDecoder } from './message-decoder.js';
import type { ResolvedOptions } from './options.js';
import type { BatchSource } from './readers.js';
import type { TextWriter } from './text-writer.js';

export type { CaptureInfo } from './base-tap.js';

export interface BatchOptions {
  exchanges?: boolean | undefined;
  /** @internal */
  _writer?: TextWriter | undefined;
}

/**
 * A running capture, made by `capture()`. Iterate over it for messages, chain it, or iterate over `batches()` or `exchanges()`: one of
 * them, once.
 */
export class Tap extends BaseTap<Message, MessageBatch> {
  readonly #messages: MessageDecoder;

  /** @internal */
  constructor(options: ResolvedOptions, parts: EngineParts, decoder = new MessageDecoder(options)) {
    super(options, parts, decoder);
    this.#messages = decoder;
  }

  /**
   * Iterates over requests with their responses instead of over messages: each as soon as its response is complete (with
   * `body: 'stream'`, as soon as it begins), or it is known that none will come. Can be chained.
   * @throws CaptureError `ERR_STATE` when the tap has a consumer already
   */
  exchanges(): Chain<Exchange> {
    return this._read((source) => {
      this.#messages.pair();
      return new ExchangeReader(source as unknown as BatchSource<Batch>, this.#messages);
    });
  }

  /**
   * Iterates over batches, which is several times as fast, because the inner loop needs no promise an item.
   * @param options `exchanges`: batches have the exchanges that are complete with them, too; default false
   * @throws CaptureError `ERR_STATE` when the tap has a consumer already
   */
  override batches(options: BatchOptions = {}): AsyncIterableIterator<MessageBatch> {
    if (options.exchanges) this.#messages.pair();
    if (options._writer) this.#messages.write(options._writer);
    return super.batches();
  }

  get [Symbol.toStringTag](): string {
    return 'Tap';
  }
}
