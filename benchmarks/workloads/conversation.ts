/** One keep-alive HTTP connection as a sequence of flights, so that many of them can be interleaved. */
import type { Message } from './http.js';
import { ack, type Endpoint, fin, maxSegmentBytes, type Network, push, syn } from './network.js';
import type { Random } from './random.js';
import { addDigest, type MessageTotals } from './truth.js';

/** What a conversation's messages are made of. */
export interface Script {
  exchanges: number;
  /** Makes request and response number `index`. */
  request(index: number): Message;
  response(index: number): Message;
  /** Segments that leave in one flight. */
  flightSegments: number;
  /** The server closes first, as it does after `Connection: close`. */
  serverCloses: boolean;
  /** Chance that the server acknowledges a request before it answers, and that the client acknowledges the end of a response. */
  requestAck: number;
  responseAck: number;
}

export interface Tally {
  sent: { requests: number; responses: number };
  complete: MessageTotals;
}

/** The message that is being sent and how far it is. A big one needs a buffer of its own until it is through. */
interface Sending {
  message: Message;
  sent: number;
  intact: boolean;
}

type Stage = 'syn' | 'synAck' | 'ack' | 'request' | 'response' | 'close' | 'closed';

export class Conversation {
  #stage: Stage = 'syn';
  #exchange = 0;
  #sending: Sending | undefined;
  readonly #client: Endpoint;
  readonly #server: Endpoint;
  readonly #network: Network;
  readonly #script: Script;
  readonly #random: Random;
  readonly #tally: Tally;

  constructor(network: Network, client: Endpoint, server: Endpoint, script: Script, random: Random, tally: Tally) {
    this.#network = network;
    this.#client = client;
    this.#server = server;
    this.#script = script;
    this.#random = random;
    this.#tally = tally;
  }

  /** Sends the next flight; false when that was the last one. */
  step(): boolean {
    switch (this.#stage) {
      case 'syn':
        this.#network.send(this.#client, this.#server, syn);
        this.#stage = 'synAck';
        return true;
      case 'synAck':
        this.#network.send(this.#server, this.#client, syn | ack);
        this.#stage = 'ack';
        return true;
      case 'ack':
        this.#network.send(this.#client, this.#server, ack);
        this.#stage = 'request';
        return this.step();
      case 'request':
        if (
          this.#flight(this.#client, this.#server, () => this.#script.request(this.#exchange), this.#script.requestAck)
        )
          this.#stage = 'response';
        return true;
      case 'response':
        if (
          this.#flight(
            this.#server,
            this.#client,
            () => this.#script.response(this.#exchange),
            this.#script.responseAck,
          )
        )
          this.#stage = ++this.#exchange < this.#script.exchanges ? 'request' : 'close';
        return true;
      case 'close': {
        const [first, second] = this.#script.serverCloses ? [this.#server, this.#client] : [this.#client, this.#server];
        this.#network.send(first, second, fin | ack);
        this.#network.send(second, first, ack);
        this.#network.send(second, first, fin | ack);
        this.#network.send(first, second, ack);
        this.#stage = 'closed';
        return false;
      }
      case 'closed':
        return false;
    }
  }

  /** Sends some segments of the current message and true when it is through; the receiver acknowledges every second segment. */
  #flight(from: Endpoint, to: Endpoint, make: () => Message, finalAck: number): boolean {
    const network = this.#network;
    this.#sending ??= { message: make(), sent: 0, intact: true };
    const sending = this.#sending;
    const { message } = sending;
    for (let segments = 0; sending.sent < message.length; segments++) {
      if (segments === this.#script.flightSegments) return false;
      const length = Math.min(maxSegmentBytes, message.length - sending.sent);
      const last = sending.sent + length === message.length;
      const intact = network.send(from, to, last ? ack | push : ack, message.payload, sending.sent, length);
      if (!intact) sending.intact = false;
      sending.sent += length;
      if (to.unacknowledged >= 2 && !last) network.send(to, from, ack);
    }
    if (this.#random.chance(finalAck)) network.send(to, from, ack);
    this.#count(message, sending.intact);
    this.#sending = undefined;
    return true;
  }

  #count(message: Message, intact: boolean): void {
    const { sent, complete } = this.#tally;
    const kind = message.kind === 'request' ? 'requests' : 'responses';
    sent[kind]++;
    if (!intact) return;
    complete[kind]++;
    complete.bodyBytes += message.bodyBytes;
    complete.headBytes += message.headBytes;
    complete.headerFields += message.headerFields;
    complete.digest = addDigest(complete.digest, message.digest);
  }
}
