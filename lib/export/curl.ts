/** Requests as curl commands. */
import { isUtf8 } from 'node:buffer';
import { checkOptions } from '../check-options.js';
import type { DetachedRequest } from '../detach.js';
import type { RawHeader } from '../headers.js';
import type { RequestMessage } from '../message.js';
import { quote } from './shell-quote.js';
import { formatEndpoint, isAuthority } from './uri.js';

export interface CurlOptions {
  /** Connect to the address that the request went to, rather than to what the name in Host resolves to. Default false. */
  toServer?: boolean | undefined;
  /** An option a line. Default true. */
  multiline?: boolean | undefined;
}

/** Longer bodies do not go into an argument: Linux takes 128 KiB. */
const maxArgumentBytes = 100_000;

/** The file that the command reads when the body was not kept. */
const bodyFile = 'request-body.bin';

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Targets that curl sends as they stand in a URL. */
const plainTarget = /^\/(?!\/)[\w\-.~!$&'()*+,;=:@/%?]*$/;
const dotSegment = /\/\.{1,2}(?:[/?]|$)/;
/** Hosts that curl repeats in Host as they stand in the URL, the port 80 left out. */
const plainHost = /^(?:[a-z0-9-]+\.)*[a-z0-9-]*[a-z][a-z0-9-]*(?::[1-9]\d{0,4})?$/;

/**
 * A curl command (7.55 or later) to paste into bash that sends the same request: method, target, headers in order and case, body.
 * Everything is quoted; nothing of a request can become an option, a file that curl reads, or a command.
 *
 * What differs: Host comes first and Content-Length last, because curl sets them; chunks get other lengths, and trailers are not sent.
 * Names of header fields that are no tokens (RFC 9110, 5.1) are left out. A body that is not text comes in base64 through a pipe. Of a
 * body that was cut, what there is of it is sent; one that was not kept is read from the file `request-body.bin`.
 *
 * @throws CaptureError `ERR_OPTION`
 */
export function toCurl(request: RequestMessage | DetachedRequest, options: CurlOptions = {}): string {
  checkOptions(options, ['toServer', 'multiline'], 'toCurl()');
  const { toServer = false, multiline = true } = options;
  const plain = 'detach' in request ? request.detach() : request;
  const body = bodyOf(plain);
  const words = [
    ...methodOptions(plain, body !== undefined),
    ...(plain.httpVersion === '1.0' ? ['--http1.0'] : []),
    ...targetOptions(plain),
    ...(toServer ? [`--connect-to ${quoteText(`::${formatEndpoint(plain.connection.server)}`)}`] : []),
    ...headerOptions(plain, body?.byteLength),
    ...(body === undefined ? [] : [body.option]),
  ];
  return `${body?.pipe ?? ''}curl ${words.join(multiline ? ' \\\n  ' : ' ')}`;
}

interface BodyOption {
  option: string;
  /** Put before the command. */
  pipe: string;
  byteLength: number;
}

/** Undefined when the request has none, not even an empty one. */
function bodyOf({ body, bodyLength, headers }: DetachedRequest): BodyOption | undefined {
  const announced = headers.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name));
  if (bodyLength === 0 && !announced) return undefined;
  if (body === undefined && bodyLength > 0) {
    return { option: `--data-binary @${bodyFile}`, pipe: '', byteLength: bodyLength };
  }
  const bytes = Buffer.from(body ?? []);
  if (isUtf8(bytes) && !bytes.includes(0) && bytes.length <= maxArgumentBytes) {
    return { option: `--data-raw ${quote(bytes)}`, pipe: '', byteLength: bytes.length };
  }
  const pipe = `printf %s ${quoteText(bytes.toString('base64'))} | base64 -d | `;
  return { option: '--data-binary @-', pipe, byteLength: bytes.length };
}

function methodOptions({ method }: DetachedRequest, hasBody: boolean): string[] {
  if (method === (hasBody ? 'POST' : 'GET')) return [];
  // With -X HEAD curl would wait for a body.
  if (method === 'HEAD' && !hasBody) return ['--head'];
  return [`-X ${quoteText(method)}`];
}

function targetOptions(request: DetachedRequest): string[] {
  const { target } = request;
  const url = `http://${authorityOf(request)}`;
  if (!plainTarget.test(target)) return [quoteText(`${url}/`), `--request-target ${quoteText(target)}`];
  return [quoteText(url + target), ...(dotSegment.test(target) ? ['--path-as-is'] : [])];
}

function authorityOf(request: DetachedRequest): string {
  const host = hostOf(request);
  return isAuthority(host) ? host : formatEndpoint(request.connection.server);
}

function hostOf({ headers }: DetachedRequest): string {
  return headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? '';
}

/** Headers in order; those that curl adds by itself switched off where they were not sent. */
function headerOptions(request: DetachedRequest, bodyLength: number | undefined): string[] {
  const { headers } = request;
  const host = hostOf(request);
  const sendsHost = plainHost.test(host) && isAuthority(host) && !host.endsWith(':80');
  const has = (name: string) => headers.some(([sent]) => sent.toLowerCase() === name);
  const kept = headers.filter(([name]) => {
    const key = name.toLowerCase();
    return token.test(name) && key !== 'content-length' && !(key === 'host' && sendsHost);
  });
  const added = ['User-Agent', 'Accept', ...(bodyLength === undefined ? [] : ['Content-Type', 'Expect'])];
  if (!sendsHost) added.push('Host');
  const off = added.filter((name) => !has(name.toLowerCase()));
  return [
    ...kept.map((header) => `-H ${quoteText(headerArgument(header))}`),
    ...off.map((name) => `-H ${name}:`),
    ...(has('accept-encoding') ? ['--compressed'] : []),
  ];
}

/** `Name;` is how curl is told to send an empty value. */
function headerArgument([name, value]: RawHeader): string {
  return value === '' ? `${name};` : `${name}: ${value}`;
}

/** Text of a message, a character a byte. */
function quoteText(text: string): string {
  return quote(Buffer.from(text.replaceAll('\0', ''), 'latin1'));
}
