/** Reads what native/text/exchange_rows.h writes. */
import { latin1 } from '../latin1.js';
import { LE } from '../layout.js';
import { pathOf, urlOf } from '../target.js';
import { hostOf } from './endpoint.js';

/** What a summary has to know of an exchange. */
export interface ExchangeRow {
  /** `''` where the request was not seen, as what follows. */
  readonly method: string;
  /** Of the request's URL. */
  readonly host: string;
  readonly path: string;
  readonly hasRequest: boolean;
  /** Address and port. */
  readonly server: string;
  readonly startTime: bigint;
  /** undefined without a response. */
  readonly status: number | undefined;
  /** Milliseconds; null without one of the two. */
  readonly wait: number | null;
  readonly total: number | null;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** Offsets in a row. */
const at = {
  startNs: 0,
  waitNs: 8,
  totalNs: 16,
  requestBytes: 24,
  responseBytes: 32,
  status: 40,
  hasRequest: 42,
  methodLength: 44,
  targetLength: 48,
  hostLength: 52,
  serverLength: 56,
} as const;
const rowBytes = 64;

/** By the value of the Host field. */
const hosts = new Map<string, string>();
const maxHosts = 1000;
const maxHostLength = 100;

function hostOfRequest(method: string, target: string, field: string): string {
  if (!target.startsWith('/')) return hostOf(urlOf(method, target, field));
  let host = hosts.get(field);
  if (host === undefined) {
    // It does not depend on the rest of the path.
    host = hostOf(urlOf(method, '/', field));
    if (field.length <= maxHostLength && hosts.size < maxHosts) hosts.set(field, host);
  }
  return host;
}

/** The rows that lie in `bytes` from `start` up to `end`. */
export function* exchangeRows(bytes: Buffer, start: number, end: number): Generator<ExchangeRow, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let row = start; row < end; ) {
    const ms = (field: number): number | null => {
      const ns = view.getFloat64(row + field, LE);
      return Number.isNaN(ns) ? null : ns / 1e6;
    };
    const toTarget = view.getUint32(row + at.methodLength, LE);
    const toHost = toTarget + view.getUint32(row + at.targetLength, LE);
    const toServer = toHost + view.getUint32(row + at.hostLength, LE);
    const length = toServer + view.getUint32(row + at.serverLength, LE);
    const words = latin1(bytes, row + rowBytes, row + rowBytes + length);
    const method = words.slice(0, toTarget);
    const target = words.slice(toTarget, toHost);
    const hasRequest = view.getUint16(row + at.hasRequest, LE) !== 0;
    yield {
      method,
      host: hasRequest ? hostOfRequest(method, target, words.slice(toHost, toServer)) : '',
      path: hasRequest ? pathOf(method, target) : '',
      hasRequest,
      server: words.slice(toServer),
      startTime: view.getBigInt64(row + at.startNs, LE),
      status: view.getUint16(row + at.status, LE) || undefined,
      wait: ms(at.waitNs),
      total: ms(at.totalNs),
      requestBytes: view.getFloat64(row + at.requestBytes, LE),
      responseBytes: view.getFloat64(row + at.responseBytes, LE),
    };
    row += rowBytes + ((length + 7) & ~7);
  }
}
