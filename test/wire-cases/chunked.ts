/** The chunked transfer coding (RFC 9112, 7.1). */
import { answer, ask, C, fin, get, head, ok, req, res, S, type WireCase } from './case.js';

const te = 'Transfer-Encoding: chunked';
const ofServer = (name: string, chunks: string, details: Parameters<typeof res>[1] = {}): WireCase => ({
  name,
  turns: [C(get()), S(answer(te), chunks)],
  messages: [req('GET /'), res(200, { headers: [te], ...details })],
});

export const chunked: WireCase[] = [
  ofServer('one chunk', '3\r\nabc\r\n0\r\n\r\n', { body: 'abc' }),
  ofServer('several chunks', '3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n', { body: 'abcd' }),
  ofServer('no chunk at all', '0\r\n\r\n'),
  ofServer('sizes in either case', `a\r\n${'x'.repeat(10)}\r\nB\r\n${'y'.repeat(11)}\r\n0\r\n\r\n`, {
    body: `${'x'.repeat(10)}${'y'.repeat(11)}`,
  }),
  ofServer('leading zeros', '0003\r\nabc\r\n0000000000000000000003\r\ndef\r\n000\r\n\r\n', { body: 'abcdef' }),
  ofServer('data that looks like chunks', '5\r\n0\r\n\r\n\r\n0\r\n\r\n', { body: '0\r\n\r\n' }),
  ofServer('extensions', '3;a\r\nabc\r\n3;b=c;d="e;f"\r\ndef\r\n0;last\r\n\r\n', { body: 'abcdef' }),
  ofServer('trailers', '3\r\nabc\r\n0\r\nX-Sum: 7\r\nX-Two: \r\n\r\n', {
    body: 'abc',
    trailers: ['X-Sum: 7', 'X-Two:'],
  }),
  ofServer('repeated trailers', '0\r\nA: 1\r\na: 2\r\n\r\n', { trailers: ['A: 1', 'a: 2'] }),
  ofServer('a folded trailer', '0\r\nA: 1\r\n 2\r\n\r\n', { trailers: ['A: 1 2'], suspicious: ['obs-fold'] }),
  ofServer('a trailer line that is none', '0\r\nA: 1\r\nnonsense\r\n\r\n', {
    trailers: ['A: 1'],
    suspicious: ['invalid-field-line'],
  }),
  ofServer('bare LF behind the size', '3\nabc\r\n0\r\n\r\n', { body: 'abc', suspicious: ['chunk-bare-lf'] }),
  ofServer('bare LF behind the data', '3\r\nabc\n0\r\n\r\n', { body: 'abc', suspicious: ['chunk-bare-lf'] }),
  ofServer('bare LF everywhere', '3\nabc\n0\n\n', { body: 'abc', suspicious: ['bare-lf', 'chunk-bare-lf'] }),
  ofServer('space behind the size', '3  \r\nabc\r\n0\r\n\r\n', {
    body: 'abc',
    suspicious: ['invalid-chunk-extension'],
  }),
  ofServer('a bare CR in an extension', '3;a\rb\r\nabc\r\n0\r\n\r\n', {
    body: 'abc',
    suspicious: ['invalid-chunk-extension'],
  }),
  ofServer('something behind the size', '3xyz\r\nabc\r\n0\r\n\r\n', {
    body: 'abc',
    suspicious: ['invalid-chunk-size'],
  }),
  ofServer('space before the size', ' 3\r\nabc\r\n0\r\n\r\n', { body: 'abc', suspicious: ['invalid-chunk-size'] }),
  ofServer('a size with 0x', '0x3\r\nabc\r\n0\r\n\r\n', { integrity: 'aborted', suspicious: ['invalid-chunk-size'] }),
  ofServer('a size with a sign', '+3\r\nabc\r\n0\r\n\r\n', {
    integrity: 'aborted',
    suspicious: ['invalid-chunk-size'],
  }),
  ofServer('a size that overflows 64 bits', '10000000000000003\r\nabc\r\n0\r\n\r\n', {
    integrity: 'aborted',
    suspicious: ['invalid-chunk-size'],
  }),
  ofServer('no size', '\r\nabc\r\n0\r\n\r\n', { integrity: 'aborted', suspicious: ['invalid-chunk-size'] }),
  ofServer('more data than the size', '3\r\nabcd\r\n0\r\n\r\n', {
    body: 'abc',
    integrity: 'aborted',
    suspicious: ['invalid-chunk-end'],
  }),
  {
    name: 'a chunked request',
    turns: [C(ask(te), '3\r\nabc\r\n0\r\n\r\n', get('/2')), S(ok(), ok())],
    messages: [req('POST /', { headers: ['Host: h', te], body: 'abc' }), req('GET /2'), res(200), res(200)],
  },
  {
    name: 'a chunked response and the next',
    turns: [C(get('/1'), get('/2')), S(answer(te), '3\r\nabc\r\n0\r\nT: 1\r\n\r\n', ok('2'))],
    messages: [
      req('GET /1'),
      req('GET /2'),
      res(200, { headers: [te], body: 'abc', trailers: ['T: 1'] }),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'chunked, in any case',
    turns: [C(get()), S(answer('transfer-encoding:CHUNKED'), '3\r\nabc\r\n0\r\n\r\n')],
    messages: [req('GET /'), res(200, { headers: ['transfer-encoding: CHUNKED'], body: 'abc' })],
  },
  {
    name: 'gzip, chunked: the other coding is left',
    turns: [C(get()), S(answer('Transfer-Encoding: gzip, chunked'), '3\r\nabc\r\n0\r\n\r\n')],
    messages: [req('GET /'), res(200, { headers: ['Transfer-Encoding: gzip, chunked'], body: 'abc' })],
  },
  {
    name: 'gzip alone ends with the connection',
    turns: [C(get()), S(answer('Transfer-Encoding: gzip'), 'abc'), fin('server')],
    messages: [req('GET /'), res(200, { headers: ['Transfer-Encoding: gzip'], body: 'abc' })],
  },
  {
    name: 'cut short in a chunk',
    turns: [C(get()), S(answer(te), '5\r\nab'), fin('server')],
    messages: [req('GET /'), res(200, { headers: [te], body: 'ab', integrity: 'aborted' })],
  },
  {
    name: 'cut short between chunks',
    turns: [C(get()), S(answer(te), '2\r\nab\r\n'), fin('server')],
    messages: [req('GET /'), res(200, { headers: [te], body: 'ab', integrity: 'aborted' })],
  },
  {
    name: 'cut short in the trailers',
    turns: [C(get()), S(answer(te), '2\r\nab\r\n0\r\nX: 1\r\n'), fin('server')],
    messages: [req('GET /'), res(200, { headers: [te], body: 'ab', integrity: 'aborted' })],
  },
  {
    name: 'after a broken chunk the next response is found',
    turns: [C(get('/1')), S(answer(te), 'zz\r\n'), C(get('/2')), S(ok('2'))],
    messages: [
      req('GET /1'),
      res(200, { headers: [te], integrity: 'aborted', suspicious: ['invalid-chunk-size'] }),
      req('GET /2'),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'after a broken chunk the next request is found',
    turns: [C(ask(te), 'zz\r\n', get('/2')), S(head('HTTP/1.1 400 No', 'Content-Length: 0'), ok('2'))],
    messages: [
      req('POST /', { headers: ['Host: h', te], integrity: 'aborted', suspicious: ['invalid-chunk-size'] }),
      req('GET /2'),
      res(400, { statusText: 'No' }),
      res(200, { body: '2' }),
    ],
  },
];
