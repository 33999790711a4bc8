/** Request lines, status lines, and what is not one (RFC 9112, 3 and 4). */
import { answer, C, get, head, ok, req, res, S, type WireCase } from './case.js';

const requestLine = (
  name: string,
  line: string,
  request: string,
  details: Parameters<typeof req>[1] = {},
): WireCase => ({
  name,
  turns: [C(head(line, 'Host: h')), S(ok())],
  messages: [req(request, details), res(200)],
});
const statusLine = (name: string, line: string, status: number, details: Parameters<typeof res>[1] = {}): WireCase => ({
  name,
  turns: [C(get()), S(head(line, 'Content-Length: 2'), 'ok')],
  messages: [req('GET /'), res(status, { body: 'ok', ...details })],
});
/** Nothing of it is HTTP. */
const notHttp = (name: string, client: string, server: string): WireCase => ({
  name,
  turns: [C(client), S(server)],
  messages: [],
});

const long = `/${'a'.repeat(100_000)}`;

export const startLines: WireCase[] = [
  ...[
    'GET',
    'PUT',
    'DELETE',
    'OPTIONS',
    'TRACE',
    'PATCH',
    'PROPFIND',
    'M-SEARCH',
    'VERSION-CONTROL',
    'get',
    'X',
    "!#$%&'*+-.^_`|~1",
    'A'.repeat(60),
  ].map((method) => requestLine(`method ${method}`, `${method} / HTTP/1.1`, `${method} /`)),
  requestLine('absolute-form', 'GET http://h:80/a?b#c HTTP/1.1', 'GET http://h:80/a?b#c'),
  requestLine('authority-form without CONNECT', 'GET h:80 HTTP/1.1', 'GET h:80'),
  requestLine('asterisk-form', 'OPTIONS * HTTP/1.1', 'OPTIONS *'),
  requestLine('a query alone', 'GET ?a HTTP/1.1', 'GET ?a'),
  requestLine(
    'escapes and reserved characters',
    'GET /%20%zz/;a=b,c&d=$@!\'()*+[]{}|\\^`"<> HTTP/1.1',
    'GET /%20%zz/;a=b,c&d=$@!\'()*+[]{}|\\^`"<>',
  ),
  requestLine('a target that holds a version', 'GET /HTTP/1.1 HTTP/1.1', 'GET /HTTP/1.1'),
  requestLine('a target with spaces', 'GET /a b  c HTTP/1.1', 'GET /a b  c', { suspicious: ['invalid-target'] }),
  requestLine('a target with high bytes', 'GET /caf\xc3\xa9\xff HTTP/1.1', 'GET /caf\xc3\xa9\xff', {
    suspicious: ['invalid-target'],
  }),
  requestLine('a target with control characters', 'GET /a\x01\x7f HTTP/1.1', 'GET /a\x01\x7f', {
    suspicious: ['control-character', 'invalid-target'],
  }),
  requestLine('two spaces before the target', 'GET  / HTTP/1.1', 'GET /', { suspicious: ['odd-start-line'] }),
  requestLine('two spaces behind the target', 'GET /  HTTP/1.1', 'GET /', { suspicious: ['odd-start-line'] }),
  requestLine('a tab between', 'GET\t/\tHTTP/1.1', 'GET /', { suspicious: ['odd-start-line'] }),
  requestLine('space behind the version', 'GET / HTTP/1.1 ', 'GET /', { suspicious: ['odd-start-line'] }),
  requestLine('HTTP/1.2', 'GET / HTTP/1.2', 'GET /', { httpVersion: '1.2' }),
  requestLine('HTTP/0.9 with a version', 'GET / HTTP/0.9', 'GET /', { httpVersion: '0.9' }),
  {
    ...requestLine('a target of 100 KB', `GET ${long} HTTP/1.1`, `GET ${long}`),
    options: { maxHeadBytes: 200_000 },
    piece: 1400,
  },
  statusLine('a reason of several words', 'HTTP/1.1 200 All is well', 200, { statusText: 'All is well' }),
  statusLine('no reason', 'HTTP/1.1 200 ', 200, { statusText: '' }),
  statusLine('no reason, no space', 'HTTP/1.1 200', 200, { statusText: '' }),
  statusLine('a reason in another charset', 'HTTP/1.1 200 Gr\xfc\xdfe', 200, { statusText: 'Gr\xfc\xdfe' }),
  statusLine('two spaces before the status', 'HTTP/1.1  200 OK', 200, { suspicious: ['odd-start-line'] }),
  statusLine('a status of no class', 'HTTP/1.1 999 Odd', 999, { statusText: 'Odd' }),
  statusLine('a status below 100', 'HTTP/1.1 099 Odd', 99, { statusText: 'Odd' }),
  notHttp('RTSP', head('DESCRIBE rtsp://h/a RTSP/1.0', 'CSeq: 1'), head('RTSP/1.0 200 OK', 'CSeq: 1')),
  notHttp(
    'RTSP, with HTTP inside',
    `${head('SET_PARAMETER rtsp://h/a RTSP/2.0', 'CSeq: 1', `Content-Length: ${get('/no').length}`)}${get('/no')}`,
    head('RTSP/2.0 200 OK', 'CSeq: 1') + ok('no'),
  ),
  notHttp(
    'SIP, with HTTP inside',
    `\r\n\r\n${head('MESSAGE sip:a@h SIP/2.0', 'Content-Type: message/http')}${get('/no')}`,
    head('SIP/2.0 200 OK', 'Content-Type: message/http') + ok('no'),
  ),
  notHttp(
    'ICAP REQMOD',
    `${head('REQMOD icap://h/a ICAP/1.0', 'Encapsulated: req-hdr=0, null-body=34')}${get('/no')}`,
    `${head('ICAP/1.0 200 OK', 'Encapsulated: req-hdr=0, null-body=34')}${get('/no')}`,
  ),
  notHttp(
    'ICAP RESPMOD',
    `${head('RESPMOD icap://h/a ICAP/1.0', 'Encapsulated: req-hdr=0, res-hdr=34, res-body=72')}${get('/no')}${answer('A: b')}2\r\nok\r\n0\r\n\r\n`,
    `${head('ICAP/1.0 200 OK', 'Encapsulated: res-hdr=0, res-body=38')}${answer('A: b')}2\r\nok\r\n0\r\n\r\n`,
  ),
  { ...notHttp('only the responses of ICAP', '', ''), turns: [S(head('ICAP/1.0 200 OK'), ok('no'))] },
  notHttp('SSH', 'SSH-2.0-OpenSSH_9.6\r\n', 'SSH-2.0-OpenSSH_9.7\r\n'),
  notHttp('SMTP', 'EHLO h\r\nMAIL FROM:<a@h>\r\n', '220 h ESMTP\r\n250 OK\r\n'),
  notHttp('Redis', '*1\r\n$4\r\nPING\r\n', '+PONG\r\n'),
  notHttp('ICY', 'hello\r\n', 'ICY 200 OK\r\nicy-name: x\r\n\r\n'),
  notHttp('TLS', '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00', '\x15\x03\x03\x00\x02\x02\x28'),
  notHttp(
    'HTTP/2 with prior knowledge',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00',
    '\x00\x00\x00\x04\x00\x00\x00\x00\x00',
  ),
  notHttp('HTTP/0.9 without a version', 'GET /\r\n', '<html>'),
  notHttp('a version without a number', 'GET / HTTP/x\r\n\r\n', 'HTTP/x 200 OK\r\n\r\n'),
  notHttp(
    'SSDP M-SEARCH',
    head('M-SEARCH * HTTP/1.1', 'Host: 239.255.255.250:1900', 'Man: "ssdp:discover"'),
    head('HTTP/1.1 200 OK', 'ST: x', 'Content-Length: 0'),
  ),
  notHttp('SSDP NOTIFY', head('NOTIFY * HTTP/1.1', 'Host: h', 'NTS: ssdp:alive'), ok()),
  requestLine('NOTIFY of GENA', 'NOTIFY /event HTTP/1.1', 'NOTIFY /event'),
];
