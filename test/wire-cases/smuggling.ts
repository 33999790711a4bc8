/** What request smuggling is made of: framing that receivers read differently (RFC 9112, 6 and 11.2). */
import { answer, ask, C, fin, get, head, ok, req, res, S, type WireCase } from './case.js';

const te = 'Transfer-Encoding: chunked';
const abc = '3\r\nabc\r\n0\r\n\r\n';

/** A request with these fields and this behind its head, then another one. */
const ofClient = (name: string, fields: string[], sent: string, details: Parameters<typeof req>[1]): WireCase => ({
  name,
  turns: [C(ask(...fields), sent, get('/2')), S(ok('1'), ok('2'))],
  messages: [
    req('POST /', { headers: ['Host: h', ...fields], ...details }),
    req('GET /2'),
    res(200, { body: '1' }),
    res(200, { body: '2' }),
  ],
});

export const smuggling: WireCase[] = [
  ofClient('CL.TE: chunked counts', ['Content-Length: 100', te], abc, {
    body: 'abc',
    suspicious: ['content-length-and-transfer-encoding'],
  }),
  ofClient('TE.CL: chunked counts', [te, 'Content-Length: 3'], abc, {
    body: 'abc',
    suspicious: ['content-length-and-transfer-encoding'],
  }),
  {
    name: 'CL.TE in a response',
    turns: [C(get('/1'), get('/2')), S(answer('Content-Length: 100', te), abc, ok('2'))],
    messages: [
      req('GET /1'),
      req('GET /2'),
      res(200, {
        headers: ['Content-Length: 100', te],
        body: 'abc',
        suspicious: ['content-length-and-transfer-encoding'],
      }),
      res(200, { body: '2' }),
    ],
  },
  ofClient('CL.CL: the first counts', ['Content-Length: 3', 'Content-Length: 5'], 'abc', {
    body: 'abc',
    suspicious: ['conflicting-content-length'],
  }),
  ofClient('CL.CL in a list', ['Content-Length: 3, 5'], 'abc', {
    body: 'abc',
    suspicious: ['conflicting-content-length'],
  }),
  ofClient('the same length twice', ['Content-Length: 3', 'Content-Length: 3'], 'abc', {
    body: 'abc',
    suspicious: ['repeated-content-length'],
  }),
  ofClient('the same length in a list', ['Content-Length: 3, 3'], 'abc', {
    body: 'abc',
    suspicious: ['repeated-content-length'],
  }),
  ofClient('a length with a sign', ['Content-Length: +3'], '', { suspicious: ['invalid-content-length'] }),
  ofClient('a negative length', ['Content-Length: -3'], '', { suspicious: ['invalid-content-length'] }),
  ofClient('a hexadecimal length', ['Content-Length: 0x3'], '', { suspicious: ['invalid-content-length'] }),
  ofClient('an empty length', ['Content-Length:'], '', { suspicious: ['invalid-content-length'] }),
  ofClient('a length of words', ['Content-Length: three'], '', { suspicious: ['invalid-content-length'] }),
  ofClient('a length with something behind', ['Content-Length: 3 4'], '', { suspicious: ['invalid-content-length'] }),
  ofClient('a length that overflows', ['Content-Length: 18446744073709551619'], '', {
    suspicious: ['invalid-content-length'],
  }),
  ofClient('an invalid length, then a valid one', ['Content-Length: x', 'Content-Length: 3'], 'abc', {
    body: 'abc',
    suspicious: ['invalid-content-length'],
  }),
  {
    name: 'a response with an invalid length ends with the connection',
    turns: [C(get()), S(answer('Content-Length: 3x'), 'abcdef'), fin('server')],
    messages: [
      req('GET /'),
      res(200, { headers: ['Content-Length: 3x'], body: 'abcdef', suspicious: ['invalid-content-length'] }),
    ],
  },
  ofClient('TE.TE: chunked twice', ['Transfer-Encoding: chunked, chunked'], abc, {
    body: 'abc',
    suspicious: ['unusual-transfer-encoding'],
  }),
  ofClient('TE.TE: two fields', [te, 'Transfer-Encoding: cow'], '', {
    suspicious: ['transfer-encoding-not-chunked', 'unusual-transfer-encoding'],
  }),
  ofClient('TE.TE: two fields, chunked last', ['Transfer-Encoding: cow', te], abc, {
    body: 'abc',
    suspicious: ['unusual-transfer-encoding'],
  }),
  ofClient('identity, chunked', ['Transfer-Encoding: identity, chunked'], abc, {
    body: 'abc',
    suspicious: ['unusual-transfer-encoding'],
  }),
  ofClient('identity is none', ['Transfer-Encoding: identity', 'Content-Length: 3'], 'abc', {
    body: 'abc',
    suspicious: ['content-length-and-transfer-encoding', 'transfer-encoding-not-chunked', 'unusual-transfer-encoding'],
  }),
  ofClient('xchunked', ['Transfer-Encoding: xchunked'], '', {
    suspicious: ['transfer-encoding-not-chunked', 'unusual-transfer-encoding'],
  }),
  ofClient('"chunked"', ['Transfer-Encoding: "chunked"'], '', {
    suspicious: ['transfer-encoding-not-chunked', 'unusual-transfer-encoding'],
  }),
  ofClient('chunked with a parameter', ['Transfer-Encoding: chunked;q=1'], abc, {
    body: 'abc',
    suspicious: ['unusual-transfer-encoding'],
  }),
  ofClient('chunked is not last', ['Transfer-Encoding: chunked, gzip'], '', {
    suspicious: ['transfer-encoding-not-chunked', 'unusual-transfer-encoding'],
  }),
  ofClient('gzip alone in a request', ['Transfer-Encoding: gzip'], '', {
    suspicious: ['transfer-encoding-not-chunked'],
  }),
  ofClient('an empty Transfer-Encoding', ['Transfer-Encoding:'], '', {
    suspicious: ['transfer-encoding-not-chunked', 'unusual-transfer-encoding'],
  }),
  {
    name: 'Transfer-Encoding in HTTP/1.0',
    turns: [C(head('POST / HTTP/1.0', te), abc), S(ok())],
    messages: [
      req('POST /', { httpVersion: '1.0', headers: [te], body: 'abc', suspicious: ['transfer-encoding-in-http-1.0'] }),
      res(200),
    ],
  },
  {
    name: 'space before the colon',
    turns: [C(head('POST / HTTP/1.1', 'Host: h', 'Transfer-Encoding : chunked'), abc, get('/2')), S(ok('1'), ok('2'))],
    messages: [
      req('POST /', { headers: ['Host: h', te], body: 'abc', suspicious: ['space-before-colon'] }),
      req('GET /2'),
      res(200, { body: '1' }),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'a vertical tab before chunked',
    turns: [C(ask('Transfer-Encoding: \x0bchunked'), get('/2')), S(ok('1'), ok('2'))],
    messages: [
      req('POST /', {
        headers: ['Host: h'],
        suspicious: ['transfer-encoding-not-chunked', 'unusual-transfer-encoding', 'control-character'],
      }),
      req('GET /2'),
      res(200, { body: '1' }),
      res(200, { body: '2' }),
    ],
  },
  ofClient('chunked on a folded line', ['Transfer-Encoding:\r\n chunked'], abc, {
    body: 'abc',
    suspicious: ['obs-fold'],
  }),
  {
    name: 'a field behind a bare LF',
    turns: [C('POST / HTTP/1.1\r\nHost: h\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n', abc), S(ok())],
    messages: [req('POST /', { headers: ['Host: h', 'X: y', te], body: 'abc', suspicious: ['bare-lf'] }), res(200)],
  },
  {
    name: 'a field behind a bare CR is not one',
    turns: [
      C('POST / HTTP/1.1\r\nHost: h\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n', get('/2')),
      S(ok('1'), ok('2')),
    ],
    messages: [
      req('POST /', { headers: ['Host: h', 'X: y\rTransfer-Encoding: chunked'], suspicious: ['bare-cr'] }),
      req('GET /2'),
      res(200, { body: '1' }),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'two Hosts',
    turns: [C(head('GET / HTTP/1.1', 'Host: a', 'Host: b')), S(ok())],
    messages: [req('GET /', { headers: ['Host: a', 'Host: b'], suspicious: ['repeated-host'] }), res(200)],
  },
  {
    name: 'no Host',
    turns: [C(head('GET / HTTP/1.1')), S(ok())],
    messages: [req('GET /', { headers: [], suspicious: ['missing-host'] }), res(200)],
  },
  {
    name: 'no Host in HTTP/1.0 is fine',
    turns: [C(head('GET / HTTP/1.0')), S(ok())],
    messages: [req('GET /', { httpVersion: '1.0', headers: [] }), res(200)],
  },
  {
    name: 'an empty Host is one',
    turns: [C(head('GET / HTTP/1.1', 'Host:')), S(ok())],
    messages: [req('GET /', { headers: ['Host:'] }), res(200)],
  },
];
// What the fold leaves is one space, and the control byte belongs to the value.
const folded = smuggling.find((one) => one.name === 'chunked on a folded line');
if (folded?.messages[0])
  folded.messages[0].headers = [
    ['Host', 'h'],
    ['Transfer-Encoding', 'chunked'],
  ];
const tabbed = smuggling.find((one) => one.name === 'a vertical tab before chunked');
if (tabbed?.messages[0])
  tabbed.messages[0].headers = [
    ['Host', 'h'],
    ['Transfer-Encoding', '\x0bchunked'],
  ];
