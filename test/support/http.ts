/** HTTP/1 messages as bytes, with what a reader must make of them beside. */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { Random } from './random.js';

export type Coding = 'gzip' | 'br' | 'deflate';

interface Common {
  /** All bytes, in one piece. */
  wire: Buffer;
  /** Start line and headers with the empty line. */
  head: Buffer;
  httpVersion: '1.0' | '1.1';
  headers: [string, string][];
  trailers: [string, string][];
  /** After de-chunking, before content decoding. */
  body: Buffer;
  /** After content decoding. */
  content: Buffer;
  /** The body ends with the connection. */
  untilClose: boolean;
}

export interface HttpRequest extends Common {
  kind: 'request';
  method: string;
  target: string;
}

export interface HttpResponse extends Common {
  kind: 'response';
  status: number;
  statusText: string;
  interim: boolean;
}

export type HttpMessage = HttpRequest | HttpResponse;

interface MessageOptions {
  httpVersion?: '1.0' | '1.1';
  headers?: [string, string][];
  body?: string | Uint8Array;
  /** Content-Encoding, applied to `body`. */
  coding?: Coding;
  /** Chunk lengths, repeated as needed; `true` is [1000]. */
  chunked?: true | number[];
  /** After the last chunk. */
  trailers?: [string, string][];
}

export interface RequestOptions extends MessageOptions {
  method?: string;
  target?: string;
  /** `null`: no Host field. Default `example.test`. */
  host?: string | null;
}

export interface ResponseOptions extends MessageOptions {
  status?: number;
  statusText?: string;
  /** Answers HEAD: Content-Length as if there were a body, no body. */
  toHead?: boolean;
  /** Neither Content-Length nor chunked: the end of the connection ends the body. */
  untilClose?: boolean;
}

const encode: Record<Coding, (bytes: Buffer) => Buffer> = {
  gzip: (bytes) => gzipSync(bytes),
  br: (bytes) => brotliCompressSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
};

/** A body in the chunked transfer coding (RFC 9112, 7.1). */
export function chunk(body: Buffer, lengths: number[], trailers: [string, string][] = []): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, i = 0; at < body.length; i++) {
    const piece = body.subarray(at, at + (lengths[i % lengths.length] as number));
    const extension = i % 3 === 1 ? ';name="va;lue"' : '';
    const size = i % 2 ? piece.length.toString(16).toUpperCase() : `0${piece.length.toString(16)}`;
    parts.push(Buffer.from(`${size}${extension}\r\n`), piece, Buffer.from('\r\n'));
    at += piece.length;
  }
  parts.push(Buffer.from(`0\r\n${trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`));
  return Buffer.concat(parts);
}

function assemble(
  startLine: string,
  own: [string, string][],
  options: MessageOptions & ResponseOptions,
  bodiless: boolean,
) {
  const none = bodiless || options.toHead === true;
  const content = Buffer.from((options.body ?? '') as Uint8Array);
  const encoded = options.coding ? encode[options.coding](content) : content;
  const headers = [...own, ...(options.headers ?? [])];
  if (options.coding) headers.push(['Content-Encoding', options.coding]);
  const lengths = options.chunked === true ? [1000] : options.chunked;
  const trailers = lengths && !none ? (options.trailers ?? []) : [];
  if (lengths) {
    if (trailers.length) headers.push(['Trailer', trailers.map(([name]) => name).join(', ')]);
    headers.push(['Transfer-Encoding', 'chunked']);
  } else if (!bodiless && !options.untilClose) headers.push(['Content-Length', String(encoded.length)]);
  const head = Buffer.from(
    `${startLine}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    'latin1',
  );
  const body = none ? Buffer.alloc(0) : encoded;
  const sent = none ? body : lengths ? chunk(encoded, lengths, trailers) : body;
  return {
    wire: Buffer.concat([head, sent]),
    head,
    httpVersion: options.httpVersion ?? ('1.1' as const),
    headers,
    trailers,
    body,
    content: none ? body : content,
    untilClose: options.untilClose === true,
  };
}

export function request(options: RequestOptions = {}): HttpRequest {
  const { method = 'GET', target = '/', host = 'example.test', httpVersion = '1.1' } = options;
  const own: [string, string][] = host === null ? [] : [['Host', host]];
  const bodiless = options.body === undefined;
  const made = assemble(`${method} ${target} HTTP/${httpVersion}`, own, options, bodiless && !options.chunked);
  return { kind: 'request', method, target, ...made };
}

export function response(options: ResponseOptions = {}): HttpResponse {
  const { status = 200, statusText = 'OK', httpVersion = '1.1' } = options;
  const interim = status < 200;
  const bodiless = status < 200 || status === 204 || status === 304;
  const line = `HTTP/${httpVersion} ${status}${statusText ? ` ${statusText}` : ' '}`;
  return { kind: 'response', status, statusText, interim, ...assemble(line, [], options, bodiless) };
}

export interface Exchange {
  request: HttpRequest;
  /** Interim ones first. */
  responses: HttpResponse[];
}

export interface ExchangeOptions {
  /** Methods and statuses whose framing another message decides are left out: HEAD, and 1xx. Default false. */
  plain?: boolean;
  /** Longest body. Default 6000. */
  maxBodyBytes?: number;
}

/** A request and its answer of any usual kind; `x-id` tells messages apart, `id` must be unique in the capture. */
export function randomExchange(random: Random, id: string, options: ExchangeOptions = {}): Exchange {
  const { plain = false, maxBodyBytes = 6000 } = options;
  const method = random.pick(
    plain ? ['GET', 'POST', 'PUT', 'DELETE'] : ['GET', 'GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS'],
  );
  const target = random.pick([`/${id}`, `/a/b/${id}?x=1&y=%20`, `/${id}?`, `http://example.test/${id}?q`]);
  const length = () =>
    random.chance(0.2) ? 0 : random.between(1, random.chance(0.1) ? maxBodyBytes * 4 : maxBodyBytes);
  const fields = (side: string): [string, string][] => {
    const list: [string, string][] = [['X-Id', `${side}${id}`]];
    for (let i = random.between(0, 12); i > 0; i--)
      list.push([
        random.pick(['Accept', 'x-lower', 'X-UPPER', 'Cookie', 'Via']),
        random
          .text(random.between(0, 60))
          .replace(/[^ -~]/g, '')
          .trim(),
      ]);
    return list;
  };
  const coded = (): Pick<MessageOptions, 'body' | 'coding' | 'chunked' | 'trailers'> => {
    const bodyLength = length();
    const chunked = random.chance(0.4) ? [random.between(1, 40), random.between(100, 5000)] : undefined;
    return {
      body: random.chance(0.5) ? random.text(bodyLength) : random.bytes(bodyLength),
      coding: random.chance(0.3) ? random.pick(['gzip', 'br', 'deflate']) : undefined,
      chunked,
      trailers: chunked && random.chance(0.3) ? [['X-Check', id]] : [],
    };
  };
  const withBody = method === 'POST' || method === 'PUT';
  const expectContinue = !plain && withBody && random.chance(0.2);
  const requestFields = fields('q');
  if (expectContinue) requestFields.push(['Expect', '100-continue']);
  const question = request({ method, target, headers: requestFields, ...(withBody ? coded() : {}) });
  const responses: HttpResponse[] = [];
  if (expectContinue) responses.push(response({ status: 100, statusText: 'Continue' }));
  else if (!plain && random.chance(0.05))
    responses.push(response({ status: 103, statusText: 'Early Hints', headers: [['Link', '</x>; rel=preload']] }));
  const [status, statusText] = random.pick([
    [200, 'OK'],
    [200, ''],
    [201, 'Created'],
    [204, 'No Content'],
    [304, 'Not Modified'],
    [401, 'Unauthorized'],
    [404, 'Not Found'],
    [500, 'Internal Server Error'],
  ] as [number, string][]);
  const headers = fields('r');
  // What a 304 says of the length is that of the answer it stands for (RFC 9110, 15.4.5).
  if (status === 304 && random.chance(0.5)) headers.push(['Content-Length', String(random.between(1, 5000))]);
  const sent = status === 204 || status === 304 ? {} : coded();
  responses.push(response({ status, statusText, headers, toHead: method === 'HEAD', ...sent }));
  return { request: question, responses };
}
