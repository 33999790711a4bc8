/** The text of an expression in pieces. */
import { ExpressionError } from './expression-error.js';

export interface Token {
  readonly type: 'word' | 'string' | 'symbol' | 'end';
  /** Without quotes and escapes. */
  readonly text: string;
  /** Of words and strings: what is between the stars; see Pattern. */
  readonly pieces: readonly string[];
  readonly start: number;
  readonly end: number;
}

export interface RegExpToken {
  readonly source: string;
  readonly flags: string;
  readonly start: number;
  readonly end: number;
}

/** Longest first. */
const symbols = ['==', '!=', '!~', '<=', '>=', '&&', '||', '<', '>', '~', '!', '(', ')', '{', '}', '[', ']', ','];
const keywords: ReadonlySet<string> = new Set(['and', 'or', 'not', 'in', 'contains', 'exists']);

/** Everything but white space, control characters, quotes and what operators are made of. */
const word = /[^\s\p{Cc}()[\]{},"'=!<>~&|\\]+/uy;
const space = /\s*/y;
const flags = /\w*/y;

/** Words with a meaning of their own, in any case. */
export function isKeyword(text: string): boolean {
  return keywords.has(text.toLowerCase());
}

/** Tokens one by one. Behind `~` the parser asks for regExp(), since only it knows that one is due. */
export class Tokens {
  readonly #source: string;
  #at = 0;
  #peeked: Token | undefined = undefined;

  constructor(source: string) {
    this.#source = source;
  }

  peek(): Token {
    this.#peeked ??= this.#read();
    return this.#peeked;
  }

  next(): Token {
    const token = this.peek();
    this.#peeked = undefined;
    return token;
  }

  /** A string whose backslashes belong to the regular expression, or `/source/flags`. Nothing may have been peeked at. */
  regExp(): RegExpToken {
    this.#skipSpace();
    const source = this.#source;
    const start = this.#at;
    const open = source[start];
    if (open !== '"' && open !== "'" && open !== '/') {
      const { start, end } = this.peek();
      throw new ExpressionError('Expected a regular expression, in quotes or between slashes', start, end);
    }
    const close = endOfRegExp(source, start);
    if (close < 0)
      throw new ExpressionError(`Expected ${open} at the end of the regular expression`, start, source.length);
    const text = source.slice(start + 1, close);
    this.#at = close + 1;
    if (open !== '/') return { source: text.replaceAll(`\\${open}`, open), flags: '', start, end: this.#at };
    return { source: text, flags: this.#take(flags), start, end: this.#at };
  }

  #read(): Token {
    this.#skipSpace();
    const start = this.#at;
    const first = this.#source[start];
    if (first === undefined) return { type: 'end', text: '', pieces: [], start, end: start };
    if (first === '"' || first === "'") return this.#string(first);
    const symbol = symbols.find((one) => this.#source.startsWith(one, start));
    if (symbol !== undefined) {
      this.#at += symbol.length;
      return { type: 'symbol', text: symbol, pieces: [], start, end: this.#at };
    }
    const text = this.#take(word);
    if (text === '') {
      const meant = { '=': '==', '&': '&&', '|': '||' }[first];
      const advice = meant === undefined ? '; text with it needs quotes' : `; did you mean ${meant}?`;
      throw new ExpressionError(`Unexpected ${shown(first)}${advice}`, start, start + 1);
    }
    return { type: 'word', text, pieces: text.split('*'), start, end: this.#at };
  }

  #string(quote: string): Token {
    const start = this.#at;
    const pieces = [''];
    const append = (text: string) => {
      pieces[pieces.length - 1] += text;
    };
    for (let at = start + 1; at < this.#source.length; at++) {
      const char = this.#source[at] as string;
      if (char === quote) {
        this.#at = at + 1;
        return { type: 'string', text: pieces.join('*'), pieces, start, end: this.#at };
      }
      if (char === '*') pieces.push('');
      else if (char === '\\') {
        const escaped = readEscape(this.#source, at);
        append(escaped.text);
        at = escaped.end - 1;
      } else append(char);
    }
    throw new ExpressionError(`Expected ${quote} at the end of the text`, start, this.#source.length);
  }

  #skipSpace(): void {
    this.#take(space);
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#source)?.[0] ?? '';
    this.#at += text.length;
    return text;
  }
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\',
  '*': '*',
  '"': '"',
  "'": "'",
  n: '\n',
  r: '\r',
  t: '\t',
};
const codePoint = /\\u\{([0-9a-f]{1,6})\}/iy;

function readEscape(source: string, at: number): { text: string; end: number } {
  const simple = escapes[source[at + 1] ?? ''];
  if (simple !== undefined) return { text: simple, end: at + 2 };
  codePoint.lastIndex = at;
  const match = codePoint.exec(source);
  const code = Number.parseInt(match?.[1] ?? '', 16);
  if (match !== null && code <= 0x10ffff) return { text: String.fromCodePoint(code), end: codePoint.lastIndex };
  throw new ExpressionError(
    'Unknown escape; there are \\" \\\' \\\\ \\* \\n \\r \\t and \\u{…}. Regular expressions follow ~',
    at,
    Math.min(at + 2, source.length),
  );
}

/** Where the closing quote or slash is, -1 when it is missing. A slash in brackets does not close. */
function endOfRegExp(source: string, start: number): number {
  const open = source[start];
  let inClass = false;
  for (let at = start + 1; at < source.length; at++) {
    const char = source[at];
    if (char === '\\') at++;
    else if (char === open && !(open === '/' && inClass)) return at;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
  }
  return -1;
}

function shown(char: string): string {
  return /\p{Cc}/u.test(char) ? 'control character' : `'${char}'`;
}
