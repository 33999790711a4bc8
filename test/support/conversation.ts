/** TCP conversations as the segments that a capture of them would show. */
import { type Endpoint, flag, type Segment, type Side } from './frame.js';
import type { Exchange, HttpMessage, HttpRequest, HttpResponse } from './http.js';

export interface ConversationOptions {
  client?: Partial<Endpoint>;
  server?: Partial<Endpoint>;
  /** Payload bytes of a full segment. Default 1448. */
  mss?: number;
  /** Initial sequence numbers of client and server. */
  isn?: [number, number];
  /** Time of the first segment. Default 2022-11-12T04:59:00.123456789Z. */
  startNs?: bigint;
  /** Time between segments. Default 50 000. */
  stepNs?: bigint;
  /** A pure ACK after so many data segments, and after the last. Default 2. */
  ackEvery?: number;
}

/** A message that was said, and where in its stream. */
export interface Said {
  message: HttpMessage;
  conversation: Conversation;
  side: Side;
  /** Stream offsets of the first byte and of the byte after the last. */
  start: number;
  end: number;
  /** Of a response: what it answers. */
  request?: Said;
}

const noBytes = Buffer.alloc(0);

/** Builds one connection step by step; every method adds segments. */
export class Conversation {
  readonly ends: readonly [Endpoint, Endpoint];
  readonly segments: Segment[] = [];
  readonly said: Said[] = [];
  /** Everything each side sent. */
  readonly streams: [Buffer[], Buffer[]] = [[], []];
  timeNs: bigint;
  stepNs: bigint;
  readonly mss: number;
  readonly #isn: readonly [number, number];
  readonly #ackEvery: number;
  /** Sequence space used: the SYN counts one, the FIN another. */
  readonly #used: [number, number] = [0, 0];
  readonly #offset: [number, number] = [0, 0];
  readonly #fin: [boolean, boolean] = [false, false];

  constructor(options: ConversationOptions = {}) {
    const v6 = options.server?.address?.includes(':') ?? options.client?.address?.includes(':') ?? false;
    this.ends = [
      { address: v6 ? '2001:db8::66:33' : '100.100.102.33', port: 47106, ...options.client },
      { address: v6 ? '2001:db8::66:17' : '100.100.102.17', port: 8000, ...options.server },
    ];
    this.mss = options.mss ?? 1448;
    this.#isn = options.isn ?? [1_000_000, 2_000_000];
    this.timeNs = options.startNs ?? 1_668_229_140_123_456_789n;
    this.stepNs = options.stepNs ?? 50_000n;
    this.#ackEvery = options.ackEvery ?? 2;
  }

  /** A segment as given; for what the other methods do not say. `used` is the sequence space it stands at. */
  segment(
    side: Side,
    flags: number,
    payload: Buffer = noBytes,
    at: { used?: number; acknowledged?: number } = {},
  ): Segment {
    const other = side === 0 ? 1 : 0;
    const used = at.used ?? this.#used[side];
    const acknowledged = at.acknowledged ?? this.#used[other];
    const segment: Segment = {
      ends: this.ends,
      side,
      timeNs: this.timeNs,
      sequence: (this.#isn[side] + used) >>> 0,
      acknowledgment: flags & flag.ack ? (this.#isn[other] + acknowledged) >>> 0 : 0,
      flags,
      window: 65535,
      payload,
      offset: used - 1,
    };
    this.timeNs += this.stepNs;
    this.segments.push(segment);
    return segment;
  }

  handshake(): this {
    this.segment(0, flag.syn);
    this.#used[0] = 1;
    this.segment(1, flag.syn | flag.ack);
    this.#used[1] = 1;
    return this.ack(0);
  }

  /** A handshake whose SYN carries the first bytes of a message (RFC 7413). */
  fastOpen(message: HttpRequest): Said {
    const said: Said = { message, conversation: this, side: 0, start: 0, end: message.wire.length };
    this.said.push(said);
    this.streams[0].push(message.wire);
    this.segment(0, flag.syn, message.wire).offset = 0;
    this.#used[0] = 1 + message.wire.length;
    this.#offset[0] = message.wire.length;
    this.segment(1, flag.syn | flag.ack);
    this.#used[1] = 1;
    this.ack(0);
    return said;
  }

  /** Goes on as if the handshake had been, without showing it. */
  withoutHandshake(): this {
    this.#used[0] = 1;
    this.#used[1] = 1;
    return this;
  }

  ack(side: Side): this {
    this.segment(side, flag.ack);
    return this;
  }

  send(side: Side, bytes: Buffer, mss = this.mss): this {
    this.streams[side].push(bytes);
    let count = 0;
    for (let at = 0; at < bytes.length; at += mss) {
      const payload = bytes.subarray(at, at + mss);
      const last = at + mss >= bytes.length;
      this.segment(side, flag.ack | (last ? flag.psh : 0), payload);
      this.#used[side] += payload.length;
      this.#offset[side] += payload.length;
      if (++count % this.#ackEvery === 0 || last) this.ack(side === 0 ? 1 : 0);
    }
    return this;
  }

  /** Sends messages in one piece, so that segments hold the end of one and the start of the next. */
  say(messages: HttpMessage[], requests: Said[] = []): Said[] {
    const side = messages[0]?.kind === 'request' ? 0 : 1;
    let answered = 0;
    const said = messages.map((message) => {
      const start =
        this.#offset[side] +
        messages.slice(0, messages.indexOf(message)).reduce((sum, one) => sum + one.wire.length, 0);
      const one: Said = { message, conversation: this, side, start, end: start + message.wire.length };
      if (message.kind === 'response') {
        one.request = requests[answered];
        if (!message.interim || message.status === 101) answered++;
      }
      return one;
    });
    this.said.push(...said);
    this.send(side, Buffer.concat(messages.map((message) => message.wire)));
    return said;
  }

  exchange(request: HttpRequest, ...responses: HttpResponse[]): this {
    const asked = this.say([request]);
    for (const response of responses) this.say([response], asked);
    return this;
  }

  /** All requests, then all responses. */
  pipeline(exchanges: Exchange[]): this {
    const asked = this.say(exchanges.map((one) => one.request));
    const answers = exchanges.flatMap((one, i) =>
      one.responses.map((message) => ({ message, request: asked[i] as Said })),
    );
    const said = this.say(
      answers.map((answer) => answer.message),
      asked,
    );
    said.forEach((one, i) => {
      one.request = answers[i]?.request;
    });
    return this;
  }

  /** A probe as Linux sends it: no data, one before the next sequence number; with `garbage`, one old byte. */
  keepAlive(side: Side, garbage = false): this {
    this.segment(side, flag.ack, garbage ? Buffer.from([0]) : noBytes, { used: this.#used[side] - 1 });
    return this.ack(side === 0 ? 1 : 0);
  }

  fin(side: Side): this {
    this.segment(side, flag.fin | flag.ack);
    this.#used[side]++;
    this.#fin[side] = true;
    return this.ack(side === 0 ? 1 : 0);
  }

  /** Both sides, the given one first. */
  close(first: Side = 0): this {
    const second = first === 0 ? 1 : 0;
    if (!this.#fin[first]) this.fin(first);
    if (!this.#fin[second]) this.fin(second);
    return this;
  }

  reset(side: Side): this {
    this.segment(side, flag.rst | flag.ack);
    return this;
  }

  /** Lets time pass. */
  wait(ns: bigint): this {
    this.timeNs += ns;
    return this;
  }
}

/** All segments of several conversations, by time. */
export function interleave(conversations: readonly Conversation[]): Segment[] {
  return conversations
    .flatMap((conversation) => conversation.segments)
    .map((segment, index) => ({ segment, index }))
    .sort((a, b) =>
      a.segment.timeNs === b.segment.timeNs ? a.index - b.index : a.segment.timeNs < b.segment.timeNs ? -1 : 1,
    )
    .map(({ segment }) => segment);
}
