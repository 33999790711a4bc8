/**
 * Writes messages as `JSON.stringify(message)` does, several times as fast: from bytes to bytes. What is out of the ordinary (content
 * to decode, folded or odd header fields, …) is left to JSON.stringify itself.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import type { Message } from '../../index.js';
import { type ByteBuffer, viewOf } from '../byte-buffer.js';
import { appendTime } from '../time.js';

/** By byte: 0 as it is, else the character behind a backslash, 'u' for `\u00XX`. */
const escapes = new Uint8Array(256);
escapes.fill('u'.charCodeAt(0), 0, 0x20);
for (const [character, letter] of Object.entries({
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\f': 'f',
  '\r': 'r',
  '"': '"',
  '\\': '\\',
})) {
  escapes[character.charCodeAt(0)] = letter.charCodeAt(0);
}

/** By byte: 1 for the characters of a field name (RFC 9110, 5.6.2). */
const nameCharacters = new Uint8Array(256);
for (const character of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  nameCharacters[character.charCodeAt(0)] = 1;
}

const hexDigits = Buffer.from('0123456789abcdef');
const quote = 0x22;
const backslash = 0x5c;
const letterU = 0x75;
const zero = 0x30;
const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const colon = 0x3a;
const contentEncodingLength = 'content-encoding'.length;
const blockBytes = 4096;
/** Connections whose JSON is remembered. */
const maxConnections = 4096;

export class JsonLineWriter {
  readonly #connections = new Map<number, string>();

  /** Appends the object, without a line feed behind it. */
  append(to: ByteBuffer, message: Message): void {
    const { length } = to;
    if (this.#tryAppend(to, message)) return;
    to.length = length;
    to.text(JSON.stringify(message));
  }

  #tryAppend(to: ByteBuffer, message: Message): boolean {
    if (message.kind === 'request') {
      to.ascii('{"kind":"request","id":');
      to.ascii(String(message.id));
      this.#appendOrigin(to, message);
      to.ascii(',"method":');
      appendString(to, message.method);
      to.ascii(',"target":');
      appendString(to, message.target);
      const { url } = message;
      to.ascii(',"url":');
      if (url === null) to.ascii('null');
      else appendString(to, url);
    } else {
      const { requestId } = message;
      to.ascii('{"kind":"response","id":');
      to.ascii(String(message.id));
      to.ascii(',"requestId":');
      to.ascii(requestId === null ? 'null' : String(requestId));
      to.ascii(',"status":');
      to.ascii(String(message.status));
      to.ascii(',"statusText":');
      appendString(to, message.statusText);
      this.#appendOrigin(to, message);
    }
    to.ascii(',"httpVersion":"');
    to.ascii(message.httpVersion);
    to.ascii('","headers":[');
    if (!appendFields(to, message.head)) return false;
    const trailers = message.trailers.raw;
    to.ascii('],"trailers":');
    if (trailers.length === 0) to.ascii('[]');
    else to.text(JSON.stringify(trailers));
    to.ascii(',"bodyLength":');
    to.ascii(String(message.bodyLength));
    const { body } = message;
    if (body !== undefined) appendBody(to, body);
    to.ascii(',"integrity":"');
    to.ascii(message.integrity);
    to.ascii('"');
    if (message.bodyTruncated) to.ascii(',"bodyTruncated":true');
    const { missingBytes } = message;
    if (missingBytes > 0) to.ascii(`,"missingBytes":${missingBytes}`);
    if (message.conflict) to.ascii(',"conflict":true');
    const { suspicious } = message;
    if (suspicious.length > 0) to.ascii(`,"suspicious":${JSON.stringify(suspicious)}`);
    to.ascii('}');
    return true;
  }

  /** Connection and times. */
  #appendOrigin(to: ByteBuffer, message: Message): void {
    const { connection, startTime, endTime } = message;
    let json = this.#connections.get(connection.id);
    if (json === undefined) {
      if (this.#connections.size >= maxConnections) this.#connections.clear();
      json = `,"connection":${JSON.stringify(connection)},"startTime":"`;
      this.#connections.set(connection.id, json);
    }
    to.ascii(json);
    appendTime(to, startTime, 9);
    to.ascii('","endTime":"');
    appendTime(to, endTime, 9);
    to.ascii('"');
  }
}

/** A string of characters up to U+00FF, quoted. */
function appendString(to: ByteBuffer, text: string): void {
  const { length } = text;
  const bytes = to.reserve(length * 6 + 2);
  let at = to.length;
  bytes[at++] = quote;
  for (let index = 0; index < length; index++) at = appendLatin1(bytes, at, text.charCodeAt(index));
  bytes[at++] = quote;
  to.length = at;
}

/** A character up to U+00FF; returns the index behind it. At most 6 bytes. */
function appendLatin1(bytes: Buffer, at: number, code: number): number {
  if (code >= 0x80) {
    bytes[at] = 0xc0 | (code >> 6);
    bytes[at + 1] = 0x80 | (code & 0x3f);
    return at + 2;
  }
  const letter = escapes[code] as number;
  if (letter === 0) {
    bytes[at] = code;
    return at + 1;
  }
  return appendEscape(bytes, at, code, letter);
}

function appendEscape(bytes: Buffer, at: number, code: number, letter: number): number {
  bytes[at] = backslash;
  bytes[at + 1] = letter;
  if (letter !== letterU) return at + 2;
  bytes[at + 2] = zero;
  bytes[at + 3] = zero;
  bytes[at + 4] = hexDigits[code >> 4] as number;
  bytes[at + 5] = hexDigits[code & 15] as number;
  return at + 6;
}

/**
 * Whether four bytes are all ASCII that stands for itself in a JSON string: none below 0x20, no quote, no backslash. (A byte is
 * zero if subtracting one borrows from above its highest bit.)
 */
function isPlainWord(word: number): boolean {
  const noQuote = word ^ 0x22222222;
  const noBackslash = word ^ 0x5c5c5c5c;
  return ((word | (word - 0x20202020) | (noQuote - 0x01010101) | (noBackslash - 0x01010101)) & 0x80808080) === 0;
}

/**
 * The fields of a head as pairs, in one pass. False when something is not as senders usually write it, so that it needs the parser's
 * judgement, or when the content is encoded.
 */
function appendFields(to: ByteBuffer, head: Uint8Array): boolean {
  // Six for each byte, and the quotes, commas and brackets of a field that is at least `a:` and CRLF.
  const bytes = to.reserve(head.length * 8);
  const { view } = to;
  const words = viewOf(head);
  const end = head.length;
  let at = to.length;
  // The start line.
  let from = 0;
  if ((head[0] as number) <= space) return false;
  while (from < end && head[from] !== lineFeed) from++;
  if (from === end || head[from - 1] !== carriageReturn) return false;
  from++;
  for (let first = true; ; first = false) {
    if (from + 1 >= end) return false;
    if (head[from] === carriageReturn) {
      to.length = at;
      return head[from + 1] === lineFeed && from + 2 === end;
    }
    if (!first) bytes[at++] = 0x2c;
    bytes[at++] = 0x5b;
    bytes[at++] = quote;
    const nameStart = from;
    while (from < end && nameCharacters[head[from] as number] === 1) bytes[at++] = head[from++] as number;
    if (from === end || from === nameStart || head[from] !== colon) return false;
    if (from - nameStart === contentEncodingLength && isContentEncoding(head, nameStart)) return false;
    from++;
    while (from < end && (head[from] === space || head[from] === tab)) from++;
    bytes[at++] = quote;
    bytes[at++] = 0x2c;
    bytes[at++] = quote;
    // White space at the end of the value is not part of it.
    let valueEnd = at;
    while (from < end) {
      if (from + 4 <= end) {
        const word = words.getInt32(from);
        if (isPlainWord(word)) {
          view.setInt32(at, word);
          from += 4;
          at += 4;
          // Spaces within the word are dealt with when the value ends.
          valueEnd = at;
          continue;
        }
      }
      const code = head[from] as number;
      if (code < space && code !== tab) break;
      at = appendLatin1(bytes, at, code);
      if (code !== space && code !== tab) valueEnd = at;
      from++;
    }
    at = valueEnd;
    while (bytes[at - 1] === space) at--;
    if (head[from] !== carriageReturn || head[from + 1] !== lineFeed) return false;
    from += 2;
    // A folded value goes on in the next line.
    if (head[from] === space || head[from] === tab) return false;
    bytes[at++] = quote;
    bytes[at++] = 0x5d;
  }
}

const contentEncoding = Buffer.from('content-encoding');

function isContentEncoding(head: Uint8Array, start: number): boolean {
  for (let index = 0; index < contentEncodingLength; index++) {
    if (((head[start + index] as number) | 0x20) !== contentEncoding[index]) return false;
  }
  return true;
}

/** A body without a content coding. */
function appendBody(to: ByteBuffer, body: Buffer): void {
  to.ascii(',"body":"');
  const isText = isUtf8(body);
  if (isText) {
    const words = viewOf(body);
    // Most bytes become one, a few become six.
    for (let from = 0; from < body.length; from += blockBytes) {
      const end = Math.min(from + blockBytes, body.length);
      const bytes = to.reserve((end - from) * 6);
      const { view } = to;
      let at = to.length;
      for (let index = from; index < end; index++) {
        if (index + 4 <= end) {
          const word = words.getInt32(index);
          if (isPlainWord(word)) {
            view.setInt32(at, word);
            index += 3;
            at += 4;
            continue;
          }
        }
        const code = body[index] as number;
        const letter = escapes[code] as number;
        if (letter === 0) bytes[at++] = code;
        else at = appendEscape(bytes, at, code, letter);
      }
      to.length = at;
    }
  } else {
    to.text(body.toString('base64'));
  }
  to.ascii(isText ? '","bodyEncoding":"utf8","bodyDecoded":false' : '","bodyEncoding":"base64","bodyDecoded":false');
}
