import type { NoResponseReason } from '../continuations.js';
import type { DetachedResponse } from '../detach.js';
import { parseSetCookie } from './cookies.js';
import type { HarContent, HarResponse } from './har-format.js';
import { additionsOf, contentOf, nameValues, textOf } from './har-message.js';
import { headerValue } from './header-value.js';

/** Of a body without Content-Type (RFC 9110, 8.3). */
const unknownType = 'application/octet-stream';
/** As browsers write it. */
const noType = 'x-unknown';

/** `sent` is the response as it was sent, for its sizes; `shown` the same without secrets. */
export async function harResponse(
  sent: DetachedResponse,
  shown: DetachedResponse,
  maxDecodedBytes: number,
): Promise<HarResponse> {
  const { headers } = shown;
  return {
    status: shown.status,
    statusText: shown.statusText,
    httpVersion: `HTTP/${shown.httpVersion}`,
    cookies: headers.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => parseSetCookie(value)),
    headers: nameValues(headers),
    content: await harContent(sent, shown, maxDecodedBytes),
    redirectURL: headerValue(headers, 'location'),
    headersSize: sent.head.length,
    bodySize: sent.bodyLength,
    ...additionsOf(shown),
  };
}

/** In place of a response that did not come, as browsers write it. */
export function missingResponse(reason: NoResponseReason | undefined): HarResponse {
  const error = reason ?? 'lost';
  return {
    status: 0,
    statusText: '',
    httpVersion: '',
    cookies: [],
    headers: [],
    content: { size: 0, mimeType: noType },
    redirectURL: '',
    headersSize: -1,
    bodySize: -1,
    comment: `There is no response: ${explanations[error]}`,
    _error: error,
  };
}

const explanations: Readonly<Record<NoResponseReason, string>> = {
  closed: 'the connection was closed',
  reset: 'the connection was reset',
  idle: 'nothing came for a long time',
  evicted: 'the connection was given up to save memory',
  ended: 'the capture ended before',
  lost: 'it was not captured',
};

async function harContent(
  sent: DetachedResponse,
  shown: DetachedResponse,
  maxDecodedBytes: number,
): Promise<HarContent> {
  const contentType = headerValue(shown.headers, 'content-type');
  const mimeType = contentType || unknownType;
  const content = await contentOf(shown, maxDecodedBytes);
  if (content === undefined) return { size: sent.bodyLength, mimeType, comment: 'The body was not kept' };
  const { bytes, problem } = content;
  const harContent: HarContent = { size: bytes.length, mimeType, ...textOf(bytes, contentType) };
  if (problem !== undefined) harContent.comment = problem;
  else if (headerValue(sent.headers, 'content-encoding') !== '' && !sent.bodyTruncated) {
    harContent.compression = bytes.length - sent.bodyLength;
  }
  return harContent;
}
