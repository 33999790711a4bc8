/** Secrets in JSON, or in what has JSON in it. Text is a character a byte. */
import type { Masks } from './masks.js';
import type { SecretNames } from './secret-names.js';

const BACKSLASH = 0x5c;
const maxNameLength = 200;

/** White space, also as it is escaped in JSON that stands in a JSON string. */
const space = /(?:\s|\\+[nrt])*/y;
const scalar = /[^\s,;"'\\{}[\]]*/y;
const notSecret: ReadonlySet<string> = new Set(['', 'null', 'true', 'false']);

/**
 * Masks the values of secret fields, at any depth. Looks for `"name": value` rather than parsing, so that it works on JSON that was cut
 * off, on several values in a row, on event streams and scripts, on JSON inside of JSON strings, and leaves everything else byte for
 * byte. A secret object or array is masked whole.
 */
export function maskJson(text: string, isSecret: SecretNames, masks: Masks): string {
  let masked = '';
  let copied = 0;
  let open = text.indexOf('"');
  while (open >= 0) {
    const close = text.indexOf('"', open + 1);
    if (close < 0) break;
    const nameStart = open + 1;
    // A closing quote is looked at as an opening one too: nothing says where strings begin in text that is not all JSON.
    open = close;
    if (close - nameStart > maxNameLength) continue;
    const colon = skip(text, close + 1);
    if (text[colon] !== ':') continue;
    const level = backslashesBefore(text, close, close - nameStart);
    if (!isSecret(unescapeJson(text.slice(nameStart, close - level)))) continue;
    const value = valueAt(text, skip(text, colon + 1), level);
    open = text.indexOf('"', value.end);
    if (notSecret.has(value.secret)) continue;
    const quote = `${'\\'.repeat(value.level)}"`;
    masked += text.slice(copied, value.start) + quote + masks.mask(unescapeJson(value.secret), [value.secret]) + quote;
    copied = value.end;
  }
  return masked + text.slice(copied);
}

interface Value {
  start: number;
  end: number;
  secret: string;
  /** Backslashes before the quotes: 0, or 1, 3, 7, … in JSON that stands in JSON strings. */
  level: number;
}

function valueAt(text: string, start: number, level: number): Value {
  let at = start;
  while (text.charCodeAt(at) === BACKSLASH) at++;
  if (text[at] === '"') {
    const own = at - start;
    const { quote, backslashes } = stringEnd(text, at + 1, own);
    const closed = quote < text.length && backslashes >= own;
    const secret = text.slice(at + 1, quote - Math.min(own, backslashes));
    return { start, end: closed ? quote + 1 : quote - backslashes, secret, level: own };
  }
  if (text[start] === '{' || text[start] === '[') {
    const end = structureEnd(text, start, level);
    return { start, end, secret: text.slice(start, end), level };
  }
  scalar.lastIndex = start;
  const secret = scalar.exec(text)?.[0] ?? '';
  return { start, end: start + secret.length, secret, level };
}

/** The quote that ends a string, or the end of the text, and how many backslashes are before it. */
function stringEnd(text: string, from: number, level: number): { quote: number; backslashes: number } {
  let quote = text.indexOf('"', from);
  while (quote >= 0) {
    const backslashes = backslashesBefore(text, quote, quote - from);
    // Fewer backslashes close a string further out: this one was cut off.
    if (backslashes < level || backslashes % (2 * (level + 1)) === level) return { quote, backslashes };
    quote = text.indexOf('"', quote + 1);
  }
  return { quote: text.length, backslashes: 0 };
}

/** Index behind the bracket that closes the one at `start`, or the end of the text. */
function structureEnd(text: string, start: number, level: number): number {
  const token = /["{}[\]]/g;
  token.lastIndex = start;
  let depth = 0;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    if (found[0] === '"') {
      if (backslashesBefore(text, found.index) < level) return found.index;
      token.lastIndex = stringEnd(text, found.index + 1, level).quote + 1;
    } else if (found[0] === '{' || found[0] === '[') depth++;
    else if (--depth === 0) return found.index + 1;
  }
  return text.length;
}

function backslashesBefore(text: string, at: number, most = Number.POSITIVE_INFINITY): number {
  let count = 0;
  while (count < most && text.charCodeAt(at - 1 - count) === BACKSLASH) count++;
  return count;
}

function skip(text: string, at: number): number {
  space.lastIndex = at;
  return at + (space.exec(text)?.[0].length ?? 0);
}

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

function unescapeJson(text: string): string {
  return text.replace(/((?:\\u[0-9a-f]{4})+)|\\(.)/gis, (_, units: string | undefined, escaped: string) => {
    if (units === undefined) return escapes[escaped] ?? escaped;
    const codes = units.slice(2).split(/\\u/i);
    return Buffer.from(String.fromCharCode(...codes.map((hex) => Number.parseInt(hex, 16)))).toString('latin1');
  });
}
