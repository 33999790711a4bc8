/** What requests and responses have in common in an HTTP archive. */
import { isUtf8 } from 'node:buffer';
import { decodeText } from '../body/charset.js';
import { decodeContent, isContentEncoded } from '../body/content-coding.js';
import type { DetachedMessage } from '../detach.js';
import type { RawHeader } from '../headers.js';
import type { HarMessageAdditions, HarNameValue } from './har-format.js';
import { headerValue } from './header-value.js';

export function nameValues(headers: readonly RawHeader[]): HarNameValue[] {
  return headers.map(([name, value]) => ({ name, value }));
}

export function additionsOf(message: DetachedMessage): HarMessageAdditions {
  const additions: HarMessageAdditions = { _id: message.id, _integrity: message.integrity };
  if (message.missingBytes > 0) additions._missingBytes = message.missingBytes;
  if (message.bodyTruncated) additions._bodyTruncated = true;
  if (message.conflict) additions._conflict = true;
  if (message.suspicious.length > 0) additions._suspicious = message.suspicious;
  if (message.trailers.length > 0) additions._trailers = nameValues(message.trailers);
  return additions;
}

/** A body with its content codings undone, at most `maxDecodedBytes` of it. */
export interface Content {
  bytes: Buffer;
  /** Why the content codings could not be undone, when `bytes` are as sent, or that it was cut. */
  problem: string | undefined;
}

/** Undefined when the body was not kept. */
export async function contentOf(message: DetachedMessage, maxDecodedBytes: number): Promise<Content | undefined> {
  if (message.body === undefined) return undefined;
  const { buffer, byteOffset, byteLength } = message.body;
  const body = Buffer.from(buffer, byteOffset, byteLength);
  const contentEncoding = headerValue(message.headers, 'content-encoding');
  if (body.length === 0 || !isContentEncoded(contentEncoding)) return cut(body, maxDecodedBytes);
  try {
    return { bytes: await decodeContent(body, contentEncoding, maxDecodedBytes), problem: undefined };
  } catch (error) {
    return { bytes: cut(body, maxDecodedBytes).bytes, problem: (error as Error).message };
  }
}

function cut(bytes: Buffer, maxBytes: number): Content {
  if (bytes.length <= maxBytes) return { bytes, problem: undefined };
  return {
    bytes: bytes.subarray(0, maxBytes),
    problem: `The body has ${bytes.length} bytes; it was cut after maxDecodedBytes`,
  };
}

/** Text where the bytes are UTF-8 or text in the charset that Content-Type tells; else base64, so that nothing is lost. */
export function textOf(bytes: Buffer, contentType: string): { text: string; encoding?: 'base64' } {
  if (isUtf8(bytes)) return { text: bytes.toString('utf8') };
  if (/charset\s*=/i.test(contentType)) {
    const text = decodeText(bytes, contentType);
    if (!text.includes('\ufffd')) return { text };
  }
  return { text: bytes.toString('base64'), encoding: 'base64' };
}
