import type { Batch } from '../batch.js';
import { type BatchSource, type Consumed, Reader } from '../readers.js';
import type { Exchange } from './exchange.js';

/** Whoever has to know which exchanges the consumer has. */
interface ExchangeConsumer extends Consumed<Batch> {
  takenExchange(exchange: Exchange): void;
}

/** Reads the exchanges that the decoder found in each batch. */
export class ExchangeReader extends Reader<Exchange, Batch> {
  private readonly _consumer: ExchangeConsumer;
  private _batch: Batch | undefined = undefined;
  private _exchanges: readonly Exchange[] = [];
  private _next = 0;

  constructor(source: BatchSource<Batch>, consumer: ExchangeConsumer) {
    super(source, consumer);
    this._consumer = consumer;
  }

  protected _item(): Exchange | undefined {
    while (this._next === this._exchanges.length) {
      this.#tell();
      const batch = this._source.take();
      this._batch = batch;
      this._exchanges = batch?.takeExchanges() ?? [];
      this._next = 0;
      if (batch === undefined) return undefined;
    }
    const exchange = this._exchanges[this._next++] as Exchange;
    this._consumer.takenExchange(exchange);
    return exchange;
  }

  discard(): void {
    this._batch?.takeOnly(this._exchanges.slice(0, this._next));
    this.#tell();
    this._exchanges = [];
    this._next = 0;
  }

  #tell(): void {
    if (this._batch !== undefined) this._consumer.taken?.(this._batch, this._batch.length);
    this._batch = undefined;
  }
}
