/** The object form means the same as an expression. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CaptureError } from '../lib/errors.js';
import { type Match, parseMatch } from '../lib/match/match.js';
import { parse } from '../lib/match/parser.js';
import { print } from '../lib/match/printer.js';

const equal: [match: Match, expression: string][] = [
  ['status == 4xx', 'status == 4xx'],
  [{ kind: 'request' }, 'request'],
  [{ kind: ['request', 'response'] }, 'kind in {request, response}'],
  [{ method: 'POST', path: '/api/*' }, 'method == POST and path == /api/*'],
  [{ method: ['GET', 'HEAD'], path: /^\/a/ }, 'method in {GET, HEAD} and path ~ /^\\/a/'],
  [{ path: ['/a', /b/i, '/c', /d/g] }, 'path in {/a, /c} or path ~ /b/i or path ~ /d/'],
  [{ path: '/a\\*\\b\\\\' }, 'path == "/a\\*\\\\b\\\\"'],
  [{ path: '/a*b**' }, 'path == /a*b**'],
  [{ path: '"', host: '' }, 'path == "\\"" and host == ""'],
  [{ host: '*.example.org' }, 'host == *.example.org'],
  [{ status: 401 }, 'status == 401'],
  [{ status: '4xx' }, 'status == 4xx'],
  [{ status: ['4xx', 503, '505..599'] }, 'status in {4xx, 503, 505..599}'],
  [
    { header: { Authorization: 'Bearer *', cookie: false, 'x-a': true } },
    'header.authorization == "Bearer *" and not header.cookie exists and header.x-a exists',
  ],
  [{ header: { 'odd name': [/x/, 'y'] } }, 'header["odd name"] == y or header["odd name"] ~ /x/'],
  [{ body: '*error*' }, 'body == *error*'],
  [{ method: undefined, status: 200, header: { a: undefined } }, 'status == 200'],
];

for (const [match, expression] of equal) {
  test(`${expression} as an object`, () => {
    const node = parseMatch(match);
    assert.deepEqual(node, parse(expression));
    assert.ok(node);
    assert.deepEqual(parse(print(node)), node);
  });
}

test('nothing asked for is no condition', () => {
  assert.equal(parseMatch({}), undefined);
  assert.equal(parseMatch({ path: undefined, header: {} }), undefined);
});

const mistakes: [match: unknown, message: RegExp][] = [
  [null, /match must be an expression/],
  [7, /match must be an expression/],
  [['a'], /match must be an expression/],
  [{ methods: 'GET' }, /match has no 'methods'\. Did you mean 'method'\?/],
  [{ constructor: 'GET' }, /match has no 'constructor'/],
  [{ colour: 1 }, /It has kind, method/],
  [{ kind: 'reply' }, /match\.kind must be one of request, response, or an array of them, not 'reply'/],
  [{ kind: /re/ }, /match\.kind must be one of/],
  [{ method: 7 }, /match\.method must be a string or a RegExp/],
  [{ path: [] }, /match\.path must not be an empty array/],
  [{ path: /a/y }, /must not be a sticky RegExp/],
  [{ status: 2000 }, /match\.status must be a status code or class/],
  [{ status: 200.5 }, /match\.status must be/],
  [{ status: /2/ }, /match\.status must be/],
  [{ status: null }, /match\.status must be/],
  [{ header: 'authorization' }, /match\.header must be an object/],
  [{ header: ['a'] }, /match\.header must be an object/],
  [{ header: { '': 'a' } }, /match\.header must have names/],
  [{ header: { a: 7 } }, /match\.header\['a'\] must be a string or a RegExp/],
];

for (const [match, message] of mistakes) {
  test(`a mistake is told: ${message}`, () => {
    assert.throws(
      () => parseMatch(match as Match),
      (error) => error instanceof CaptureError && error.code === 'ERR_OPTION' && message.test(error.message),
    );
  });
}
