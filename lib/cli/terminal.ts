/** What is known about the terminal, and the one place that makes text from the wire safe to show. */
import picocolors from 'picocolors';
import { type ByteBuffer, viewOf } from './byte-buffer.js';

/** The streams and variables the command works with; `process` is one. */
export interface Terminal {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  env: Record<string, string | undefined>;
}

/** Undefined when it is no terminal. One that does not tell, as `docker exec -t` can make, is taken for 80 by 24. */
export function sizeOf(stream: NodeJS.WriteStream): { columns: number; rows: number } | undefined {
  return stream.isTTY ? { columns: stream.columns || 80, rows: stream.rows || 24 } : undefined;
}

export type Colors = ReturnType<typeof picocolors.createColors>;

/**
 * Whether to colour. `--no-color` and `NO_COLOR` win over `FORCE_COLOR`, which wins over what the stream is
 * (https://no-color.org, https://force-color.org).
 */
export function wantsColor(
  flag: boolean,
  stream: { isTTY?: boolean },
  env: Record<string, string | undefined>,
): boolean {
  if (!flag || env.NO_COLOR) return false;
  const force = env.FORCE_COLOR;
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  return stream.isTTY === true && env.TERM !== 'dumb';
}

export function colorsFor(enabled: boolean): Colors {
  return picocolors.createColors(enabled);
}

// What could move the cursor, start an escape sequence, or make text look other than it is: C0 without tab and line feed, DEL and C1,
// invisible characters, marks and overrides of direction, separators that break lines, tags, lone surrogates.
const unsafe =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the subject
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\ud800-\udfff]/gu;
const breaks = /[\n\t]/g;

/** `\x1b`, `\u202e`, `\u{e0001}`; `\r`, `\n` and `\t` by their usual names. */
function escapeCharacter(character: string): string {
  switch (character) {
    case '\r':
      return '\\r';
    case '\n':
      return '\\n';
    case '\t':
      return '\\t';
  }
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
}

/**
 * Text of several lines from the wire, safe to show: CRLF becomes a line feed, tabs and line feeds stay, everything else that is not
 * plain text is written as an escape such as `\x1b`.
 * @param mark decorates an escape so that it can be told from text that looks like one
 */
export function sanitizeText(text: string, mark: (escaped: string) => string = (escaped) => escaped): string {
  const lines = text.includes('\r') ? text.replaceAll('\r\n', '\n') : text;
  // Not test(): a global expression keeps its place between calls.
  return lines.search(unsafe) < 0 ? lines : lines.replace(unsafe, (character) => mark(escapeCharacter(character)));
}

/** As {@link sanitizeText}, for what must stay on one line: tabs and line feeds are escaped too. */
export function sanitizeLine(text: string, mark: (escaped: string) => string = (escaped) => escaped): string {
  const safe = text.search(unsafe) < 0 ? text : text.replace(unsafe, (character) => mark(escapeCharacter(character)));
  return safe.search(breaks) < 0 ? safe : safe.replace(breaks, (character) => mark(escapeCharacter(character)));
}

/** By byte: 1 for printable ASCII, tab and line feed, which every terminal shows as they are. */
const plain = new Uint8Array(256).fill(1, 0x20, 0x7f);
plain[0x09] = 1;
plain[0x0a] = 1;

/**
 * Appends what {@link sanitizeText} would make of ASCII text without controls, straight from the bytes: that is most traffic.
 * False, and nothing appended, when there is anything else in it.
 */
export function appendPlain(to: ByteBuffer, source: Uint8Array): boolean {
  const { length } = source;
  const bytes = to.reserve(length);
  const { view } = to;
  const words = viewOf(source);
  let at = to.length;
  let index = 0;
  while (index < length) {
    if (index + 4 <= length) {
      // Four bytes at a time where all are printable: none below 0x20, none above 0x7e.
      const word = words.getInt32(index);
      if (((word | (word - 0x20202020) | (word + 0x01010101)) & 0x80808080) === 0) {
        view.setInt32(at, word);
        index += 4;
        at += 4;
        continue;
      }
    }
    for (const end = Math.min(index + 4, length); index < end; index++) {
      const code = source[index] as number;
      if (plain[code] === 1) bytes[at++] = code;
      else if (code !== 0x0d || source[index + 1] !== 0x0a) return false;
    }
  }
  to.length = at;
  return true;
}

/** A line of JSON with the characters that a terminal could act upon written as `\uXXXX`: the same JSON value. */
export function sanitizeJson(line: string): string {
  return line.replace(unsafe, (character) => {
    let escaped = '';
    for (let at = 0; at < character.length; at++) {
      escaped += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
    }
    return escaped;
  });
}
