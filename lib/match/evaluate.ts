/** From a tree to a function that decides it on a message. */
import { TextDecoder } from 'node:util';
import type { Comparison, Condition, Node, Test, Value } from './ast.js';
import { type Field, fieldOf } from './fields.js';
import { anywhere, lowerCase, patternTest } from './pattern.js';
import { prefixTest } from './prefix.js';
import { type Reader, readerOf, waitNs } from './readers.js';
import { type KnownMessage, type Subject, sideOf } from './subject.js';
import { combine, type Verdict } from './verdict.js';

/**
 * A function that tells whether the expression holds. Undefined: what is known of the message does not decide it. It is decided once
 * the message has ended, its `body` is given and `other` is decided too.
 */
export function compile(node: Node): (subject: Subject) => Verdict {
  return combine(node, compileCondition);
}

function compileCondition({ field: ref, test }: Condition): (subject: Subject) => Verdict {
  const field = fieldOf(ref.name);
  const passes = valueTest(field, ref.name === 'body', test);
  const negated = (test.op === 'equals' || test.op === 'matches') && test.negated;
  if (ref.name === 'wait') return (subject) => decideWait(subject, (value) => passes(value) !== negated);

  // What the test takes is what the reader of the same field gives.
  const read = readerOf(ref) as Reader<string | number>;
  const decide = negated
    ? (of: KnownMessage) => read(of, isThere) && !read(of, passes)
    : (of: KnownMessage) => read(of, passes);
  return (subject) => {
    const of = sideOf(subject, ref.side);
    if (of === undefined) return undefined;
    if (of === null) return false;
    if (field.known === 'end' && !of.ended) return undefined;
    if (ref.name === 'body' && of.body === undefined) return undefined;
    return decide(of);
  };
}

function isThere(): boolean {
  return true;
}

function decideWait(subject: Subject, test: (value: number) => boolean): Verdict {
  const request = sideOf(subject, 'request');
  const response = sideOf(subject, 'response');
  if (request === null || response === null) return false;
  if (request === undefined || response === undefined || !request.ended) return undefined;
  return test(waitNs(request.message, response.message));
}

/** The test of one value, whether it is negated or not. */
function valueTest(field: Field, isUnicode: boolean, test: Test): (value: string | number) => boolean {
  switch (test.op) {
    case 'exists':
      return isThere;
    case 'compares':
      return numberTest(compare[test.operator], test.value);
    case 'contains':
      return textTest(field, isUnicode, anywhere(test.pattern).pieces);
    case 'matches':
      return regExpTest(test.source, test.flags, isUnicode);
    case 'equals': {
      const tests = test.values.map((value) => equalsTest(field, isUnicode, value));
      return (value) => tests.some((one) => one(value));
    }
  }
}

const compare: Readonly<Record<Comparison, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

function numberTest(holds: (a: number, b: number) => boolean, limit: number): (value: string | number) => boolean {
  return (value) => holds(value as number, limit);
}

function equalsTest(field: Field, isUnicode: boolean, wanted: Value): (value: string | number) => boolean {
  switch (wanted.type) {
    case 'pattern':
      return textTest(field, isUnicode, wanted.pieces);
    case 'word':
      return (value) => value === wanted.word;
    case 'range':
      return (value) => (value as number) >= wanted.low && (value as number) <= wanted.high;
    case 'prefix': {
      const inPrefix = prefixTest(wanted);
      return (value) => inPrefix(value as string);
    }
  }
}

/** Heads are a character a byte, and text of an expression stands for its UTF-8 there. Bodies are decoded. */
function textTest(
  { caseless }: Field,
  isUnicode: boolean,
  pieces: readonly string[],
): (value: string | number) => boolean {
  const bytes = isUnicode ? pieces : pieces.map((piece) => Buffer.from(piece).toString('latin1'));
  const matches = patternTest(caseless ? bytes.map(lowerCase) : bytes);
  return caseless ? (value) => matches(lowerCase(value as string)) : (value) => matches(value as string);
}

function regExpTest(source: string, flags: string, isUnicode: boolean): (value: string | number) => boolean {
  const regExp = new RegExp(source, flags);
  return (value) => regExp.test(isUnicode ? (value as string) : fromUtf8(value as string));
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text for regular expressions, from a character a byte; as it is when the bytes are not UTF-8. */
function fromUtf8(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text;
  try {
    return decoder.decode(Buffer.from(text, 'latin1'));
  } catch {
    return text;
  }
}
