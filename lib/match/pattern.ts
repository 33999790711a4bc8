/** Text with stars. */
import type { Pattern } from './ast.js';

/** `*` is a star, `\*` the character, `\\` a backslash; other backslashes stand for themselves. For text that is not in an expression. */
export function parsePattern(text: string): Pattern {
  const pieces = [''];
  for (const [, escaped, star, plain] of text.matchAll(/\\([\\*])|(\*)|([^\\*]+|\\)/g)) {
    if (star !== undefined) pieces.push('');
    else pieces[pieces.length - 1] += escaped ?? plain ?? '';
  }
  return { type: 'pattern', pieces };
}

/** The pattern of text that has this one in it. */
export function anywhere({ pieces }: Pattern): Pattern {
  return { type: 'pattern', pieces: ['', ...pieces, ''] };
}

/** A function that tells whether text matches all of the pattern. Linear in the length of the text. */
export function patternTest(pieces: readonly string[]): (text: string) => boolean {
  const [first = '', ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    if (!text.startsWith(first)) return false;
    let at = first.length;
    for (const piece of rest) {
      const found = text.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return text.length - last.length >= at && text.endsWith(last);
  };
}

/** ASCII letters only: bytes of other characters must stay as they are. */
export function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
