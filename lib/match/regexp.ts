/** Regular expressions in expressions: those of JavaScript, and no others. */
import type { Test } from './ast.js';

type Matches = Extract<Test, { op: 'matches' }>;

const flagsAllowed = /^[imsuv]*$/;

/** Throws a SyntaxError that says what is wrong. */
export function parseRegExp(source: string, flags: string, negated = false): Matches {
  if (!flagsAllowed.test(flags)) throw new SyntaxError('Flags of a regular expression can be i, m, s, u and v');
  const regExp = new RegExp(source, flags);
  // Some are found to be too large only when they are used.
  regExp.test('');
  return { op: 'matches', negated, source: regExp.source, flags: regExp.flags };
}
