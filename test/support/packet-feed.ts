/** A capture that a test feeds packet by packet, as a stream. */
import { Readable } from 'node:stream';
import { type CaptureOptions, capture, type Message, type Tap } from '../../lib/index.js';
import { pcap, toPackets } from './capture-file.js';
import type { Conversation } from './conversation.js';
import { within } from './environment.js';
import type { Segment } from './frame.js';

const fileHeaderBytes = 24;

export class PacketFeed {
  readonly tap: Tap;
  readonly #stream = new Readable({ read() {} });
  readonly #sent = new Map<Conversation, number>();
  #began = false;

  constructor(options: CaptureOptions = {}) {
    this.tap = capture({ stream: this.#stream, ...options });
  }

  /** Captures what the conversation has said since the last time, save the segments that `keep` leaves out. */
  capture(conversation: Conversation, keep: (segment: Segment) => boolean = () => true): void {
    const from = this.#sent.get(conversation) ?? 0;
    this.#sent.set(conversation, conversation.segments.length);
    const packets = toPackets(conversation.segments.slice(from).filter(keep), { link: 'ethernet' });
    const bytes = pcap(packets, { nanoseconds: true });
    this.#stream.push(this.#began ? bytes.subarray(fileHeaderBytes) : bytes);
    this.#began = true;
  }

  end(): void {
    this.#stream.push(null);
  }
}

/** The next of an iterator; fails when it ends or does not come. */
export async function next<T>(iterator: AsyncIterator<T>, what = 'the next'): Promise<T> {
  const { value, done } = await within(iterator.next(), what);
  if (done) throw new Error(`${what}: the iterator has ended`);
  return value;
}

/** The next response. */
export async function nextResponse(messages: AsyncIterator<Message>) {
  for (;;) {
    const message = await next(messages, 'the next message');
    if (message.kind === 'response') return message;
  }
}

/** The next response of which there is more to come; live there may be those of others. */
export async function nextUnfinished(messages: AsyncIterator<Message>) {
  for (;;) {
    const response = await nextResponse(messages);
    if (response.unfinished) return response;
  }
}
