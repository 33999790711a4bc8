import { Batch, type BatchContext } from './batch.js';
import { type BodyLimits, OpenBodies } from './body/open-bodies.js';
import type { OpenBody } from './body/open-body.js';
import { continuationsOf, type Unanswered } from './continuations.js';
import type { Decoder, DecoderCounters, Puller } from './decoder.js';
import type { Exchange } from './exchanges/exchange.js';
import { exchangesOf, unansweredOf } from './exchanges/pair.js';
import { BatchSelector } from './match/batch-selector.js';
import type { ResolvedMatch } from './match/resolve-match.js';
import { type Message, messageAt } from './message.js';
import { MessageBatch } from './message-batch.js';
import { type NativeBatch, type NativeTextWriter, sessionsOf } from './native.js';
import type { ResolvedOptions } from './options.js';
import { type FoundRequest, RecentRequests } from './requests.js';
import { ShownIds } from './shown-ids.js';
import { ConnectionProcesses } from './system/connection-processes.js';
import type { TextWriter } from './text-writer.js';
import { Decisions } from './write/decisions.js';

export class MessageDecoder implements Decoder<Message, Batch, MessageBatch> {
  readonly #context: BatchContext;
  readonly #requests = new RecentRequests();
  readonly #ids: ShownIds;
  /** Native ids are not those that are shown. */
  #renumbers: boolean;
  readonly #bodyLimits: BodyLimits;
  /** Only for exchanges: requests that were let go since the last batch. */
  #forgotten: FoundRequest[] | undefined;
  /** Only when bodies are streamed. */
  #bodies: OpenBodies | undefined;
  /** Only when connections tell of them. */
  readonly #processes: ConnectionProcesses | undefined;
  readonly #match: ResolvedMatch | undefined;
  /** Only for what native code could not decide. */
  #selector: BatchSelector | undefined;
  /** Somebody may ask a response for its request. */
  #looksForRequests = true;
  #messagesNotMatched = 0;
  /** Only when packets are written. */
  #decisions: Decisions | undefined;
  #writer: TextWriter | undefined;
  /** Absent when everything matches, and nothing has to be looked up. */
  readonly select?: (batch: Batch) => Batch | Promise<Batch>;

  constructor({ native, match, maxBodyBytes, maxDecodedBytes, processes, knownProcesses }: ResolvedOptions) {
    this.#match = match;
    if (processes) this.#processes = new ConnectionProcesses(() => native.netns);
    const sessions = sessionsOf(native);
    this.#ids = new ShownIds(sessions);
    this.#renumbers = sessions > 1;
    if (match || processes || this.#renumbers) this.select = (batch) => this.#select(batch);
    this.#context = {
      maxDecodedBytes,
      maxBodyBytes,
      streaming: native.body === 'stream',
      processes: this.#processes ?? knownProcesses,
    };
    this.#bodyLimits = { maxPassedBytes: native.maxQueuedBytes, maxBytes: native.maxBufferedBytes };
  }

  attach(puller: Puller): void {
    if (puller.decide) this.#decisions = new Decisions(puller.decide);
    if (this.#context.streaming) this.#bodies = new OpenBodies(this.#bodyLimits, puller);
    void this.#processes?.start();
  }

  get wantsMore(): boolean {
    return this.#bodies?.wanted ?? false;
  }

  get counters(): DecoderCounters {
    return {
      requestsForgotten: this.#requests.forgotten + this.#ids.forgotten,
      bodyBytesLetGo: this.#bodies?.bytesLetGo ?? 0,
      messagesNotMatched: this.#messagesNotMatched,
    };
  }

  /** From now on batches have `exchanges`. */
  pair(): void {
    const forgotten: FoundRequest[] = [];
    this.#forgotten = forgotten;
    this.#requests.keepForExchanges((request) => forgotten.push(request));
  }

  /** As much as possible becomes text, and messages only what does not. */
  write(writer: TextWriter): void {
    this.#writer = writer;
  }

  get writer(): NativeTextWriter | undefined {
    return this.#writer?.native;
  }

  begin(): boolean {
    const wantsExchanges = this.#begin();
    // Whoever has to look at messages here needs them.
    const pairs = wantsExchanges && this.#writer?.form !== 'rows';
    const looks = pairs || this.#renumbers || this.#decisions || this.#processes || this.#bodies;
    if (looks) this.#writer = undefined;
    if (this.#writer) {
      this.#looksForRequests = false;
      this.#forgotten = undefined;
    }
    return wantsExchanges;
  }

  #begin(): boolean {
    const wantsExchanges = this.#forgotten !== undefined;
    const match = this.#match;
    if (match === undefined) return wantsExchanges;
    const scope = wantsExchanges ? 'exchange' : match.scope;
    const problem = match.problems[scope];
    if (problem !== undefined) throw problem;
    const plan = match.plans[scope];
    this.#looksForRequests = scope === 'exchange' || plan.responses;
    if (plan.rest !== undefined) {
      this.#selector = new BatchSelector(plan, scope, !this.#context.streaming);
      this.#renumbers = true;
    }
    return wantsExchanges;
  }

  get selects(): boolean {
    return this.#selector !== undefined;
  }

  decode(taken: NativeBatch): Batch {
    const batch = new Batch(taken, this.#context);
    const continuations = continuationsOf(batch);
    this.#bodies?.add(batch, continuations);
    const unanswered = continuations.filter((told) => told.kind === 'unanswered');
    if (this.#renumbers) batch.unanswered = unanswered;
    else this.#pair(batch, unanswered);
    return batch;
  }

  /** Finds out what belongs together, of what the consumer gets. */
  #pair(batch: Batch, unanswered: readonly Unanswered[]): void {
    if (this.#looksForRequests) this.#requests.add(batch, unanswered);
    if (this.#forgotten === undefined) return;
    const forgotten = unansweredOf(this.#forgotten.splice(0), 'evicted');
    batch.exchanges = [...forgotten, ...exchangesOf(batch, unanswered)];
  }

  pass(): void {
    this.#bodies?.pass();
    this.#decisions?.pass();
  }

  letGo(batch: Batch): void {
    this.#decisions?.letGo(batch, !this.selects);
  }

  taken(batch: Batch, count: number): void {
    this.#decisions?.taken(batch, count);
  }

  /** The consumer takes this exchange. */
  takenExchange({ request, response }: Exchange): void {
    this.#bodies?.takeThese([request, response]);
  }

  itemAt(batch: Batch, index: number): Message {
    this.#bodies?.take(batch, index);
    return messageAt(batch, index);
  }

  itemsOf(batch: Batch): MessageBatch {
    this.#bodies?.takeAll(batch);
    return new MessageBatch(batch, batch.takeExchanges());
  }

  end(): void {
    this.#requests.clear();
    this.#bodies?.close();
  }

  /** Processes first: a connection is read once, and matching may read it. */
  #select(batch: Batch): Batch | Promise<Batch> {
    const looking = this.#processes?.lookUp(batch.connectionsWithoutProcess(this.#processes));
    return looking === undefined ? this.#selectMatching(batch) : looking.then(() => this.#selectMatching(batch));
  }

  #selectMatching(batch: Batch): Batch | Promise<Batch> {
    if (!this.#renumbers) return batch;
    const selected = this.#selector?.select(batch) ?? [...Array(batch.length).keys()];
    return selected instanceof Promise
      ? selected.then((indexes) => this.#keep(batch, indexes))
      : this.#keep(batch, selected);
  }

  #keep(batch: Batch, indexes: readonly number[]): Batch {
    if (indexes.length === 0) this.#decisions?.passOver(batch);
    this.#messagesNotMatched += batch.length - indexes.length;
    // The rest of the batch need not live as long as what is selected.
    const selected = indexes.length === batch.length ? batch : batch.compact(indexes, true);
    const open = openBodies(batch, indexes);
    this.#ids.write(batch, indexes, selected);
    selected.open = open && new Map([...open].map(([index, body]) => [selected.id(selected.recordAt(index)), body]));
    const unanswered = batch.unanswered.flatMap((told) => this.#ids.unanswered(told) ?? []);
    batch.unanswered = [];
    this.#pair(selected, unanswered);
    return selected;
  }
}

/** The bodies of the messages at `indexes` that are still open, by their position there; all others are let go. */
function openBodies(batch: Batch, indexes: readonly number[]): Map<number, OpenBody> | undefined {
  const { open } = batch;
  if (open === undefined) return undefined;
  const selected = new Map<number, OpenBody>();
  for (const [position, index] of indexes.entries()) {
    const id = batch.id(batch.recordAt(index));
    const body = open.get(id);
    if (body === undefined) continue;
    selected.set(position, body);
    open.delete(id);
  }
  for (const body of open.values()) body.release();
  return selected;
}
