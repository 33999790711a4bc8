/** From the tap to the outputs. */
import type { TextWriter } from '../command-entry.js';
import type { Exchange, Message, MessageBatch, RedactOptions } from '../index.js';
import type { Outputs } from './outputs.js';
import type { PrintedMessage, Printer } from './printers/printer.js';
import { withoutSecrets } from './redaction.js';
import type { Tally } from './summary.js';
import type { CommandTap } from './tcpflow/flow-tapped.js';

export interface DeliveryOptions {
  /** Count and pair exchanges. */
  exchanges: boolean;
  /** Stop after so many exchanges, if these are asked for, else messages. */
  count: number;
  /** Only messages of this kind are printed. */
  kind: 'request' | 'response' | undefined;
  /** Mask secrets in messages. */
  redact: RedactOptions | undefined;
  /** Send each message at once. */
  eachMessage: boolean;
}

/** When it was written so much, which fits a buffer without its growing, it is sent. */
const flushBytes = 192 * 1024;

type Written = NonNullable<MessageBatch['_written']>;

/** Resolves when everything was delivered, or enough of it; rejects with what ended the capture early. */
export async function deliver(
  tap: Pick<CommandTap, 'batches'>,
  outputs: Outputs,
  tally: Tally,
  options: DeliveryOptions,
): Promise<void> {
  const delivery = new Delivery(outputs, tally, options);
  for await (const batch of tap.batches({ exchanges: options.exchanges, _writer: delivery.writer })) {
    const pending = delivery.add(batch);
    if (pending) await pending;
    const full = outputs.flush();
    if (full) await full;
    if (delivery.done) batch._takeOnly(delivery.counted(batch));
    if (outputs.dead || delivery.done) break;
    delivery.prepareWriter();
  }
}

class Delivery {
  readonly #outputs: Outputs;
  readonly #tally: Tally;
  readonly #options: DeliveryOptions;
  readonly #messagePrinters: Printer[];
  readonly #exchangePrinters: Printer[];
  /** Only where messages go nowhere else, and as they are. */
  readonly writer: TextWriter | undefined;
  /** Of the last batch. */
  #messages = 0;
  #exchanges = 0;

  constructor(outputs: Outputs, tally: Tally, options: DeliveryOptions) {
    this.#outputs = outputs;
    this.#tally = tally;
    this.#options = options;
    this.#messagePrinters = outputs.printers.filter((printer) => printer.print);
    this.#exchangePrinters = outputs.printers.filter((printer) => printer.printExchange);
    const all = options.kind === undefined && (!options.exchanges || options.count === Number.POSITIVE_INFINITY);
    const alone = outputs.printers.length === 1 && all && !options.redact;
    if (alone) this.writer = outputs.printers[0]?.writer;
    this.prepareWriter();
  }

  get done(): boolean {
    return this.#left() === 0;
  }

  /** What of the last batch was delivered. */
  counted(batch: MessageBatch): (Message | Exchange)[] {
    const { exchanges, kind } = this.#options;
    if (exchanges) return batch.exchanges.slice(0, this.#exchanges);
    return [...batch].slice(0, this.#messages).filter((message) => kind === undefined || message.kind === kind);
  }

  add(batch: MessageBatch): void | Promise<void> {
    this.#messages = 0;
    this.#exchanges = 0;
    const [printer] = this.#outputs.printers;
    const written = batch._written !== undefined || !this.#options.exchanges;
    return this.writer && printer && written ? this.#addWritten(batch, this.writer, printer) : this.#addEach(batch);
  }

  /** What is not written natively is printed here, in its place. */
  #addWritten(batch: MessageBatch, writer: TextWriter, printer: Printer): void | Promise<void> {
    const told = batch._written ?? this.#write(batch, 0, Math.min(batch.length, this.#left()), writer, printer);
    this.#take(told, writer, printer);
    if (told.next < told.end) return this.#addRest(batch, told, writer, printer);
  }

  async #addRest(batch: MessageBatch, first: Written, writer: TextWriter, printer: Printer): Promise<void> {
    for (let told = first; told.next < told.end && !this.#outputs.dead; ) {
      const message = batch.at(told.next) as Message;
      const printed = printer.print?.(message, told.asked);
      if (printed) await printed;
      this.#tally.seen++;
      this.#tally.add(message);
      this.#messages++;
      const full = this.#flush(false);
      if (full) await full;
      told = this.#write(batch, told.next + 1, told.end, writer, printer);
      this.#take(told, writer, printer);
    }
  }

  #write(batch: MessageBatch, from: number, to: number, writer: TextWriter, { output }: Printer): Written {
    output?.pending.lendTo(writer);
    return writer.write(batch, from, to);
  }

  #take(told: Written, writer: TextWriter, printer: Printer): void {
    printer.output?.pending.written(writer, told);
    printer.written?.();
    this.#messages += told.requests + told.responses;
    this.#tally.addAll(told);
  }

  /** Call it before the next batch. */
  prepareWriter(): void {
    if (this.writer === undefined) return;
    this.#outputs.printers[0]?.output?.pending.lendTo(this.writer);
    if (this.#options.count !== Number.POSITIVE_INFINITY) this.writer.limit(this.#left());
  }

  #left(): number {
    const { exchanges, count } = this.#options;
    return count - (exchanges ? this.#tally.exchanges : this.#tally.messages);
  }

  /** An exchange comes behind its last message. */
  async #addEach(batch: MessageBatch): Promise<void> {
    const { exchanges, length } = batch;
    let next = 0;
    for (let index = 0; index < length && !this.#outputs.dead; index++) {
      const message = batch.at(index) as Message;
      while (next < exchanges.length && lastId(exchanges[next] as Exchange) < message.id) {
        await this.#addExchange(exchanges[next++] as Exchange);
        if (this.done) return;
      }
      const pending = this.#addMessage(message);
      if (pending) await pending;
      if (this.done) return;
    }
    while (next < exchanges.length && !this.done) await this.#addExchange(exchanges[next++] as Exchange);
  }

  #addMessage(message: Message): void | Promise<void> {
    const { kind, redact, eachMessage } = this.#options;
    this.#messages++;
    this.#tally.seen++;
    if (kind !== undefined && message.kind !== kind) return;
    this.#tally.add(message);
    if (this.#messagePrinters.length === 0) return;
    const shown = redact === undefined ? message : withoutSecrets(message, redact);
    const printed = this.#print(shown);
    if (printed) return printed.then(() => this.#flush(eachMessage));
    return this.#flush(eachMessage);
  }

  /** Awaiting only what has to be awaited: a promise a message would cost more than printing it. */
  #print(message: PrintedMessage): Promise<void> | undefined {
    let pending: Promise<void> | undefined;
    for (const printer of this.#messagePrinters) {
      // One after the other: they may write to the same place.
      pending = pending ? pending.then(() => printer.print?.(message)) : (printer.print?.(message) ?? undefined);
    }
    return pending;
  }

  async #addExchange(exchange: Exchange): Promise<void> {
    this.#exchanges++;
    this.#tally.exchanges++;
    for (const printer of this.#exchangePrinters) await printer.printExchange?.(exchange);
    await this.#flush(this.#options.eachMessage);
  }

  #flush(now: boolean): void | Promise<void> {
    return now || this.#outputs.pendingBytes >= flushBytes ? this.#outputs.flush() : undefined;
  }
}

function lastId({ request, response }: Exchange): number {
  return (response ?? request)?.id ?? 0;
}
