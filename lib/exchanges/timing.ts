import type { RequestMessage, ResponseMessage } from '../message.js';

/**
 * Milliseconds with fractions, as capture times tell; `null` when one of their ends was not captured. What a HAR file calls `connect`,
 * `send`, `wait` and `receive`. They never are negative: a response may begin before its request is over.
 */
export interface ExchangeTiming {
  /** The TCP handshake of the connection, from the SYN to the client's acknowledgment; the same for all of its exchanges. */
  readonly handshake: number | null;
  /** From the first to the last byte of the request. */
  readonly send: number | null;
  /** From the last byte of the request to the first byte of the response. */
  readonly wait: number | null;
  /** From the first to the last byte of the response; while it is being streamed, up to what was captured. */
  readonly receive: number | null;
  /** From the first byte of the request to the last byte of the response. */
  readonly total: number | null;
}

const toMs = (ns: bigint) => (ns > 0n ? Number(ns) / 1e6 : 0);

export function timingOf(
  request: RequestMessage | undefined,
  response: ResponseMessage | undefined,
  handshakeNs: number,
): ExchangeTiming {
  const both = request !== undefined && response !== undefined;
  return {
    handshake: handshakeNs > 0 ? handshakeNs / 1e6 : null,
    send: request ? toMs(request.endTime - request.startTime) : null,
    wait: both ? toMs(response.startTime - request.endTime) : null,
    receive: response ? toMs(response.endTime - response.startTime) : null,
    total: both ? toMs(response.endTime - request.startTime) : null,
  };
}
