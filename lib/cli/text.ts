/** Which bytes are text, and what they say. */
import { Buffer, isAscii, isUtf8 } from 'node:buffer';

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** UTF-8 where the bytes are UTF-8, else a character a byte (ISO 8859-1): nothing is lost or replaced. */
export function decodeText(bytes: Uint8Array): string {
  const buffer = asBuffer(bytes);
  return isAscii(buffer) || !isUtf8(buffer) ? buffer.toString('latin1') : buffer.toString('utf8');
}

/** Bytes of a UTF-8 character that was cut off at the end, 0 to 3. */
function cutCharacter(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

const binaryType = /^\s*(?:image|audio|video|font)\/(?!svg\+xml)/i;
const textType =
  /^\s*(?:text\/|application\/(?:[\w.-]+\+)?(?:json|xml|javascript|x-www-form-urlencoded|x-ndjson|graphql|yaml)\b|image\/svg\+xml)/i;
const charsetParameter = /;\s*charset\s*=\s*"?([^\s";]+)/i;
// Controls that text does not hold; the escape character is in coloured logs.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the subject
const binaryControls = /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f]/g;
const sampleLength = 4096;

/**
 * The text of a body, undefined when it is not text. The bytes decide, because media types lie: ASCII without control characters is
 * always text; other bytes not when they claim to be a picture, sound or the like; and they have no control characters, or few of
 * them where a text type is claimed. The charset is the one that is told, or
 * UTF-8 where the bytes are that, or, where a text type is claimed, ISO 8859-1.
 * @param contentType value of the Content-Type field, null without one
 * @param isCut the body ends too early, perhaps inside a character
 */
export function bodyText(bytes: Uint8Array, contentType: string | null, isCut = false): string | undefined {
  const buffer = asBuffer(bytes);
  if (contentType !== null && binaryType.test(contentType)) {
    if (!isAscii(buffer)) return undefined;
    const text = buffer.toString('latin1');
    return text.search(binaryControls) < 0 ? text : undefined;
  }
  const isText = contentType !== null && textType.test(contentType);
  const charset = contentType === null ? undefined : charsetParameter.exec(contentType)?.[1]?.toLowerCase();
  let text: string | undefined;
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') text = decodeCharset(buffer, charset);
  if (text === undefined && isAscii(buffer)) text = buffer.toString('latin1');
  if (text === undefined) {
    const cut = isCut ? cutCharacter(buffer) : 0;
    const whole = cut > 0 ? buffer.subarray(0, buffer.length - cut) : buffer;
    if (isUtf8(whole)) text = cut > 0 ? `${whole.toString('utf8')}\ufffd` : whole.toString('utf8');
    else if (isText) text = buffer.toString('latin1');
  }
  return text === undefined || looksBinary(text, isText) ? undefined : text;
}

function looksBinary(text: string, isText: boolean): boolean {
  const sample = text.length > sampleLength ? text.slice(0, sampleLength) : text;
  if (sample.search(binaryControls) < 0) return false;
  return !isText || (sample.match(binaryControls)?.length ?? 0) > Math.max(1, sample.length / 50);
}

function decodeCharset(bytes: Uint8Array, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
