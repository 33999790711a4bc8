/** Exchanges as lines of an access log. */

import { checkOptions, wholeNumber } from '../check-options.js';
import type { DetachedExchange, Exchange } from '../exchanges/exchange.js';
import { formatTime } from '../time.js';
import { fit, toPrintable } from './printable.js';
import { shortBytes, shortMs } from './units.js';
import { formatEndpoint } from './uri.js';

export interface AccessLogOptions {
  /**
   * Width of the terminal: columns are aligned, and the URL is cut so that the line fits. Default: single spaces, nothing cut, exact
   * numbers.
   */
  columns?: number | undefined;
  /** A last column tells which process of this machine has the socket, of what was captured with `processes: true`. Default false. */
  process?: boolean | undefined;
}

/** Of the URL, however narrow the terminal is. */
const leastUrlWidth = 20;
/** Of the process, on a terminal. */
const processWidth = 24;

/**
 * An exchange in one line without a line feed: time, client, method, URL, status or why there is no response, bytes of the request's and
 * of the response's body, wait and total time; with `process` also `server=ruby[1355]` or `client=curl[77]`. `-` stands for what was not captured. What is not printable ASCII is escaped as `\xHH`.
 *
 * `2022-11-12T04:59:00.123456Z 10.1.0.7:47106 GET http://example.test/orders/17 200 0 4500 12.25ms 13.1ms`
 *
 * @throws CaptureError `ERR_OPTION`
 */
export function accessLogLine(exchange: Exchange | DetachedExchange, options: AccessLogOptions = {}): string {
  checkOptions(options, ['columns', 'process'], 'accessLogLine()');
  const columns = wholeNumber('columns', options.columns, 0, 1);
  const { request, response, noResponse, timing, connection } = exchange;
  const time = formatTime((request ?? response)?.startTime ?? 0n);
  const client = formatEndpoint(connection.client);
  const method = toPrintable(request?.method ?? '-');
  const url = toPrintable(urlOf(exchange));
  const status = String(response?.status ?? noResponse ?? '-');
  const whose = options.process ? [processOf(exchange, columns === 0 ? Number.POSITIVE_INFINITY : processWidth)] : [];
  if (columns === 0) {
    const sizes = [request?.bodyLength, response?.bodyLength].map((length) => String(length ?? '-'));
    const times = [timing.wait, timing.total].map((ms) => (ms === null ? '-' : `${ms}ms`));
    return [`${time.slice(0, 26)}Z`, client, method, url, status, ...sizes, ...times, ...whose].join(' ');
  }
  const before = [time.slice(11, 23), client.padEnd(21), method.padEnd(6)].join(' ');
  const sizes = [request, response].map((message) => (message ? shortBytes(message.bodyLength) : '-').padStart(5));
  const times = [timing.wait, timing.total].map((ms) => shortMs(ms).padStart(6));
  const after = [status.padEnd(7), ...sizes, ...times, ...whose.map((one) => one.padEnd(processWidth))].join(' ');
  const urlWidth = Math.max(leastUrlWidth, columns - before.length - after.length - 2);
  return `${before} ${fit(url, urlWidth).padEnd(urlWidth)} ${after}`;
}

/** Of a request without a host, the target; without a request, the server. */
function urlOf({ request, connection }: Exchange | DetachedExchange): string {
  if (request === undefined) return `http://${formatEndpoint(connection.server)}`;
  return request.url ?? request.target;
}

/** One word, of which only the name is cut. */
function processOf({ connection: { process } }: Exchange | DetachedExchange, width: number): string {
  if (process === undefined) return '-';
  const [before, after] = [`${process.end}=`, `[${process.pid}]`];
  const name = toPrintable(process.name).replaceAll(' ', '\\x20');
  return before + fit(name, width - before.length - after.length) + after;
}
