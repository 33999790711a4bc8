/** What was asked of which endpoint how often, and how it went. */

import { checkOptions, wholeNumber } from '../check-options.js';
import type { DetachedMessage } from '../detach.js';
import type { DetachedExchange, Exchange } from '../exchanges/exchange.js';
import type { Message } from '../message.js';
import { Durations, type Percentiles } from './durations.js';
import { foldPath, hostOf } from './endpoint.js';
import { type ExchangeRow, exchangeRows } from './exchange-rows.js';
import { formatTable, type TableOptions } from './summary-table.js';
import { formatEndpoint } from './uri.js';

export interface SummaryOptions {
  /** Endpoints that are told apart; exchanges of further ones are counted together in a last row. Default 500. */
  maxEndpoints?: number | undefined;
}

/** Times in milliseconds, lengths in bytes. */
export interface SummaryRow {
  /** `'GET example.test/orders/{id}'`: method, host and path with ids folded; `'other endpoints'`. */
  readonly endpoint: string;
  /** These three are `''` in the row of other endpoints, and where the request was not captured. */
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly count: number;
  /** Exchanges a second, over the time from the first to the last exchange of the whole summary. */
  readonly rate: number;
  /** Of `count`: with a status of 4xx, of 5xx, and without a response. */
  readonly clientErrors: number;
  readonly serverErrors: number;
  readonly unanswered: number;
  /** The three together, from 0 to 1. */
  readonly errorShare: number;
  /** From the end of the request to the beginning of the response; null when that was never seen. */
  readonly wait: Percentiles | null;
  /** From the beginning of the request to the end of the response. */
  readonly total: Percentiles | null;
  /** Heads and bodies as sent, without the framing of chunks. */
  readonly requestBytes: number;
  readonly responseBytes: number;
}

interface Endpoint {
  method: string;
  host: string;
  path: string;
  count: number;
  clientErrors: number;
  serverErrors: number;
  unanswered: number;
  requestBytes: number;
  responseBytes: number;
  readonly wait: Durations;
  readonly total: Durations;
}

const otherEndpoints = 'other endpoints';

/**
 * Begins a summary.
 * @example
 * const summary = summarize();
 * for await (const exchange of capture({ file: 'day.pcap' }).exchanges()) summary.add(exchange);
 * console.log(summary.table({ limit: 20 }));
 *
 * @throws CaptureError `ERR_OPTION`
 */
export function summarize(options: SummaryOptions = {}): Summary {
  checkOptions(options, ['maxEndpoints'], 'summarize()');
  return new Summary(wholeNumber('maxEndpoints', options.maxEndpoints, 500, 1));
}

/** A summary of exchanges in bounded memory. Made by summarize(). */
export class Summary {
  readonly #maxEndpoints: number;
  readonly #endpoints = new Map<string, Endpoint>();
  #other: Endpoint | undefined;
  #firstNs: bigint | undefined;
  #lastNs = 0n;

  /** @internal */
  constructor(maxEndpoints: number) {
    this.#maxEndpoints = maxEndpoints;
  }

  /** Of a response that is being streamed, what is known so far: wait for `response.finished` to have all of its time and length. */
  add(exchange: Exchange | DetachedExchange): void {
    const { request, response, connection, timing } = exchange;
    const startTime = (request ?? response)?.startTime;
    if (startTime === undefined) return;
    this._addRow({
      method: request?.method ?? '',
      host: hostOf(request?.url ?? null),
      path: request?.path ?? '',
      hasRequest: request !== undefined,
      server: formatEndpoint(connection.server),
      startTime,
      status: response?.status,
      wait: timing.wait,
      total: timing.total,
      requestBytes: bytesOf(request),
      responseBytes: bytesOf(response),
    });
  }

  /** @internal What a TextWriter wrote of exchanges. */
  _addRows(bytes: Buffer, start: number, end: number): void {
    for (const row of exchangeRows(bytes, start, end)) this._addRow(row);
  }

  /** @internal */
  _addRow(row: ExchangeRow): void {
    const { startTime, status } = row;
    if (this.#firstNs === undefined || startTime < this.#firstNs) this.#firstNs = startTime;
    if (startTime > this.#lastNs) this.#lastNs = startTime;

    const endpoint = this.#endpointOf(row);
    endpoint.count++;
    if (status === undefined) endpoint.unanswered++;
    else if (status >= 500) endpoint.serverErrors++;
    else if (status >= 400) endpoint.clientErrors++;
    endpoint.wait.add(row.wait);
    endpoint.total.add(row.total);
    endpoint.requestBytes += row.requestBytes;
    endpoint.responseBytes += row.responseBytes;
  }

  /** The busiest first, other endpoints last. */
  rows(): SummaryRow[] {
    const seconds = Number(this.#lastNs - (this.#firstNs ?? 0n)) / 1e9;
    const busiest = [...this.#endpoints].sort(([a, one], [b, other]) => other.count - one.count || (a < b ? -1 : 1));
    const rows = busiest.map(([name, endpoint]) => rowOf(name, endpoint, seconds));
    if (this.#other !== undefined) rows.push(rowOf(otherEndpoints, this.#other, seconds));
    return rows;
  }

  /** The rows as text, with a line feed behind each line. */
  table(options: TableOptions = {}): string {
    return formatTable(this.rows(), options);
  }

  #endpointOf(row: ExchangeRow): Endpoint {
    const { method, hasRequest, server } = row;
    const host = row.host || server;
    const path = hasRequest ? foldPath(row.path) : '';
    const name = hasRequest ? `${method} ${host}${path}` : `${host} (request not captured)`;
    let endpoint = this.#endpoints.get(name);
    if (endpoint !== undefined) return endpoint;
    if (this.#endpoints.size < this.#maxEndpoints) {
      endpoint = newEndpoint(method, host, path);
      this.#endpoints.set(name, endpoint);
      return endpoint;
    }
    this.#other ??= newEndpoint('', '', '');
    return this.#other;
  }
}

function newEndpoint(method: string, host: string, path: string): Endpoint {
  const counts = { count: 0, clientErrors: 0, serverErrors: 0, unanswered: 0, requestBytes: 0, responseBytes: 0 };
  return { method, host, path, ...counts, wait: new Durations(), total: new Durations() };
}

function rowOf(name: string, endpoint: Endpoint, seconds: number): SummaryRow {
  const { count, clientErrors, serverErrors, unanswered } = endpoint;
  return {
    ...endpoint,
    endpoint: name,
    // One exchange, or several at one moment, have no rate.
    rate: seconds > 0 ? count / seconds : 0,
    errorShare: (clientErrors + serverErrors + unanswered) / count,
    wait: endpoint.wait.percentiles(),
    total: endpoint.total.percentiles(),
  };
}

function bytesOf(message: Message | DetachedMessage | undefined): number {
  return message === undefined ? 0 : message.head.length + message.bodyLength;
}
