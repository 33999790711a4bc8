/** What a wire case is made of: bytes said in turns, and the messages that must come of them. */
import type { CaptureOptions, Integrity, Suspicion } from '../../lib/index.js';

export type From = 'client' | 'server';

export type Turn =
  /** Bytes, a character a byte. */
  | { from: From; say: string; captured: boolean }
  /** The side sends FIN, or RST. */
  | { from: From; end: 'fin' | 'reset' };

export interface Expected {
  kind: 'request' | 'response';
  /** 'GET /' */
  request?: string;
  status?: number;
  statusText?: string;
  interim?: boolean;
  httpVersion: string;
  headers: [string, string][];
  trailers: [string, string][];
  body: string;
  integrity: Integrity;
  suspicious: Suspicion[];
  /** Of a response: index of the request that it answers among the requests, null when it answers none. */
  to?: number | null;
}

export interface WireCase {
  name: string;
  turns: Turn[];
  messages: Expected[];
  /** `whole`: what is expected depends on where the segments begin, or on packets that are missing. */
  only?: 'whole';
  /** The handshake was not captured. */
  midStream?: true;
  /** Both sides end with FIN unless the turns have an end, or this says that the capture just stops. */
  open?: true;
  /** Cut into pieces of this many bytes instead of single ones: it is long. */
  piece?: number;
  options?: CaptureOptions;
  /** What a PROXY header told: source and destination. */
  proxied?: [string, string];
}

/** Bytes of the client, of the server; as lines with CRLF and an empty line behind them. */
export const C = (...parts: string[]): Turn => ({ from: 'client', say: parts.join(''), captured: true });
export const S = (...parts: string[]): Turn => ({ from: 'server', say: parts.join(''), captured: true });
export const lose = (from: From, say: string): Turn => ({ from, say, captured: false });
export const fin = (from: From): Turn => ({ from, end: 'fin' });
export const reset = (from: From): Turn => ({ from, end: 'reset' });

/** Lines with CRLF, and the empty line. */
export const head = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
export const get = (target = '/', ...fields: string[]): string => head(`GET ${target} HTTP/1.1`, 'Host: h', ...fields);
export const post = (body: string, ...fields: string[]): string =>
  head('POST / HTTP/1.1', 'Host: h', `Content-Length: ${body.length}`, ...fields) + body;
export const ok = (body = '', ...fields: string[]): string =>
  head('HTTP/1.1 200 OK', `Content-Length: ${body.length}`, ...fields) + body;
/** A head with fields of one's own. */
export const ask = (...fields: string[]): string => head('POST / HTTP/1.1', 'Host: h', ...fields);
export const answer = (...fields: string[]): string => head('HTTP/1.1 200 OK', ...fields);

const common = { httpVersion: '1.1', trailers: [], body: '', integrity: 'complete', suspicious: [] } as const;
const pairs = (fields: string[]): [string, string][] =>
  fields.map((field) => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon), field.slice(colon + 1).trim()];
  });

type Details = Partial<Omit<Expected, 'headers' | 'trailers'>> & { headers?: string[]; trailers?: string[] };

/** A request; without `headers` those of get() or, with a body, of post(). */
export function req(request: string, details: Details = {}): Expected {
  const body = details.body ?? '';
  const fields = details.headers ?? ['Host: h', ...(body === '' ? [] : [`Content-Length: ${body.length}`])];
  return {
    kind: 'request',
    request,
    ...common,
    ...details,
    suspicious: details.suspicious ?? [],
    headers: pairs(fields),
    trailers: pairs(details.trailers ?? []),
  };
}

/** A response; without `headers` those of ok(). */
export function res(status: number, details: Details = {}): Expected {
  const body = details.body ?? '';
  return {
    kind: 'response',
    status,
    statusText: 'OK',
    interim: status >= 100 && status < 200,
    ...common,
    ...details,
    suspicious: details.suspicious ?? [],
    headers: pairs(details.headers ?? [`Content-Length: ${body.length}`]),
    trailers: pairs(details.trailers ?? []),
  };
}
