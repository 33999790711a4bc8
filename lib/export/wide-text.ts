import { decodeText } from '../body/charset.js';

/** Text in UTF-16 as UTF-8, so that it can be searched a character a byte; other bytes as they are. */
export function toUtf8(bytes: Buffer, contentType: string): Buffer {
  const marked = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (!marked && !/charset\s*=\s*"?utf-?16/i.test(contentType)) return bytes;
  return Buffer.from(decodeText(bytes, contentType));
}
