/** Responses whose framing depends on the status or the request (RFC 9112, 6.3; RFC 9110, 9.3.6, 15.2 to 15.4). */
import { answer, ask, C, fin, get, head, ok, post, req, res, S, type WireCase } from './case.js';

const upgrade = ['Connection: upgrade', 'Upgrade: websocket'];
const continued = head('HTTP/1.1 100 Continue');
const expecting = ['Host: h', 'Expect: 100-continue', 'Content-Length: 3'];
const isContinued = { statusText: 'Continue', interim: true, headers: [] };

export const bodiless: WireCase[] = [
  {
    name: 'HEAD',
    turns: [C(head('HEAD / HTTP/1.1', 'Host: h')), S(answer('Content-Length: 100')), C(get('/2')), S(ok('2'))],
    messages: [req('HEAD /'), res(200, { headers: ['Content-Length: 100'] }), req('GET /2'), res(200, { body: '2' })],
  },
  {
    name: 'HEAD, chunked',
    turns: [C(head('HEAD / HTTP/1.1', 'Host: h'), get('/2')), S(answer('Transfer-Encoding: chunked'), ok('2'))],
    messages: [
      req('HEAD /'),
      req('GET /2'),
      res(200, { headers: ['Transfer-Encoding: chunked'] }),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'HEAD, no length',
    turns: [C(head('HEAD / HTTP/1.1', 'Host: h'), get('/2')), S(answer('A: b'), ok('2'))],
    messages: [req('HEAD /'), req('GET /2'), res(200, { headers: ['A: b'] }), res(200, { body: '2' })],
  },
  {
    name: 'head in lower case is another method',
    turns: [C(head('head / HTTP/1.1', 'Host: h')), S(ok('body'))],
    messages: [req('head /'), res(200, { body: 'body' })],
  },
  ...[
    [204, 'No Content'],
    [304, 'Not Modified'],
  ].flatMap(
    ([status, text]) =>
      [
        {
          name: `${status} without a length`,
          turns: [C(get('/1'), get('/2')), S(head(`HTTP/1.1 ${status} ${text}`), ok('2'))],
          messages: [
            req('GET /1'),
            req('GET /2'),
            res(Number(status), { statusText: String(text), headers: [] }),
            res(200, { body: '2' }),
          ],
        },
        {
          name: `${status} with a length`,
          turns: [C(get('/1'), get('/2')), S(head(`HTTP/1.1 ${status} ${text}`, 'Content-Length: 9'), ok('2'))],
          messages: [
            req('GET /1'),
            req('GET /2'),
            res(Number(status), {
              statusText: String(text),
              headers: ['Content-Length: 9'],
              suspicious: status === 204 ? ['framing-of-bodiless-response'] : [],
            }),
            res(200, { body: '2' }),
          ],
        },
        {
          name: `${status} with length 0`,
          turns: [C(get('/1'), get('/2')), S(head(`HTTP/1.1 ${status} ${text}`, 'Content-Length: 0'), ok('2'))],
          messages: [
            req('GET /1'),
            req('GET /2'),
            res(Number(status), { statusText: String(text) }),
            res(200, { body: '2' }),
          ],
        },
        {
          name: `${status} with chunked`,
          turns: [
            C(get('/1'), get('/2')),
            S(head(`HTTP/1.1 ${status} ${text}`, 'Transfer-Encoding: chunked'), ok('2')),
          ],
          messages: [
            req('GET /1'),
            req('GET /2'),
            res(Number(status), {
              statusText: String(text),
              headers: ['Transfer-Encoding: chunked'],
              suspicious: status === 204 ? ['framing-of-bodiless-response'] : [],
            }),
            res(200, { body: '2' }),
          ],
        },
      ] as WireCase[],
  ),
  {
    name: '205 with length 0',
    turns: [C(get('/1'), get('/2')), S(head('HTTP/1.1 205 Reset Content', 'Content-Length: 0'), ok('2'))],
    messages: [req('GET /1'), req('GET /2'), res(205, { statusText: 'Reset Content' }), res(200, { body: '2' })],
  },
  {
    name: '205 without a length, framed as any other',
    turns: [C(get('/1')), S(head('HTTP/1.1 205 Reset Content'), 'until the end')],
    messages: [req('GET /1'), res(205, { statusText: 'Reset Content', headers: [], body: 'until the end' })],
  },
  {
    name: '205, chunked and empty',
    turns: [
      C(get('/1'), get('/2')),
      S(head('HTTP/1.1 205 Reset Content', 'Transfer-Encoding: chunked'), '0\r\n\r\n', ok('2')),
    ],
    messages: [
      req('GET /1'),
      req('GET /2'),
      res(205, { statusText: 'Reset Content', headers: ['Transfer-Encoding: chunked'] }),
      res(200, { body: '2' }),
    ],
  },
  {
    name: '100, then the answer',
    turns: [C(ask('Expect: 100-continue', 'Content-Length: 3')), S(continued), C('abc'), S(ok('done'))],
    messages: [
      req('POST /', { headers: ['Host: h', 'Expect: 100-continue', 'Content-Length: 3'], body: 'abc' }),
      res(100, isContinued),
      res(200, { body: 'done' }),
    ],
  },
  {
    name: 'Expect, refused',
    turns: [
      C(ask('Expect: 100-continue', 'Content-Length: 3')),
      S(head('HTTP/1.1 417 No', 'Content-Length: 0')),
      fin('client'),
    ],
    messages: [req('POST /', { headers: expecting }), res(417, { statusText: 'No' })],
  },
  {
    name: 'Expect, refused, then the next request',
    turns: [
      C(ask('Expect: 100-continue', 'Content-Length: 3')),
      S(head('HTTP/1.1 417 No', 'Content-Length: 0')),
      C(get('/2')),
      S(ok('2')),
    ],
    messages: [
      req('POST /', { headers: expecting }),
      res(417, { statusText: 'No' }),
      req('GET /2'),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'Expect, chunked, refused, then the next requests',
    turns: [
      C(ask('Expect: 100-Continue', 'Transfer-Encoding: chunked')),
      S(head('HTTP/1.1 401 Who?', 'Content-Length: 0')),
      C(get('/2'), post('xyz')),
      S(ok('2'), ok('3')),
    ],
    messages: [
      req('POST /', { headers: ['Host: h', 'Expect: 100-Continue', 'Transfer-Encoding: chunked'] }),
      res(401, { statusText: 'Who?' }),
      req('GET /2'),
      req('POST /', { body: 'xyz' }),
      res(200, { body: '2' }),
      res(200, { body: '3' }),
    ],
  },
  {
    name: 'Expect, refused, and the body comes all the same',
    turns: [
      C(ask('Expect: 100-continue', 'Content-Length: 8')),
      S(head('HTTP/1.1 417 No', 'Content-Length: 0')),
      C('GET / or'),
      C(get('/2')),
      S(ok('2')),
    ],
    messages: [
      req('POST /', { headers: ['Host: h', 'Expect: 100-continue', 'Content-Length: 8'], body: 'GET / or' }),
      res(417, { statusText: 'No' }),
      req('GET /2'),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'Expect, answered while the body is on its way',
    turns: [
      C(ask('Expect: 100-continue', `Content-Length: ${get('/no').length + 1}`), 'a'),
      S(head('HTTP/1.1 417 No', 'Content-Length: 0')),
      C(get('/no')),
      C(get('/2')),
      S(ok('2')),
    ],
    messages: [
      req('POST /', {
        headers: ['Host: h', 'Expect: 100-continue', `Content-Length: ${get('/no').length + 1}`],
        body: `a${get('/no')}`,
      }),
      res(417, { statusText: 'No' }),
      req('GET /2'),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'Expect, continued, then refused: the body comes',
    turns: [
      C(ask('Expect: 100-continue', `Content-Length: ${get('/no').length}`)),
      S(continued, head('HTTP/1.1 413 Large', 'Content-Length: 0')),
      C(get('/no')),
      C(get('/2')),
      S(ok('2')),
    ],
    messages: [
      req('POST /', {
        headers: ['Host: h', 'Expect: 100-continue', `Content-Length: ${get('/no').length}`],
        body: get('/no'),
      }),
      res(100, isContinued),
      res(413, { statusText: 'Large' }),
      req('GET /2'),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'Expect, not waited for',
    turns: [C(ask('Expect: 100-continue', 'Content-Length: 3'), 'abc'), S(continued, ok())],
    messages: [
      req('POST /', { headers: ['Host: h', 'Expect: 100-continue', 'Content-Length: 3'], body: 'abc' }),
      res(100, isContinued),
      res(200),
    ],
  },
  {
    name: '102, 103, 103, then the answer',
    turns: [
      C(get()),
      S(head('HTTP/1.1 102 Processing')),
      S(head('HTTP/1.1 103 Early Hints', 'Link: </a>'), head('HTTP/1.1 103 Early Hints', 'Link: </b>'), ok('x')),
    ],
    messages: [
      req('GET /'),
      res(102, { statusText: 'Processing', interim: true, headers: [] }),
      res(103, { statusText: 'Early Hints', interim: true, headers: ['Link: </a>'] }),
      res(103, { statusText: 'Early Hints', interim: true, headers: ['Link: </b>'] }),
      res(200, { body: 'x' }),
    ],
  },
  {
    name: 'interim responses to pipelined requests',
    turns: [C(get('/1'), get('/2')), S(continued, ok('1'), continued, ok('2'))],
    messages: [
      req('GET /1'),
      req('GET /2'),
      res(100, isContinued),
      res(200, { body: '1' }),
      res(100, { ...isContinued, to: 1 }),
      res(200, { body: '2' }),
    ],
  },
  {
    name: 'a 1xx of no known number',
    turns: [C(get()), S(head('HTTP/1.1 199 Odd'), ok())],
    messages: [req('GET /'), res(199, { statusText: 'Odd', interim: true, headers: [] }), res(200)],
  },
  {
    name: 'a 1xx that frames a body',
    turns: [C(get()), S(head('HTTP/1.1 103 Early Hints', 'Content-Length: 5'), ok())],
    messages: [
      req('GET /'),
      res(103, {
        statusText: 'Early Hints',
        interim: true,
        headers: ['Content-Length: 5'],
        suspicious: ['framing-of-bodiless-response'],
      }),
      res(200),
    ],
  },
  {
    name: '101: what follows is not HTTP/1',
    turns: [
      C(get('/ws', ...upgrade)),
      S(head('HTTP/1.1 101 Switching Protocols', ...upgrade), '\x81\x02hi', ok('no')),
      C('\x81\x82abcd', get('/no')),
    ],
    messages: [
      req('GET /ws', { headers: ['Host: h', ...upgrade] }),
      res(101, { statusText: 'Switching Protocols', headers: upgrade }),
    ],
  },
  {
    name: 'an upgrade that was not taken',
    turns: [C(get('/ws', ...upgrade)), S(ok('no')), C(get('/2')), S(ok('2'))],
    messages: [
      req('GET /ws', { headers: ['Host: h', ...upgrade] }),
      res(200, { body: 'no' }),
      req('GET /2'),
      res(200, { body: '2' }),
    ],
  },
  {
    name: '101 behind another exchange',
    turns: [
      C(get('/1')),
      S(ok('1')),
      C(get('/ws', ...upgrade)),
      S(head('HTTP/1.1 101 Switching Protocols', ...upgrade)),
      C(get('/no')),
    ],
    messages: [
      req('GET /1'),
      res(200, { body: '1' }),
      req('GET /ws', { headers: ['Host: h', ...upgrade] }),
      res(101, { statusText: 'Switching Protocols', headers: upgrade }),
    ],
  },
  {
    name: 'CONNECT and its tunnel',
    turns: [
      C(head('CONNECT a.example:443 HTTP/1.1', 'Host: a.example:443')),
      S(head('HTTP/1.1 200 Connection established')),
      C(get('/no')),
      S(ok('no')),
    ],
    messages: [
      req('CONNECT a.example:443', { headers: ['Host: a.example:443'] }),
      res(200, { statusText: 'Connection established', headers: [] }),
    ],
  },
  {
    name: 'CONNECT, any 2xx',
    turns: [C(head('CONNECT a:1 HTTP/1.1', 'Host: a:1')), S(head('HTTP/1.1 204 Yes'), '\x16\x03\x01'), C(get('/no'))],
    messages: [req('CONNECT a:1', { headers: ['Host: a:1'] }), res(204, { statusText: 'Yes', headers: [] })],
  },
  {
    name: 'CONNECT, a length in the answer does not count',
    turns: [
      C(head('CONNECT a:1 HTTP/1.1', 'Host: a:1')),
      S(head('HTTP/1.1 200 Yes', 'Content-Length: 5'), 'hello'),
      C('x'),
    ],
    messages: [
      req('CONNECT a:1', { headers: ['Host: a:1'] }),
      res(200, { statusText: 'Yes', headers: ['Content-Length: 5'], suspicious: ['framing-of-bodiless-response'] }),
    ],
  },
  {
    name: 'CONNECT, refused',
    turns: [
      C(head('CONNECT a:1 HTTP/1.1', 'Host: a:1')),
      S(head('HTTP/1.1 407 Who?', 'Content-Length: 2'), 'no'),
      C(head('CONNECT a:1 HTTP/1.1', 'Host: a:1', 'Proxy-Authorization: x')),
      S(head('HTTP/1.1 200 Yes')),
      C(get('/no')),
    ],
    messages: [
      req('CONNECT a:1', { headers: ['Host: a:1'] }),
      res(407, { statusText: 'Who?', body: 'no' }),
      req('CONNECT a:1', { headers: ['Host: a:1', 'Proxy-Authorization: x'] }),
      res(200, { statusText: 'Yes', headers: [] }),
    ],
  },
];
