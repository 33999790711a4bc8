/**
 * All the streamed bodies of a tap.
 *
 * What waits to be read is bounded, twice. Bodies that the consumer has passed by, because it asked for the next message without beginning
 * to read them, are probably not wanted. All others are: while somebody reads a body to its end, those of the messages behind it wait for
 * their turn. What is too much is let go, oldest first, unread bodies before those whose readers are slow; whoever reads such a body
 * later gets an error rather than a hole.
 */
import type { Batch } from '../batch.js';
import type { Continuation } from '../continuations.js';
import { flags } from '../layout.js';
import type { Message } from '../message.js';
import { type BodyKeeper, OpenBody } from './open-body.js';

/** Whoever delivers batches: the engine. */
export interface BatchPuller {
  /** Goes on taking batches as long as `wanted`. */
  pull(): void;
}

export interface BodyLimits {
  /** Of bodies that the consumer has passed by. */
  readonly maxPassedBytes: number;
  /** Of all. */
  readonly maxBytes: number;
}

/** What one turn of the event loop may bring, four batches, before any reader gets to run. */
const turnBytes = 4 * 320 * 1024;

const none: readonly OpenBody[] = [];

export class OpenBodies implements BodyKeeper {
  readonly #limits: BodyLimits;
  readonly #puller: BatchPuller;
  /** Messages whose end has not come. */
  readonly #open = new Map<number, OpenBody>();
  /** Those with something that waits, oldest first; of them those that were passed by. */
  readonly #filled = new Set<OpenBody>();
  readonly #passed = new Set<OpenBody>();
  readonly #awaited = new Set<OpenBody>();
  #heldBytes = 0;
  #passedBytes = 0;
  /** Of what the consumer took last. */
  #current: readonly OpenBody[] = none;
  bytesLetGo = 0;

  constructor(limits: BodyLimits, puller: BatchPuller) {
    this.#limits = limits;
    this.#puller = puller;
  }

  /** Somebody waits for what is still to come. */
  get wanted(): boolean {
    return this.#awaited.size > 0;
  }

  /** Call it with each batch, in order. */
  add(batch: Batch, continuations: readonly Continuation[]): void {
    for (let i = 0; i < batch.length; i++) {
      const at = batch.recordAt(i);
      if ((batch.flags(at) & flags.streaming) === 0) continue;
      const body = new OpenBody(this);
      this.#open.set(batch.id(at), body);
      batch.open ??= new Map();
      batch.open.set(batch.id(at), body);
    }
    for (const told of continuations) {
      const body = this.#open.get(told.id);
      if (body === undefined) continue;
      if (told.kind === 'body') body.add(told.bytes);
      else if (told.kind === 'gap') {
        if (told.dropped) body.skip(told.length);
        else body.add(told.length);
      } else if (told.kind === 'end') {
        this.#open.delete(told.id);
        body.end(told.rest);
      }
    }
    this.#keepLimits();
  }

  /** The consumer takes this message, and passes the one before. */
  take(batch: Batch, index: number): void {
    const body = batch.open?.get(batch.id(batch.recordAt(index)));
    this.#taken(body === undefined ? none : [body]);
  }

  /** The consumer takes these messages, and passes those before. */
  takeThese(messages: Iterable<Message | undefined>): void {
    const bodies: OpenBody[] = [];
    for (const message of messages) {
      const body = message?._open();
      if (body !== undefined) bodies.push(body);
    }
    this.#taken(bodies);
  }

  /** The consumer takes all messages of the batch, and passes those before. */
  takeAll(batch: Batch): void {
    this.#taken(batch.open === undefined ? none : [...batch.open.values()]);
  }

  /** The consumer waits for the next message, and passes those before. */
  pass(): void {
    this.#taken(none);
    this.#keepLimits();
  }

  close(): void {
    for (const body of this.#open.values()) body.close();
    this.#open.clear();
  }

  held(body: OpenBody, change: number): void {
    this.#heldBytes += change;
    if (body.heldBytes > 0) this.#filled.add(body);
    else this.#filled.delete(body);
    if (body.passed) this.#passedBytes += change;
    if (body.passed && body.heldBytes > 0) this.#passed.add(body);
    else this.#passed.delete(body);
  }

  await(body: OpenBody): void {
    this.#awaited.add(body);
    this.#puller.pull();
  }

  served(body: OpenBody): void {
    this.#awaited.delete(body);
  }

  #taken(bodies: readonly OpenBody[]): void {
    for (const body of this.#current) body.pass();
    this.#current = bodies;
  }

  #keepLimits(): void {
    for (const body of this.#passed) {
      if (this.#passedBytes <= this.#limits.maxPassedBytes + turnBytes) break;
      body.letGo();
    }
    for (const claimed of [false, true]) {
      for (const body of this.#filled) {
        if (this.#heldBytes <= this.#limits.maxBytes + turnBytes) return;
        if (body.claimed === claimed) body.letGo();
      }
    }
  }
}
