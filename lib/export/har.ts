/** Exchanges as entries of an HTTP archive. */

import { checkOptions, wholeNumber } from '../check-options.js';
import type { DetachedResponse } from '../detach.js';
import type { DetachedExchange, Exchange } from '../exchanges/exchange.js';
import { formatTime } from '../time.js';
import { gatherExchange } from './gather.js';
import type { HarEntry, HarTimings } from './har-format.js';
import { harRequest, missingRequest } from './har-request.js';
import { harResponse, missingResponse } from './har-response.js';
import { headerValue } from './header-value.js';
import { redact } from './redact.js';
import type { RedactOptions } from './secret-names.js';
import { formatEndpoint } from './uri.js';

export interface HarOptions {
  /** Mask secrets, see redact(). Default true, with the defaults of redact(). */
  redact?: boolean | RedactOptions | undefined;
  /** The exchange is the first of its connection, so that the handshake belongs to it. HarWriter knows it by itself. Default false. */
  firstOfConnection?: boolean | undefined;
  /** Bytes that a body may have after content decoding; beyond that it is written as sent. Default 64 MiB. */
  maxDecodedBytes?: number | undefined;
}

const defaultMaxDecodedBytes = 64 * 1024 * 1024;

export const harOptionNames = ['redact', 'firstOfConnection', 'maxDecodedBytes'];

/**
 * The entry of an HTTP archive (HAR 1.2). Waits for the end of messages that are being streamed (`body: 'stream'`), and takes their
 * bodies unless somebody else reads them. Never rejects because of what was captured: what a body could not be decoded for is told in a
 * `comment`.
 * @throws CaptureError `ERR_OPTION`
 */
export async function toHar(exchange: Exchange | DetachedExchange, options: HarOptions = {}): Promise<HarEntry> {
  checkOptions(options, harOptionNames, 'toHar()');
  const maxDecodedBytes = wholeNumber('maxDecodedBytes', options.maxDecodedBytes, defaultMaxDecodedBytes, 1);
  const { redact: redaction = true, firstOfConnection = false } = options;
  const sent = await gatherExchange(exchange);
  const shown = redaction === false ? sent : redact(sent, redaction === true ? {} : redaction);
  const { request, response, noResponse, connection } = sent;
  const timings = timingsOf(sent, firstOfConnection);
  const startTime =
    (request?.startTime ?? response?.startTime ?? 0n) - BigInt(Math.round(Math.max(0, timings.connect) * 1e6));
  const entry: HarEntry = {
    startedDateTime: formatTime(startTime),
    time: toNs(Math.max(0, timings.connect) + timings.send + timings.wait + timings.receive),
    request:
      request && shown.request
        ? await harRequest(request, shown.request, maxDecodedBytes)
        : missingRequest(`http://${formatEndpoint(connection.server)}/`),
    response:
      response && shown.response
        ? await harResponse(response, shown.response, maxDecodedBytes)
        : missingResponse(noResponse),
    cache: {},
    timings,
    serverIPAddress: connection.server.address,
    connection: String(connection.server.port),
    _connectionId: String(connection.id),
    _resourceType: isWebSocket(response) ? 'websocket' : 'fetch',
    _clientIPAddress: connection.client.address,
    _clientPort: connection.client.port,
  };
  if (noResponse !== undefined) entry._noResponse = noResponse;
  return entry;
}

/** RFC 6455, 4.2.2. */
function isWebSocket(response: DetachedResponse | undefined): boolean {
  return response?.status === 101 && /\bwebsocket\b/i.test(headerValue(response.headers, 'upgrade'));
}

/** Milliseconds without what binary fractions add behind the nanoseconds. */
function toNs(ms: number): number {
  return Math.round(ms * 1e6) / 1e6;
}

function timingsOf({ timing }: DetachedExchange, firstOfConnection: boolean): HarTimings {
  return {
    blocked: -1,
    dns: -1,
    connect: firstOfConnection ? (timing.handshake ?? -1) : -1,
    ssl: -1,
    send: timing.send ?? 0,
    wait: timing.wait ?? 0,
    receive: timing.receive ?? 0,
  };
}
