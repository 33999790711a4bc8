/** A request and its response. */
import { inspect } from 'node:util';
import type { Connection } from '../batch-buffer.js';
import type { NoResponseReason } from '../continuations.js';
import type { DetachedRequest, DetachedResponse } from '../detach.js';
import type { RequestJson, ResponseJson } from '../json.js';
import type { RequestMessage, ResponseMessage } from '../message.js';
import { type ExchangeTiming, timingOf } from './timing.js';

/** What `detach()` gives. */
export interface DetachedExchange {
  connection: Connection;
  request: DetachedRequest | undefined;
  response: DetachedResponse | undefined;
  noResponse: NoResponseReason | undefined;
  timing: ExchangeTiming;
}

/** What `JSON.stringify()` writes. */
export interface ExchangeJson {
  connection: Connection;
  request: RequestJson | null;
  response: ResponseJson | null;
  noResponse: NoResponseReason | null;
  timing: ExchangeTiming;
}

/**
 * A request with its final response (RFC 9110, 15); one of the two may be missing. Interim responses are messages, but no part of
 * an exchange.
 */
export class Exchange {
  /** `undefined` when it was not captured, or so many requests were waiting for their responses that it was forgotten. */
  readonly request: RequestMessage | undefined;
  /** `undefined` when none came, see `noResponse`. */
  readonly response: ResponseMessage | undefined;
  /** Why there is no response; `undefined` when there is one. */
  readonly noResponse: NoResponseReason | undefined;
  readonly #handshakeNs: number;

  /** @internal One of the two is there. */
  constructor(
    request: RequestMessage | undefined,
    response: ResponseMessage | undefined,
    noResponse: NoResponseReason | undefined,
    handshakeNs: number,
  ) {
    this.request = request;
    this.response = response;
    this.noResponse = noResponse;
    this.#handshakeNs = handshakeNs;
  }

  get connection(): Connection {
    return (this.request ?? (this.response as ResponseMessage)).connection;
  }

  /** How long its parts took, by the times at which their packets were captured. */
  get timing(): ExchangeTiming {
    return timingOf(this.request, this.response, this.#handshakeNs);
  }

  /** A plain object that is free of the batches and can be cloned, posted to a worker and kept for ever. */
  detach(): DetachedExchange {
    return {
      connection: this.request?.detach().connection ?? (this.response as ResponseMessage).detach().connection,
      request: this.request?.detach(),
      response: this.response?.detach(),
      noResponse: this.noResponse,
      timing: this.timing,
    };
  }

  toJSON(): ExchangeJson {
    return {
      connection: this.connection,
      request: this.request?.toJSON() ?? null,
      response: this.response?.toJSON() ?? null,
      noResponse: this.noResponse ?? null,
      timing: this.timing,
    };
  }

  [inspect.custom](depth: number, options: object): string {
    if (depth < 0) return '[Exchange]';
    const { request, response, noResponse, timing } = this;
    return `Exchange ${inspect({ request, response, noResponse, timing }, { ...options, depth })}`;
  }

  get [Symbol.toStringTag](): string {
    return 'Exchange';
  }
}
