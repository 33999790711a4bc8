/** What runs natively, and the form in which it is handed over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, formatExplanation } from '../lib/match/explain.js';
import { type FieldName, fieldOf } from '../lib/match/fields.js';
import { parse } from '../lib/match/parser.js';
import { planOf } from '../lib/match/plan.js';
import { print } from '../lib/match/printer.js';
import { matchFields, matchFlags, matchKinds, matchOpcodes, matchSides } from '../lib/match/program-layout.js';
import type { MatchScope } from '../lib/match/scope.js';

const parts: [expression: string, native: string, rest: string, scope?: MatchScope][] = [
  ['method == POST and status >= 500', 'method == POST and status >= 500', ''],
  ['interim or kind == request', 'interim or kind == request', ''],
  ['path ~ /a/', '', 'path ~ /a/'],
  ['path == /a* and path ~ /b/', 'path == /a*', 'path ~ /b/'],
  ['path == /a* or path ~ /b/', '', 'path == /a* or path ~ /b/'],
  ['path == /a* and (host == h or conflict)', 'path == /a*', 'host == h or conflict'],
  [
    '(path == /a* and conflict) or (path == /b* and interim)',
    'path == /a* or (path == /b* and interim)',
    '(path == /a* and conflict) or (path == /b* and interim)',
  ],
  ['not (path == /a* or conflict)', 'not path == /a*', 'not (path == /a* or conflict)'],
  ['not (path == /a* and conflict)', '', 'not (path == /a* and conflict)'],
  ['not not (path == /a* and conflict)', 'not not path == /a*', 'not not (path == /a* and conflict)'],
  // Both sides pass natively, and JavaScript takes the one that matches.
  [
    'request.path == /a and status == 200',
    'request.path == /a and status == 200',
    'request.path == /a and status == 200',
  ],
  ['path == /a and status == 200', 'request.path == /a and response.status == 200', '', 'exchange'],
  [
    'path == /a and status == 200 and conflict',
    'request.path == /a and response.status == 200',
    'request.path == /a and response.status == 200 and conflict',
    'exchange',
  ],
];

for (const [expression, native, rest, scope] of parts) {
  test(`${expression} natively: ${native || 'nothing'}`, () => {
    const plan = planOf(parse(expression), scope);
    assert.equal(plan.native === undefined ? '' : print(plan.native), native);
    assert.equal(plan.program === undefined, native === '');
    assert.equal(plan.rest === undefined ? '' : print(plan.rest), rest);
  });
}

test('the plan tells what the rest needs', () => {
  const needs = (expression: string) => {
    const { known, needsBody, needsOther } = planOf(parse(expression));
    return { known, needsBody, needsOther };
  };
  assert.deepEqual(needs('path == /a'), { known: 'head', needsBody: false, needsOther: false });
  assert.deepEqual(needs('path ~ /a/'), { known: 'head', needsBody: false, needsOther: false });
  assert.deepEqual(needs('path ~ /a/ or body contains a'), { known: 'end', needsBody: true, needsOther: false });
  assert.deepEqual(needs('request.path == /a'), { known: 'head', needsBody: false, needsOther: true });
  assert.deepEqual(needs('request.path == /a and conflict'), { known: 'end', needsBody: false, needsOther: true });
  assert.deepEqual(needs('wait > 1s'), { known: 'end', needsBody: false, needsOther: true });
});

test('the plan tells which kinds can match', () => {
  const kinds = (expression: string, scope?: MatchScope) => {
    const { requests, responses } = planOf(parse(expression), scope);
    return [requests, responses];
  };
  assert.deepEqual(kinds('method == GET'), [true, false]);
  assert.deepEqual(kinds('status == 200'), [false, true]);
  assert.deepEqual(kinds('not status == 200'), [true, true]);
  assert.deepEqual(kinds('response and conflict'), [false, true]);
  assert.deepEqual(kinds('method == GET and status == 200'), [false, false]);
  assert.deepEqual(kinds('method == GET and status == 200', 'exchange'), [true, true]);
  assert.deepEqual(kinds('request and status == 200', 'exchange'), [true, false]);
});

const text = (value: string) => [value.length, 0, ...Buffer.from(value)];

test('programs are laid out as documented', () => {
  const program = (expression: string, scope?: MatchScope) => [...(planOf(parse(expression), scope).program ?? [])];
  assert.deepEqual(program('method == G*T'), [
    ...[1, 0, 16, 0],
    ...[5, 2, 0, 1, 1, 0, 8, 0, 2, 0, ...text('g'), ...text('t')],
  ]);
  assert.deepEqual(program('not status == 4xx', 'exchange'), [
    ...[1, 0, 20, 0],
    ...[3, 0, 0, 0, 1, 0, 12, 0],
    ...[6, 7, 2, 0, 1, 0, 4, 0, 400 & 255, 400 >> 8, 499 & 255, 499 >> 8],
  ]);
  assert.deepEqual(program('header.X-A exists'), [...[1, 0, 13, 0], ...[4, 10, 0, 0, 0, 0, 5, 0, ...text('x-a')]]);
  assert.deepEqual(program('client.address == 10.0.0.0/8'), [
    ...[1, 0, 26, 0],
    ...[7, 11, 0, 0, 1, 0, 18, 0, 4, 104, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 0],
  ]);
  assert.deepEqual(program('request'), [...[1, 0, 12, 0], ...[6, 1, 0, 0, 1, 0, 4, 0, 1, 0, 1, 0]]);
  assert.deepEqual(program('port > 65535'), [...[1, 0, 12, 0], ...[6, 16, 0, 0, 1, 0, 4, 0, 1, 0, 0, 0]]);
  assert.deepEqual(program('port < 0'), program('port > 65535'));
  assert.deepEqual(program('path != ""'), [
    ...[1, 0, 36, 0],
    ...[1, 0, 0, 0, 2, 0, 28, 0],
    ...[4, 4, 0, 0, 0, 0, 0, 0],
    ...[3, 0, 0, 0, 1, 0, 12, 0],
    ...[5, 4, 0, 0, 1, 0, 4, 0, 1, 0, ...text('')],
  ]);
});

test('what would make the program too long stays in JavaScript', () => {
  const values = Array.from({ length: 10_000 }, (_, i) => `/path/${i}`).join();
  const expression = `path in {${values.slice(0, 65_000).replace(/,[^,]*$/, '')}}`;
  const plan = planOf(parse(expression));
  assert.equal(plan.program, undefined);
  assert.equal(plan.native, undefined);
  assert.equal(plan.rest, plan.node);
});

test('numbers of the program are unique, and its fields are known at the head', () => {
  for (const table of [matchOpcodes, matchSides, matchKinds, matchFlags, matchFields]) {
    const numbers = Object.values(table);
    assert.equal(new Set(numbers).size, numbers.length);
  }
  for (const name of Object.keys(matchFields) as FieldName[]) assert.equal(fieldOf(name).known, 'head', name);
});

test('explain tells what runs where', () => {
  const expression = 'method == POST and path ~ "^/a" and (host == h or duration > 1s) and request.header.a exists';
  const explanation = explain(expression);
  assert.deepEqual(explanation, {
    expression: 'method == POST and path ~ /^\\/a/ and (host == h or duration > 1s) and request.header.a exists',
    native: 'method == POST and request.header.a exists',
    head: ['path ~ /^\\/a/', 'host == h'],
    end: ['duration > 1s'],
    kinds: ['request'],
    sides: ['request'],
  });
  assert.equal(
    formatExplanation(explanation),
    [
      'expression               method == POST and path ~ /^\\/a/ and (host == h or duration > 1s) and request.header.a exists',
      'native, on the head      method == POST and request.header.a exists',
      'JavaScript, on the head  path ~ /^\\/a/, host == h',
      'JavaScript, at the end   duration > 1s',
      'matches                  requests',
    ].join('\n'),
  );
  assert.match(formatExplanation(explain('method == GET and status == 200')), /nothing, ever$/);
  const sidesOf = (match: string) => explain(match).sides;
  assert.deepEqual(sidesOf('head ~ /a/ and port == 1'), []);
  assert.deepEqual(sidesOf('response.head ~ /a/'), ['response']);
  assert.deepEqual(sidesOf('status == 200 and path == /a'), ['request', 'response']);
  assert.deepEqual(sidesOf('wait > 1s'), ['request', 'response']);
  assert.match(formatExplanation(explain({})), /^expression +everything\n/);
});
