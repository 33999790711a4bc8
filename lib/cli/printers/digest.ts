import { createHash } from 'node:crypto';
import type { PrintedMessage } from './printer.js';

/**
 * SHA-256 of the body after de-chunking and before content decoding, in hex; undefined unless every byte of it is there: not with
 * `maxBodyBytes` exceeded, a gap, or an end that was not seen. An empty body has the digest of no bytes.
 */
export function bodyDigest(message: PrintedMessage): string | undefined {
  const { body } = message;
  if (body === undefined || message.bodyTruncated || message.integrity !== 'complete') return undefined;
  return createHash('sha256').update(body).digest('hex');
}
