/** Which response answers which request, when not everything is there, and finding the way back. */
import { answer, ask, C, fin, get, head, lose, ok, post, req, res, reset, S, type WireCase } from './case.js';

const partial = ['Host: h', 'Content-Length: 6'];
const v2 = (family: string, rest: string, command = '\x21') =>
  `\r\n\r\n\0\r\nQUIT\n${command}${family}${String.fromCharCode(rest.length >> 8, rest.length & 255)}${rest}`;
const v4 = '\x0a\x01\x02\x03\xc0\x00\x02\x07\xb7\x22\x01\xbb';

/** With Host more than 16. */
const tooMany = Array.from({ length: 16 }, (_, i) => `A${i}: b`);
const thousand = Array.from({ length: 1000 }, (_, i) => i);

export const pairing: WireCase[] = [
  {
    name: 'an answer before the request has ended',
    turns: [C(ask('Content-Length: 6'), 'abc'), S(head('HTTP/1.1 413 Large', 'Content-Length: 2'), 'no'), C('def')],
    messages: [req('POST /', { headers: partial, body: 'abcdef' }), res(413, { statusText: 'Large', body: 'no' })],
  },
  {
    name: 'an answer, and the request never ends',
    turns: [
      C(ask('Content-Length: 6'), 'abc'),
      S(head('HTTP/1.1 413 Large', 'Content-Length: 2'), 'no'),
      reset('client'),
    ],
    messages: [
      req('POST /', { headers: partial, body: 'abc', integrity: 'aborted' }),
      res(413, { statusText: 'Large', body: 'no' }),
    ],
  },
  { name: 'no answer at all', turns: [C(get()), fin('client')], messages: [req('GET /')] },
  { name: 'a reset instead of an answer', turns: [C(get()), reset('server')], messages: [req('GET /')] },
  {
    name: 'a response without a request',
    turns: [S(head('HTTP/1.1 408 Timeout', 'Content-Length: 0')), fin('server')],
    messages: [res(408, { statusText: 'Timeout', to: null })],
  },
  {
    name: 'one response too many',
    turns: [C(get()), S(ok('1'), ok('2'))],
    messages: [req('GET /'), res(200, { body: '1' }), res(200, { body: '2', to: null })],
  },
  {
    name: 'two requests, one answer',
    turns: [C(get('/1'), get('/2')), S(ok('1')), fin('server')],
    messages: [req('GET /1'), req('GET /2'), res(200, { body: '1' })],
  },
  {
    name: 'only requests',
    only: 'whole',
    midStream: true,
    turns: [C(get('/1')), C(get('/2')), C(post('x'))],
    messages: [req('GET /1'), req('GET /2'), req('POST /', { body: 'x' })],
  },
  {
    name: 'only responses',
    only: 'whole',
    midStream: true,
    turns: [S(ok('1')), S(ok('2'))],
    messages: [res(200, { body: '1', to: null }), res(200, { body: '2', to: null })],
  },
  {
    name: 'only responses, one to a HEAD',
    only: 'whole',
    midStream: true,
    turns: [S(answer('Content-Length: 100')), S(ok('2'))],
    messages: [res(200, { headers: ['Content-Length: 100'], to: null }), res(200, { body: '2', to: null })],
  },
  {
    name: 'only responses, one to a HEAD, chunked',
    only: 'whole',
    midStream: true,
    turns: [S(answer('Transfer-Encoding: chunked')), S(ok('2'))],
    messages: [res(200, { headers: ['Transfer-Encoding: chunked'], to: null }), res(200, { body: '2', to: null })],
  },
  {
    name: 'the body of a response whose request is known may be a response',
    turns: [C(get()), S(answer('Content-Length: 19')), S(head('HTTP/1.1 500 No'))],
    messages: [req('GET /'), res(200, { headers: ['Content-Length: 19'], body: head('HTTP/1.1 500 No') })],
  },
  {
    name: 'from the middle of a body',
    only: 'whole',
    midStream: true,
    turns: [S('end of a body'), C(get('/2')), S(ok('2'))],
    messages: [req('GET /2'), res(200, { body: '2' })],
  },
  {
    name: 'a request after an error',
    turns: [C('nonsense\r\n\r\n'), S(head('HTTP/1.1 400 No', 'Content-Length: 0')), C(get('/2')), S(ok('2'))],
    messages: [res(400, { statusText: 'No', to: null }), req('GET /2'), res(200, { body: '2', to: 0 })],
  },
  {
    name: 'garbage between requests',
    turns: [C(get('/1'), 'garbage\r\nmore garbage\r\n', get('/2')), S(ok('1'), ok('2'))],
    messages: [req('GET /1'), req('GET /2'), res(200, { body: '1' }), res(200, { body: '2' })],
  },
  {
    name: 'a body longer than said, in a response',
    turns: [C(get('/1')), S(answer('Content-Length: 2'), 'okay\r\n'), C(get('/2')), S(ok('2'))],
    messages: [
      req('GET /1'),
      res(200, { headers: ['Content-Length: 2'], body: 'ok' }),
      req('GET /2'),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'a lost piece of a body',
    only: 'whole',
    turns: [
      C(get('/1')),
      S(answer('Content-Length: 9'), 'abc'),
      lose('server', 'def'),
      S('ghi'),
      C(get('/2')),
      S(ok('2')),
    ],
    messages: [
      req('GET /1'),
      res(200, { headers: ['Content-Length: 9'], body: 'abc', integrity: 'gap' }),
      req('GET /2'),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'a lost piece of a head',
    only: 'whole',
    turns: [
      C(get('/1')),
      S('HTTP/1.1 200 OK\r\nA: b\r\nC'),
      lose('server', ': d\r\nContent-Length'),
      S(': 0\r\n\r\n'),
      C(get('/2')),
      S(ok('2')),
    ],
    messages: [
      req('GET /1'),
      res(200, { headers: ['A: b'], integrity: 'gap' }),
      req('GET /2'),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'a lost piece inside of a chunk',
    only: 'whole',
    turns: [
      C(get('/1')),
      S(answer('Transfer-Encoding: chunked'), '9\r\nabc'),
      lose('server', 'def'),
      S('ghi\r\n0\r\n\r\n'),
      C(get('/2')),
      S(ok('2')),
    ],
    messages: [
      req('GET /1'),
      res(200, { headers: ['Transfer-Encoding: chunked'], body: 'abc', integrity: 'gap' }),
      req('GET /2'),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'a lost answer',
    only: 'whole',
    turns: [C(get('/1')), lose('server', ok('1')), C(get('/2')), S(ok('2'))],
    messages: [req('GET /1'), req('GET /2'), res(200, { body: '2', to: 1 })],
  },
  {
    name: 'a PROXY header, version 1',
    proxied: ['10.1.2.3:46882', '192.0.2.7:443'],
    turns: [C('PROXY TCP4 10.1.2.3 192.0.2.7 46882 443\r\n', get()), S(ok())],
    messages: [req('GET /'), res(200)],
  },
  {
    name: 'a PROXY header in a packet of its own',
    proxied: ['2001:db8::1:80', '2001:db8::2:8080'],
    turns: [C('PROXY TCP6 2001:db8::1 2001:db8::2 80 8080\r\n'), C(get()), S(ok())],
    messages: [req('GET /'), res(200)],
  },
  {
    name: 'a PROXY header, UNKNOWN',
    turns: [C('PROXY UNKNOWN\r\n', get()), S(ok())],
    messages: [req('GET /'), res(200)],
  },
  {
    name: 'a PROXY header, version 2',
    proxied: ['10.1.2.3:46882', '192.0.2.7:443'],
    turns: [C(v2('\x11', v4), get()), S(ok())],
    messages: [req('GET /'), res(200)],
  },
  {
    name: 'a PROXY header, version 2, with extensions',
    proxied: ['10.1.2.3:46882', '192.0.2.7:443'],
    turns: [C(v2('\x11', `${v4}\x04\x00\x05GET /`), get()), S(ok())],
    messages: [req('GET /'), res(200)],
  },
  {
    name: 'a PROXY header, version 2, LOCAL',
    turns: [C(v2('\0', '', '\x20'), get()), S(ok())],
    messages: [req('GET /'), res(200)],
  },
  {
    name: 'a PROXY header, mid-stream, then any method',
    only: 'whole',
    midStream: true,
    proxied: ['10.1.2.3:1', '192.0.2.7:2'],
    turns: [C('PROXY TCP4 10.1.2.3 192.0.2.7 1 2\r\n', head('brew / HTTP/1.1', 'Host: h')), S(ok())],
    messages: [req('brew /'), res(200)],
  },
  {
    name: 'PROXY as a method',
    turns: [C(head('PROXY / HTTP/1.1', 'Host: h')), S(ok())],
    messages: [req('PROXY /'), res(200)],
  },
  {
    name: 'a head beyond maxHeadBytes is given up',
    options: { maxHeadBytes: 4096 },
    piece: 100,
    turns: [C(get('/1', `A: ${'x'.repeat(5000)}`)), C(get('/2')), S(ok('1'), ok('2'))],
    messages: [req('GET /2'), res(200, { body: '1', to: null }), res(200, { body: '2', to: 0 })],
  },
  {
    name: 'more fields than maxHeaders are given up',
    options: { maxHeaders: 16 },
    turns: [C(get('/1', ...tooMany), get('/2')), S(ok('1'), ok('2'))],
    messages: [req('GET /2'), res(200, { body: '1', to: null }), res(200, { body: '2', to: 0 })],
  },
  {
    name: 'a HEAD that is given up frames its response',
    options: { maxHeaders: 16 },
    turns: [
      C(head('HEAD /1 HTTP/1.1', 'Host: h', ...tooMany), get('/2')),
      S(answer('Content-Length: 9'), head('HTTP/1.1 500 No', 'Content-Length: 0')),
    ],
    messages: [
      req('GET /2'),
      res(200, { headers: ['Content-Length: 9'], to: null }),
      res(500, { statusText: 'No', to: 0 }),
    ],
  },
  {
    name: 'a response that is given up has answered its request',
    options: { maxHeaders: 16 },
    turns: [C(get('/1')), S(answer('Content-Length: 0', ...tooMany)), C(get('/2')), S(ok('2'))],
    messages: [req('GET /1'), req('GET /2'), res(200, { body: '2', to: 1 })],
  },
  {
    name: 'a thousand requests before the first response',
    piece: 1000,
    turns: [C(...thousand.map((i) => get(`/${i}`))), S(...thousand.map((i) => ok(`${i}`)))],
    messages: [
      ...thousand.map((i) => req(`GET /${i}`)),
      ...thousand.map((i) => res(200, { body: `${i}`, to: i < 1000 - 512 ? null : i })),
    ],
  },
  {
    name: 'lost requests among pipelined ones',
    only: 'whole',
    turns: [
      C(get('/1'), get('/2')),
      lose('client', get('/3')),
      C(get('/4')),
      S(ok('1'), ok('2'), ok('3'), ok('4')),
      C(get('/5')),
      S(ok('5')),
    ],
    messages: [
      req('GET /1'),
      req('GET /2'),
      req('GET /4'),
      res(200, { body: '1', to: 0 }),
      res(200, { body: '2', to: 1 }),
      res(200, { body: '3', to: null }),
      res(200, { body: '4', to: null }),
      req('GET /5'),
      res(200, { body: '5', to: 3 }),
    ],
  },
  {
    name: 'as many fields as maxHeaders are taken',
    options: { maxHeaders: 16 },
    turns: [C(get('/1', ...Array.from({ length: 15 }, (_, i) => `A${i}: b`))), S(ok('1'))],
    messages: [
      req('GET /1', { headers: ['Host: h', ...Array.from({ length: 15 }, (_, i) => `A${i}: b`)] }),
      res(200, { body: '1' }),
    ],
  },
];
