/** Content-Length, bodies that end with the connection, pipelining, HTTP/1.0 (RFC 9112, 6 and 9). */
import { answer, ask, C, fin, get, head, ok, post, req, res, reset, S, type WireCase } from './case.js';

const all256 = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('');

export const framing: WireCase[] = [
  {
    name: 'a request and its response',
    turns: [C(get('/a')), S(ok('hello'))],
    messages: [req('GET /a'), res(200, { body: 'hello' })],
  },
  {
    name: 'a body of length 0',
    turns: [C(ask('Content-Length: 0')), S(ok())],
    messages: [req('POST /', { headers: ['Host: h', 'Content-Length: 0'] }), res(200)],
  },
  {
    name: 'a body of every byte',
    turns: [C(post(all256)), S(ok(all256))],
    messages: [req('POST /', { body: all256 }), res(200, { body: all256 })],
  },
  {
    name: 'a body that looks like messages',
    turns: [C(post('GET /no HTTP/1.1\r\n\r\n')), S(ok('HTTP/1.1 500 No\r\n\r\n'))],
    messages: [req('POST /', { body: 'GET /no HTTP/1.1\r\n\r\n' }), res(200, { body: 'HTTP/1.1 500 No\r\n\r\n' })],
  },
  {
    name: 'keep-alive: three exchanges',
    turns: [C(get('/1')), S(ok('1')), C(get('/2')), S(ok('22')), C(get('/3')), S(ok('333'))],
    messages: [
      req('GET /1'),
      res(200, { body: '1' }),
      req('GET /2'),
      res(200, { body: '22' }),
      req('GET /3'),
      res(200, { body: '333' }),
    ],
  },
  {
    name: 'pipelined requests',
    turns: [C(get('/1'), get('/2'), get('/3')), S(ok('1'), ok('2'), ok('3'))],
    messages: [
      req('GET /1'),
      req('GET /2'),
      req('GET /3'),
      res(200, { body: '1' }),
      res(200, { body: '2' }),
      res(200, { body: '3' }),
    ],
  },
  {
    name: 'pipelined requests with bodies',
    turns: [C(post('abc'), post('de'), get('/x')), S(ok(), ok(), ok())],
    messages: [
      req('POST /', { body: 'abc' }),
      req('POST /', { body: 'de' }),
      req('GET /x'),
      res(200),
      res(200),
      res(200),
    ],
  },
  {
    name: 'pipelining that overlaps with answers',
    turns: [C(get('/1'), get('/2')), S(ok('1')), C(get('/3')), S(ok('2'), ok('3'))],
    messages: [
      req('GET /1'),
      req('GET /2'),
      res(200, { body: '1' }),
      req('GET /3'),
      res(200, { body: '2' }),
      res(200, { body: '3' }),
    ],
  },
  {
    name: 'a response until the end of the connection',
    turns: [C(get()), S(answer('Server: s'), 'all of it'), fin('server')],
    messages: [req('GET /'), res(200, { headers: ['Server: s'], body: 'all of it' })],
  },
  {
    name: 'an empty response until the end',
    turns: [C(get()), S(answer('Server: s')), fin('server')],
    messages: [req('GET /'), res(200, { headers: ['Server: s'] })],
  },
  {
    name: 'until the end, by reset',
    turns: [C(get()), S(answer('Server: s'), 'part'), reset('server')],
    messages: [req('GET /'), res(200, { headers: ['Server: s'], body: 'part', integrity: 'aborted' })],
  },
  {
    name: 'until the end of the capture',
    open: true,
    turns: [C(get()), S(answer('Server: s'), 'part')],
    messages: [req('GET /'), res(200, { headers: ['Server: s'], body: 'part', integrity: 'truncated' })],
  },
  {
    name: 'a request without length has no body',
    turns: [C(ask('X: y'), get('/2')), S(ok(), ok())],
    messages: [req('POST /', { headers: ['Host: h', 'X: y'] }), req('GET /2'), res(200), res(200)],
  },
  {
    name: 'GET with a body',
    turns: [C(get('/', 'Content-Length: 3'), 'abc', get('/2')), S(ok(), ok())],
    messages: [req('GET /', { body: 'abc' }), req('GET /2'), res(200), res(200)],
  },
  {
    name: 'Content-Length in any case, with space around',
    turns: [C(get()), S(answer('cONTENT-lENGTH:\t 3 \t'), 'abc')],
    messages: [req('GET /'), res(200, { headers: ['cONTENT-lENGTH: 3'], body: 'abc' })],
  },
  {
    name: 'Content-Length with leading zeros',
    turns: [C(get()), S(answer('Content-Length: 0003'), 'abc')],
    messages: [req('GET /'), res(200, { headers: ['Content-Length: 0003'], body: 'abc' })],
  },
  {
    name: 'a body cut short by FIN',
    turns: [C(get()), S(answer('Content-Length: 10'), 'abc'), fin('server')],
    messages: [req('GET /'), res(200, { headers: ['Content-Length: 10'], body: 'abc', integrity: 'aborted' })],
  },
  {
    name: 'a request cut short by FIN',
    turns: [C(ask('Content-Length: 10'), 'abc'), fin('client')],
    messages: [req('POST /', { headers: ['Host: h', 'Content-Length: 10'], body: 'abc', integrity: 'aborted' })],
  },
  {
    name: 'a head cut short by FIN',
    turns: [C('GET /a HTTP/1.1\r\nHost: h\r\nAcce'), fin('client')],
    messages: [req('GET /a', { integrity: 'aborted' })],
  },
  {
    name: 'a body cut short by the end of the capture',
    open: true,
    turns: [C(get()), S(answer('Content-Length: 10'), 'abc')],
    messages: [req('GET /'), res(200, { headers: ['Content-Length: 10'], body: 'abc', integrity: 'truncated' })],
  },
  {
    name: 'HTTP/1.0, closed',
    turns: [C(head('GET / HTTP/1.0')), S(head('HTTP/1.0 200 OK'), 'old'), fin('server')],
    messages: [
      req('GET /', { httpVersion: '1.0', headers: [] }),
      res(200, { httpVersion: '1.0', headers: [], body: 'old' }),
    ],
  },
  {
    name: 'HTTP/1.0 keep-alive',
    turns: [
      C(head('GET /1 HTTP/1.0', 'Connection: keep-alive')),
      S(head('HTTP/1.0 200 OK', 'Connection: keep-alive', 'Content-Length: 1'), '1'),
      C(head('GET /2 HTTP/1.0', 'Connection: keep-alive')),
      S(head('HTTP/1.0 200 OK', 'Connection: keep-alive', 'Content-Length: 1'), '2'),
    ],
    messages: ['1', '2'].flatMap((n) => [
      req(`GET /${n}`, { httpVersion: '1.0', headers: ['Connection: keep-alive'] }),
      res(200, { httpVersion: '1.0', headers: ['Connection: keep-alive', 'Content-Length: 1'], body: n }),
    ]),
  },
  {
    name: 'an HTTP/1.0 answer to an HTTP/1.1 request',
    turns: [C(get()), S(head('HTTP/1.0 200 OK', 'Content-Length: 2'), 'ok')],
    messages: [req('GET /'), res(200, { httpVersion: '1.0', body: 'ok' })],
  },
  {
    name: 'Connection: close in the middle is no end',
    turns: [C(get('/1', 'Connection: close')), S(ok('1')), C(get('/2')), S(ok('2'))],
    messages: [
      req('GET /1', { headers: ['Host: h', 'Connection: close'] }),
      res(200, { body: '1' }),
      req('GET /2'),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'empty lines between messages',
    turns: [C('\r\n\r\n', get('/1'), '\r\n', get('/2')), S(ok('1'), '\r\n', ok('2'))],
    messages: [req('GET /1'), req('GET /2'), res(200, { body: '1' }), res(200, { body: '2' })],
  },
  {
    name: 'the client ends first, the answer still comes',
    turns: [C(get()), fin('client'), S(ok('late'))],
    messages: [req('GET /'), res(200, { body: 'late' })],
  },
  {
    name: 'a response in which a body begins in the packet of the head',
    turns: [C(get()), S(answer('Content-Length: 6'), 'abc'), S('def')],
    messages: [req('GET /'), res(200, { body: 'abcdef' })],
  },
  {
    name: 'multipart/byteranges is framed like anything else',
    turns: [
      C(get()),
      S(
        head('HTTP/1.1 206 Partial Content', 'Content-Type: multipart/byteranges; boundary=x', 'Content-Length: 10'),
        '--x\r\n\r\nab\r',
      ),
    ],
    messages: [
      req('GET /'),
      res(206, {
        statusText: 'Partial Content',
        headers: ['Content-Type: multipart/byteranges; boundary=x', 'Content-Length: 10'],
        body: '--x\r\n\r\nab\r',
      }),
    ],
  },
];
