/** Messages without their secrets. */
import { decodeContentSync, isContentEncoded } from '../body/content-coding.js';
import type { DetachedMessage, DetachedRequest, DetachedResponse } from '../detach.js';
import type { DetachedExchange, Exchange } from '../exchanges/exchange.js';
import type { RawHeader } from '../headers.js';
import type { Message, RequestMessage, ResponseMessage } from '../message.js';
import { pathOf, queryOf, urlOf } from '../target.js';
import { headerValue } from './header-value.js';
import { maskBody } from './mask-body.js';
import { maskHeader } from './mask-headers.js';
import { maskLinks } from './mask-parameters.js';
import { Masks } from './masks.js';
import { type RedactOptions, resolveRules, type SecretRules } from './secret-names.js';
import { toUtf8 } from './wide-text.js';

/** More than this is not read to look for secrets: the body is left out. */
const maxDecodedBytes = 64 * 1024 * 1024;

/**
 * A copy of a message or an exchange as plain data in which secrets are masked: `Authorization` and `Proxy-Authorization` (the scheme
 * stays), `Cookie` and `Set-Cookie` (names and attributes stay), further headers, query parameters, and fields of JSON and forms. What
 * was masked in one place is masked wherever else it stands in the message or exchange. A mask, such as `redacted-3f9c2a`, is a
 * fingerprint of the secret: the same for the same secret, with the same key.
 *
 * `head`, `headers`, `target`, `body` and `bodyLength` agree with each other: a body in which something was masked has its content
 * codings undone, and the length that `Content-Length` says. A body whose content codings cannot be undone is left out: nobody can tell
 * what is in it.
 *
 * @throws CaptureError `ERR_OPTION`
 */
export function redact(message: RequestMessage | DetachedRequest, options?: RedactOptions): DetachedRequest;
export function redact(message: ResponseMessage | DetachedResponse, options?: RedactOptions): DetachedResponse;
export function redact(message: Message | DetachedMessage, options?: RedactOptions): DetachedMessage;
export function redact(exchange: Exchange | DetachedExchange, options?: RedactOptions): DetachedExchange;
export function redact(
  subject: Message | DetachedMessage | Exchange | DetachedExchange,
  options?: RedactOptions,
): DetachedMessage | DetachedExchange {
  const rules = resolveRules(options);
  const masks = new Masks(rules.key);
  const plain: DetachedMessage | DetachedExchange = 'detach' in subject ? subject.detach() : subject;
  if ('kind' in plain) return finish(maskMessage(plain, rules, masks), masks);
  // All is masked before anything is swept: the answer may repeat what the request had, and the reverse.
  const request = plain.request && maskMessage(plain.request, rules, masks);
  const response = plain.response && maskMessage(plain.response, rules, masks);
  return {
    ...plain,
    request: request && (finish(request, masks) as DetachedRequest),
    response: response && (finish(response, masks) as DetachedResponse),
  };
}

/** A message whose secrets are masked where they are expected; what it consists of is not made to agree yet. */
interface Draft {
  readonly source: DetachedMessage;
  headers: RawHeader[];
  trailers: RawHeader[];
  /** Target of a request, reason phrase of a response. */
  startLineText: string;
  /** The body, content codings undone, a character a byte; undefined when there is none to be seen. */
  readonly content: string | undefined;
  maskedContent: string | undefined;
}

function maskMessage(source: DetachedMessage, rules: SecretRules, masks: Masks): Draft {
  const maskHeaders = (headers: readonly RawHeader[]) => headers.map((header) => maskHeader(header, rules, masks));
  const contentType = headerValue(source.headers, 'content-type');
  const content = contentOf(source, contentType);
  return {
    source,
    headers: maskHeaders(source.headers),
    trailers: maskHeaders(source.trailers),
    startLineText: source.kind === 'request' ? maskLinks(source.target, rules.query, masks) : source.statusText,
    content,
    maskedContent: content && maskBody(content, contentType, rules, masks),
  };
}

function contentOf({ body, headers }: DetachedMessage, contentType: string): string | undefined {
  if (body === undefined || body.length > maxDecodedBytes) return undefined;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const contentEncoding = headerValue(headers, 'content-encoding');
  if (!isContentEncoded(contentEncoding)) return toUtf8(bytes, contentType).toString('latin1');
  try {
    return toUtf8(decodeContentSync(bytes, contentEncoding, maxDecodedBytes), contentType).toString('latin1');
  } catch {
    return undefined;
  }
}

function finish(draft: Draft, masks: Masks): DetachedMessage {
  const { source, content } = draft;
  const sweepValues = (headers: RawHeader[]) => headers.map(([name, value]): RawHeader => [name, masks.sweep(value)]);
  draft.headers = sweepValues(draft.headers);
  draft.trailers = sweepValues(draft.trailers);
  draft.startLineText = masks.sweep(draft.startLineText);
  const maskedContent = draft.maskedContent && masks.sweep(draft.maskedContent);

  let { body, bodyLength } = source;
  if (content === undefined) body = undefined;
  else if (maskedContent !== undefined && maskedContent !== content) {
    const isWhole = body?.length === bodyLength;
    body = Uint8Array.from(Buffer.from(maskedContent, 'latin1'));
    if (isWhole) bodyLength = body.length;
    draft.headers = headersOfRewritten(draft.headers, isWhole ? body.length : undefined);
  }
  const { headers, trailers, startLineText } = draft;
  const common = { headers, trailers, head: headOf(draft, masks), body, bodyLength };
  if (source.kind === 'response') return { ...source, ...common, statusText: startLineText };
  return {
    ...source,
    ...common,
    target: startLineText,
    url: urlOf(source.method, startLineText, headerValue(headers, 'host')),
    path: pathOf(source.method, startLineText),
    query: queryOf(startLineText),
  };
}

/** Without content coding, in UTF-8 when it was UTF-16, and with the new length. */
function headersOfRewritten(headers: readonly RawHeader[], length: number | undefined): RawHeader[] {
  const rewritten: RawHeader[] = [];
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    if (key === 'content-encoding') continue;
    if (key === 'content-length' && length !== undefined) rewritten.push([name, String(length)]);
    else if (key === 'content-type')
      rewritten.push([name, value.replace(/(charset\s*=\s*"?)utf-?16(?:le|be)?/i, '$1utf-8')]);
    else rewritten.push([name, value]);
  }
  return rewritten;
}

/** Lines that are no header field, in which nobody looked for secrets. */
function hasStrangeLines(head: string, fieldCount: number): boolean {
  return head.split('\n').length - 1 !== fieldCount + 2;
}

/** The bytes as sent when nothing in them was secret; else written anew, from what was understood of them. */
function headOf({ source, headers, startLineText }: Draft, masks: Masks): Uint8Array {
  const sent = Buffer.from(source.head).toString('latin1');
  const before = source.kind === 'request' ? source.target : source.statusText;
  const changed =
    startLineText !== before ||
    headers.length !== source.headers.length ||
    hasStrangeLines(sent, headers.length) ||
    headers.some(([, value], index) => value !== source.headers[index]?.[1]);
  if (!changed && masks.sweep(sent) === sent) return source.head;
  const version = `HTTP/${source.httpVersion}`;
  const startLine =
    source.kind === 'request'
      ? `${source.method} ${startLineText} ${version}`
      : `${version} ${String(source.status).padStart(3, '0')} ${startLineText}`;
  const lines = [startLine, ...headers.map(([name, value]) => `${name}: ${value}`), '', ''];
  return Uint8Array.from(Buffer.from(lines.join('\r\n'), 'latin1'));
}
