/** Field lines (RFC 9112, 5; RFC 9110, 5). */
import { C, type Expected, get, head, ok, req, res, S, type WireCase } from './case.js';

/** A request with these field lines, as they are, and the fields that they are. */
const sent = (
  name: string,
  lines: string,
  headers: [string, string][],
  suspicious: Expected['suspicious'] = [],
): WireCase => ({
  name,
  turns: [C(`GET / HTTP/1.1\r\nHost: h\r\n${lines}\r\n`), S(ok())],
  messages: [{ ...req('GET /', { suspicious }), headers: [['Host', 'h'], ...headers] }, res(200)],
});

const many = Array.from({ length: 999 }, (_, i): [string, string] => [`X-${i}`, `value ${i}`]);

export const fields: WireCase[] = [
  sent('order and case are kept', 'b: 2\r\nA: 1\r\nB: 3\r\n', [
    ['b', '2'],
    ['A', '1'],
    ['B', '3'],
  ]),
  sent('no space, much space, tabs', 'A:1\r\nB: \t 2 \t\r\nC:\t3\r\n', [
    ['A', '1'],
    ['B', '2'],
    ['C', '3'],
  ]),
  sent('empty values', 'A:\r\nB: \r\nC:\t\r\n', [
    ['A', ''],
    ['B', ''],
    ['C', ''],
  ]),
  sent('space inside of a value stays', 'A: b  c\td\r\n', [['A', 'b  c\td']]),
  sent('colons in a value', 'A: b:c: d\r\nB::\r\n', [
    ['A', 'b:c: d'],
    ['B', ':'],
  ]),
  sent('every character of a token in a name', "!#$%&'*+-.^_`|~09azAZ: x\r\n", [["!#$%&'*+-.^_`|~09azAZ", 'x']]),
  sent('high bytes in a value', 'A: caf\xc3\xa9 \xff\xa0\r\n', [['A', 'caf\xc3\xa9 \xff\xa0']]),
  sent('high bytes in a name', 'A\xe9: b\r\n', [['A\xe9', 'b']], ['invalid-field-name']),
  sent('space in a name', 'A b: c\r\n', [['A b', 'c']], ['invalid-field-name']),
  sent('a control character in a name', 'A\x01: c\r\n', [['A\x01', 'c']], ['invalid-field-name', 'control-character']),
  sent('separators in a name', 'A(b)"@[]{}/=: c\r\n', [['A(b)"@[]{}/=', 'c']]),
  sent('NUL in a value', 'A: b\0c\r\n', [['A', 'b\0c']], ['control-character']),
  sent('a bell in a value', 'A: \x07\r\n', [['A', '\x07']], ['control-character']),
  sent('a bare CR in a value', 'A: b\rc\r\n', [['A', 'b\rc']], ['bare-cr']),
  sent('two CRs at the end of a line', 'A: b\r\r\n', [['A', 'b\r']], ['bare-cr']),
  sent(
    'bare LF',
    'A: b\nC: d\r\n',
    [
      ['A', 'b'],
      ['C', 'd'],
    ],
    ['bare-lf'],
  ),
  sent(
    'a folded value',
    'A: b\r\n c\r\n\t d\r\nE: f\r\n',
    [
      ['A', 'b c d'],
      ['E', 'f'],
    ],
    ['obs-fold'],
  ),
  sent('a value that begins on the next line', 'A:\r\n b\r\n', [['A', 'b']], ['obs-fold']),
  sent('a fold with a colon in it', 'A: b\r\n C: d\r\n', [['A', 'b C: d']], ['obs-fold']),
  sent(
    'a line of space only',
    'A: b\r\n  \r\nC: d\r\n',
    [
      ['A', 'b'],
      ['C', 'd'],
    ],
    ['obs-fold'],
  ),
  sent(
    'space before the colon',
    'A : b\r\nC\t: d\r\n',
    [
      ['A', 'b'],
      ['C', 'd'],
    ],
    ['space-before-colon'],
  ),
  sent('a line without a colon', 'nonsense\r\nA: b\r\n', [['A', 'b']], ['invalid-field-line']),
  sent('a line without a name', ': x\r\nA: b\r\n', [['A', 'b']], ['invalid-field-line']),
  sent(
    'a fold behind a line that is none',
    'A: b\r\nnonsense\r\n c\r\nD: e\r\n',
    [
      ['A', 'b'],
      ['D', 'e'],
    ],
    ['obs-fold', 'invalid-field-line'],
  ),
  {
    name: 'space before the first field',
    turns: [C('GET / HTTP/1.1\r\n X: y\r\nHost: h\r\n\r\n'), S(ok())],
    messages: [req('GET /', { suspicious: ['space-before-first-field'] }), res(200)],
  },
  {
    name: 'bare LF everywhere',
    turns: [C('GET / HTTP/1.1\nHost: h\n\n'), S('HTTP/1.1 200 OK\nContent-Length: 2\n\nok')],
    messages: [req('GET /', { suspicious: ['bare-lf'] }), res(200, { body: 'ok', suspicious: ['bare-lf'] })],
  },
  {
    name: 'bare LF only in the empty line',
    turns: [C('GET / HTTP/1.1\r\nHost: h\r\n\n'), S(ok())],
    messages: [req('GET /', { suspicious: ['bare-lf'] }), res(200)],
  },
  {
    name: 'bare LF only in the start line',
    turns: [C('GET / HTTP/1.1\nHost: h\r\n\r\n'), S(ok())],
    messages: [req('GET /', { suspicious: ['bare-lf'] }), res(200)],
  },
  {
    name: 'Set-Cookie stays apart',
    turns: [C(get()), S(head('HTTP/1.1 200 OK', 'Set-Cookie: a=1, b', 'Set-Cookie: c=2', 'Content-Length: 0'))],
    messages: [req('GET /'), res(200, { headers: ['Set-Cookie: a=1, b', 'Set-Cookie: c=2', 'Content-Length: 0'] })],
  },
  {
    name: '1000 fields',
    piece: 700,
    turns: [C(head('GET / HTTP/1.1', 'Host: h', ...many.map(([n, v]) => `${n}: ${v}`))), S(ok())],
    messages: [{ ...req('GET /'), headers: [['Host', 'h'], ...many] }, res(200)],
  },
  {
    name: 'a value of 100 KB',
    options: { maxHeadBytes: 200_000 },
    piece: 1400,
    turns: [C(get('/', `A: ${'x'.repeat(100_000)}`)), S(ok())],
    messages: [req('GET /', { headers: ['Host: h', `A: ${'x'.repeat(100_000)}`] }), res(200)],
  },
];
