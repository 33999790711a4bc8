/** What holds for every expression. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CaptureError } from '../lib/errors.js';
import { compile } from '../lib/match/evaluate.js';
import { caret, ExpressionError } from '../lib/match/expression-error.js';
import { maxSourceLength, parse } from '../lib/match/parser.js';
import { planOf } from '../lib/match/plan.js';
import { print } from '../lib/match/printer.js';
import { inScope, type MatchScope } from '../lib/match/scope.js';
import type { Subject } from '../lib/match/subject.js';
import { expression, subjects } from './support/match-arbitraries.js';
import { runProgram } from './support/match-program.js';

const scopes = fc.constantFrom<MatchScope>('message', 'exchange');

test('what is printed parses to the same tree', () => {
  fc.assert(
    fc.property(expression, (node) => {
      const text = print(node);
      assert.deepEqual(parse(text), node, text);
      assert.equal(print(parse(text)), text);
    }),
    { numRuns: 2000 },
  );
});

test('what is printed means the same', () => {
  fc.assert(
    fc.property(expression, subjects, (node, all) => {
      const [before, after] = [compile(node), compile(parse(print(node)))];
      for (const subject of all) assert.equal(after(subject), before(subject), print(node));
    }),
    { numRuns: 500 },
  );
});

test('everything is decided at the end of the exchange, and what was decided earlier stays so', () => {
  fc.assert(
    fc.property(expression, subjects, (node, all) => {
      const decide = compile(node);
      for (const subject of all) {
        const verdict = decide(subject);
        assert.notEqual(verdict, undefined, print(node));
        const { message, other } = subject;
        const earlier: Subject[] = [
          { message, ended: false },
          { message, ended: true },
          { message, ended: false, other: null },
          { ...subject, other: undefined },
          { ...subject, ended: false },
          { ...subject, other: other && { message: other.message, ended: false } },
        ];
        // Nobody on the other side is something that is known, not something that is known later.
        for (const [i, one] of earlier.entries()) {
          if (i === 2 && other !== null) continue;
          assert.ok([undefined, verdict].includes(decide(one)), `${print(node)} ${i}`);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('what the native part rejects does not match, and the rest decides what it lets through', () => {
  let decided = 0;
  let rejected = 0;
  fc.assert(
    fc.property(expression, scopes, subjects, (node, scope, all) => {
      const plan = planOf(node, scope);
      const whole = compile(inScope(node, scope));
      const rest = plan.rest === undefined ? () => true : compile(plan.rest);
      for (const subject of all) {
        const expected = whole(subject);
        const outcome = plan.program === undefined ? 'true' : runProgram(plan.program, subject);
        assert.notEqual(outcome, 'undecided');
        if (outcome === 'false') {
          rejected++;
          assert.equal(expected, false, print(node));
        } else assert.equal(rest(subject), expected, print(node));
        if (plan.rest === undefined) {
          decided++;
          assert.equal(outcome === 'true', expected, print(node));
        }
        const { message, ended, body } = subject;
        if (plan.program && runProgram(plan.program, { message, ended, body }) === 'false')
          assert.equal(outcome, 'false');
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(decided > 100 && rejected > 100, `${decided} ${rejected}`);
});

test('a program says what the native part of the tree says', () => {
  fc.assert(
    fc.property(expression, scopes, subjects, (node, scope, all) => {
      const { native, program } = planOf(node, scope);
      assert.equal(native === undefined, program === undefined);
      if (native === undefined || program === undefined) return;
      const decide = compile(native);
      for (const subject of all) {
        assert.equal(runProgram(program, subject), String(decide(subject)), print(native));
        const alone = { ...subject, other: undefined };
        assert.equal(runProgram(program, alone), String(decide(alone) ?? 'undecided'), print(native));
      }
    }),
    { numRuns: 1000 },
  );
});

test('a kind that cannot match does not', () => {
  fc.assert(
    fc.property(expression, scopes, subjects, (node, scope, all) => {
      const { requests, responses } = planOf(node, scope);
      const whole = compile(inScope(node, scope));
      for (const subject of all) {
        const possible = subject.message.kind === 'request' ? requests : responses;
        if (!possible) assert.equal(whole(subject), false, print(node));
      }
    }),
    { numRuns: 500 },
  );
});

const fragments = fc.constantFrom(
  ...[
    'and',
    'OR',
    'not',
    '!',
    '(',
    ')',
    '==',
    '!=',
    '~',
    '!~',
    '<',
    '>=',
    '=',
    '&',
    '&&',
    '||',
    'in',
    '{',
    '}',
    ',',
    '..',
  ],
  ...[
    'exists',
    'contains',
    'path',
    'status',
    'header.a',
    'header',
    '[',
    ']',
    '"',
    "'",
    '"x"',
    '/',
    '/[/',
    '/(/',
    '\\',
    '4xx',
  ],
  ...[
    '10KB',
    '1.5',
    '1..2',
    'request.',
    'request.path',
    'response.path',
    'client.address',
    '10.0.0.0/8',
    'wait',
    'conflict',
    '*',
    '\n',
  ],
);

test('whatever does not parse says where and is the coded error', () => {
  let parsed = 0;
  const garbage = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.array(fragments, { maxLength: 8 }).map((parts) => parts.join(' ')),
    fc.array(fragments, { maxLength: 8 }).map((parts) => parts.join('')),
    fc
      .tuple(expression.map(print), fc.nat(), fc.nat(3), fragments)
      .map(
        ([text, at, length, more]) =>
          text.slice(0, at % (text.length + 1)) + more + text.slice((at % (text.length + 1)) + length),
      ),
  );
  fc.assert(
    fc.property(garbage, (source) => {
      try {
        const node = parse(source);
        parsed++;
        assert.deepEqual(parse(print(node)), node);
      } catch (error) {
        assert.ok(error instanceof ExpressionError && error instanceof CaptureError, String(error));
        assert.equal(error.code, 'ERR_OPTION');
        assert.ok(error.position >= 0 && error.position <= error.end && error.end <= source.length, error.message);
        const [line = '', marks = ''] = caret(source, error).split('\n');
        assert.match(marks, /^ *\^~*$/);
        assert.ok([...marks].length <= [...line].length + 1);
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(parsed > 10, String(parsed));
});

test('an expression that is too long or too deep is the coded error', () => {
  for (const source of [
    '('.repeat(50_000),
    '!'.repeat(50_000),
    `${'not '.repeat(101)}conflict`,
    `${'('.repeat(101)}conflict${')'.repeat(101)}`,
    ' '.repeat(maxSourceLength + 1),
  ]) {
    assert.throws(
      () => parse(source),
      (error) => error instanceof ExpressionError && error.position <= source.length,
    );
  }
  assert.equal(print(parse(`${'('.repeat(100)}conflict${')'.repeat(100)}`)), 'conflict');
  const deep = `${'port == 1 or (port == 2 and ('.repeat(50)}port == 3${'))'.repeat(50)}`;
  assert.equal(print(parse(deep)), deep.replace('(port == 3)', 'port == 3'));
  const { program } = planOf(parse(deep));
  assert.ok(program);
  fc.assert(
    fc.property(subjects, (all) => void all.map((subject) => runProgram(program, subject))),
    { numRuns: 3 },
  );
});
