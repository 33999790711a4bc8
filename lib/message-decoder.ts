import { Batch, type BatchContext } from './batch.js';
import type { Decoder } from './decoder.js';
import { type Message, messageAt } from './message.js';
import { MessageBatch } from './message-batch.js';
import type { NativeBatch } from './native.js';
import { RecentRequests } from './requests.js';

export class MessageDecoder implements Decoder<Message, Batch, MessageBatch> {
  readonly #context: BatchContext;
  readonly #requests = new RecentRequests();

  constructor(context: BatchContext) {
    this.#context = context;
  }

  get requestsForgotten(): number {
    return this.#requests.forgotten;
  }

  decode(taken: NativeBatch): Batch {
    const batch = new Batch(taken, this.#context);
    this.#requests.add(batch);
    return batch;
  }

  itemAt(batch: Batch, index: number): Message {
    return messageAt(batch, index);
  }

  itemsOf(batch: Batch): MessageBatch {
    return new MessageBatch(batch);
  }

  end(): void {
    this.#requests.clear();
  }
}
