import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import zlib from 'node:zlib';
import { Batch } from '../lib/batch.js';
import { flags } from '../lib/layout.js';
import { type Message, messageAt, type RequestMessage, type ResponseMessage } from '../lib/message.js';
import { suspicions } from '../lib/suspicion.js';
import { ipv4, type MessageSpec, someConnection, writeBatch } from './support/batch-writer.js';

function messagesOf(specs: MessageSpec[], maxDecodedBytes = 1024 * 1024): Message[] {
  const batch = new Batch(writeBatch(specs), { maxDecodedBytes, maxBodyBytes: 8 << 20, streaming: false });
  return specs.map((_, i) => messageAt(batch, i));
}
const request = (head: string, more: Partial<MessageSpec> = {}) =>
  messagesOf([{ id: 1, head, ...more }])[0] as RequestMessage;
const response = (head: string, more: Partial<MessageSpec> = {}, maxDecodedBytes?: number) =>
  messagesOf([{ id: 2, head, ...more }], maxDecodedBytes)[0] as ResponseMessage;

test('a request has the fields of its record', () => {
  const message = request('POST /api/me?x=1&y HTTP/1.1\nHost: www.example.org\nX-A: 1', {
    body: 'hello',
    bodyLength: 9,
    missingBytes: 3,
  });
  assert.equal(message.kind, 'request');
  assert.equal(message.id, 1);
  assert.equal(message.method, 'POST');
  assert.equal(message.target, '/api/me?x=1&y');
  assert.equal(message.path, '/api/me');
  assert.equal(message.query, 'x=1&y');
  assert.equal(message.url, 'http://www.example.org/api/me?x=1&y');
  assert.equal(message.httpVersion, '1.1');
  assert.equal(message.startTime, 1668229140123456789n);
  assert.equal(message.endTime, 1668229140123456790n);
  assert.equal(message.timestamp.toISOString(), '2022-11-12T04:59:00.123Z');
  assert.deepEqual(message.connection, {
    id: 1,
    client: { address: '10.0.0.1', port: 47106 },
    server: { address: '10.0.0.2', port: 8000 },
  });
  assert.equal(message.head.toString(), 'POST /api/me?x=1&y HTTP/1.1\r\nHost: www.example.org\r\nX-A: 1\r\n\r\n');
  assert.equal(message.body?.toString(), 'hello');
  assert.equal(message.bodyLength, 9);
  assert.equal(message.bodyTruncated, false);
  assert.equal(message.integrity, 'complete');
  assert.equal(message.missingBytes, 3);
  assert.equal(message.conflict, false);
});

test('a response has the fields of its record', () => {
  const message = response('HTTP/1.0 404 Not Found', {
    requestId: 1,
    httpVersion: 0x10,
    body: 'x'.repeat(10),
    separateBody: true,
    integrity: 2,
    flags: flags.bodyTruncated | flags.conflict,
  });
  assert.equal(message.kind, 'response');
  assert.equal(message.status, 404);
  assert.equal(message.statusText, 'Not Found');
  assert.equal(message.httpVersion, '1.0');
  assert.equal(message.requestId, 1);
  assert.equal(message.interim, false);
  assert.equal(message.body?.toString(), 'xxxxxxxxxx');
  assert.equal(message.integrity, 'truncated');
  assert.equal(message.bodyTruncated, true);
  assert.equal(message.conflict, true);
  assert.equal(message.request, undefined);
  assert.equal(response('HTTP/1.1 100 Continue').interim, true);
  assert.equal(response('HTTP/1.1 200').statusText, '');
  assert.equal(response('HTTP/1.1 200 OK').requestId, null);
});

test('the body of a message that kept none is undefined', async () => {
  const message = request('GET / HTTP/1.1', { bodyLength: 5 });
  assert.equal(message.body, undefined);
  await assert.rejects(message.text(), { code: 'ERR_STATE' });
  assert.equal(await request('GET / HTTP/1.1').text(), '');
});

test('a response in the batch of its request refers to it', () => {
  const [sent, , answer] = messagesOf([
    { id: 7, head: 'GET /a HTTP/1.1' },
    { id: 8, head: 'GET /b HTTP/1.1' },
    { id: 12, requestId: 7, head: 'HTTP/1.1 200 OK' },
  ]);
  const request = (answer as ResponseMessage).request;
  assert.deepEqual(request?.toJSON(), sent?.toJSON());
  assert.equal((answer as ResponseMessage).request, request);
});

test('url follows the forms of RFC 9112, 3.3', () => {
  const host = '\nHost: h:81';
  for (const [line, url, path, query] of [
    [`GET / HTTP/1.1${host}`, 'http://h:81/', '/', ''],
    [`GET /a?b?c HTTP/1.1${host}`, 'http://h:81/a?b?c', '/a', 'b?c'],
    [`GET //x/y HTTP/1.1${host}`, 'http://h:81//x/y', '//x/y', ''],
    ['GET /a HTTP/1.1', null, '/a', ''],
    ['GET /a HTTP/1.1\nHost:', null, '/a', ''],
    [`GET http://o/p?q HTTP/1.1${host}`, 'http://o/p?q', '/p', 'q'],
    ['GET http://o HTTP/1.1', 'http://o', '/', ''],
    ['GET http://o?q=/ HTTP/1.1', 'http://o?q=/', '/', 'q=/'],
    [`CONNECT o:443 HTTP/1.1${host}`, 'http://o:443', '', ''],
    [`OPTIONS * HTTP/1.1${host}`, 'http://h:81', '*', ''],
    ['OPTIONS * HTTP/1.1', null, '*', ''],
    [`GET nonsense HTTP/1.1${host}`, null, 'nonsense', ''],
  ] as const) {
    const message = request(line);
    assert.deepEqual([message.url, message.path, message.query], [url, path, query], line);
  }
});

test('headers read as WHATWG says, raw is as sent', () => {
  const { headers } = response('HTTP/1.1 200 OK\nB: 1\nset-Cookie: x=1\nA:  2 \nSet-Cookie: y=2\nb: 3\nE:', {});
  assert.equal(headers.get('b'), '1, 3');
  assert.equal(headers.get('SET-COOKIE'), 'x=1, y=2');
  assert.equal(headers.get('e'), '');
  assert.equal(headers.get('none'), null);
  // Where WHATWG throws: the wire has such names.
  for (const odd of ['a b', '', 'ü', 'a\n']) assert.deepEqual([headers.get(odd), headers.has(odd)], [null, false]);
  assert.equal(headers.has('A'), true);
  assert.equal(headers.has('Z'), false);
  assert.deepEqual(headers.getSetCookie(), ['x=1', 'y=2']);
  const sorted = [
    ['a', '2'],
    ['b', '1, 3'],
    ['e', ''],
    ['set-cookie', 'x=1'],
    ['set-cookie', 'y=2'],
  ];
  assert.deepEqual([...headers], sorted);
  assert.deepEqual([...headers.entries()], sorted);
  assert.deepEqual(
    [...headers.keys()],
    sorted.map(([name]) => name),
  );
  assert.deepEqual(
    [...headers.values()],
    sorted.map(([, value]) => value),
  );
  const seen: unknown[] = [];
  headers.forEach((value, name, all) => {
    seen.push([name, value, all === headers]);
  });
  assert.deepEqual(
    seen,
    sorted.map(([name, value]) => [name, value, true]),
  );
  assert.deepEqual(headers.raw, [
    ['B', '1'],
    ['set-Cookie', 'x=1'],
    ['A', '2'],
    ['Set-Cookie', 'y=2'],
    ['b', '3'],
    ['E', ''],
  ]);
  // The platform's own class agrees.
  assert.deepEqual([...new Headers(headers.raw.map(([n, v]): [string, string] => [n, v]))], [...headers]);
});

test('header values are decoded byte for byte, folds become a space', () => {
  const message = response('HTTP/1.1 200 OK\nX: caf\xe9 \xa0\nLong: a,\n \t b\n\tc', { flags: flags.obsFold });
  assert.equal(message.headers.get('x'), 'caf\xe9 \xa0');
  assert.equal(message.headers.get('long'), 'a, b c');
});

test('wide header tables, trailers and methods of an object are no trap', () => {
  const message = response('HTTP/1.1 200 OK\nconstructor: 1\n__proto__: 2', {
    wide: true,
    trailer: 'X-Sum: 1\nx-sum: 2',
  });
  assert.equal(message.headers.get('constructor'), '1');
  assert.equal(message.headers.get('__proto__'), '2');
  assert.equal(message.headers.get('toString'), null);
  assert.equal(message.trailers.get('X-SUM'), '1, 2');
  assert.deepEqual([...request('GET / HTTP/1.1').trailers], []);
  assert.match(inspect(message.headers), /__proto__/);
});

test('addresses are written as RFC 5952 says', () => {
  const address = (text: string) => {
    const groups = text.split(' ').map((group) => Number.parseInt(group, 16));
    const bytes = Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));
    return request('GET / HTTP/1.1', { connection: { ...someConnection, client: bytes, ipVersion: 6 } }).connection
      .client.address;
  };
  assert.equal(address('2001 db8 0 0 1 0 0 1'), '2001:db8::1:0:0:1');
  assert.equal(address('0 0 0 0 0 0 0 0'), '::');
  assert.equal(address('0 0 0 0 0 0 0 1'), '::1');
  assert.equal(address('fe80 0 0 0 0 0 0 0'), 'fe80::');
  assert.equal(address('2001 db8 0 1 1 1 1 1'), '2001:db8:0:1:1:1:1:1');
  assert.equal(address('1 0 0 2 0 0 0 3'), '1:0:0:2::3');
  assert.equal(address('0 0 0 0 0 ffff a00 1'), '::ffff:10.0.0.1');
  const mapped = { ...someConnection, client: ipv4(10, 0, 0, 1), ipVersion: 6 as const };
  assert.equal(request('GET / HTTP/1.1', { connection: mapped }).connection.client.address, '::ffff:10.0.0.1');
});

test('toJSON has the names and the order of the contract', () => {
  const sent = request('GET /api/me HTTP/1.1\nHost: www.example.org', { body: '' });
  assert.equal(
    JSON.stringify(sent),
    '{"kind":"request","id":1,"connection":{"id":1,"client":{"address":"10.0.0.1","port":47106},' +
      '"server":{"address":"10.0.0.2","port":8000}},"startTime":"2022-11-12T04:59:00.123456789Z","endTime":"2022-11-12T04:59:00.123456790Z",' +
      '"method":"GET","target":"/api/me","url":"http://www.example.org/api/me","httpVersion":"1.1",' +
      '"headers":[["Host","www.example.org"]],"trailers":[],"bodyLength":0,"body":"","bodyEncoding":"utf8","bodyDecoded":false,' +
      '"integrity":"complete"}',
  );
  const answer = response('HTTP/1.1 401 Unauthorized', { requestId: 1, body: '{}' });
  assert.deepEqual(Object.keys(answer.toJSON()), [
    'kind',
    'id',
    'requestId',
    'status',
    'statusText',
    'connection',
    'startTime',
    'endTime',
    'httpVersion',
    'headers',
    'trailers',
    'bodyLength',
    'body',
    'bodyEncoding',
    'bodyDecoded',
    'integrity',
  ]);
  assert.equal(response('HTTP/1.1 200 OK').toJSON().requestId, null);
});

test('toJSON decodes what it can and says so', () => {
  const gzip = 'HTTP/1.1 200 OK\nContent-Encoding: gzip';
  const decoded = response(gzip, { body: zlib.gzipSync('hällo') }).toJSON();
  assert.deepEqual([decoded.body, decoded.bodyEncoding, decoded.bodyDecoded], ['hällo', 'utf8', true]);
  const binary = response(gzip, { body: zlib.gzipSync(Buffer.of(0xff, 0)) }).toJSON();
  assert.deepEqual([binary.body, binary.bodyEncoding, binary.bodyDecoded], ['/wA=', 'base64', true]);
  const broken = response(gzip, { body: 'no gzip' }).toJSON();
  assert.deepEqual([broken.body, broken.bodyEncoding, broken.bodyDecoded], ['no gzip', 'utf8', false]);
  const bomb = response(gzip, { body: zlib.gzipSync(Buffer.alloc(5000)) }, 1000).toJSON();
  assert.equal(bomb.bodyDecoded, false);
  const none = response(gzip, { bodyLength: 8, missingBytes: 2, flags: flags.conflict | flags.bodyTruncated }).toJSON();
  assert.equal('body' in none, false);
  assert.deepEqual([none.bodyLength, none.missingBytes, none.conflict, none.bodyTruncated], [8, 2, true, true]);
});

test('times before 1970 and far after keep their digits', () => {
  assert.equal(request('GET / HTTP/1.1', { startTimeNs: -1n }).toJSON().startTime, '1969-12-31T23:59:59.999999999Z');
  assert.equal(request('GET / HTTP/1.1', { startTimeNs: -1n }).timestamp.getTime(), -1);
  assert.equal(request('GET / HTTP/1.1', { startTimeNs: 0n }).toJSON().startTime, '1970-01-01T00:00:00.000000000Z');
});

test('detach gives the same fields, free of the batch, and survives a clone', () => {
  const head = 'GET /a?b HTTP/1.1\nHost: h\nX: 1';
  const native = writeBatch([{ id: 3, head, body: 'abc', trailer: 'T: 1' }]);
  const message = messageAt(
    new Batch(native, { maxBodyBytes: 8 << 20, streaming: false, maxDecodedBytes: 10 }),
    0,
  ) as RequestMessage;
  const detached = message.detach();
  const clone = structuredClone(detached);
  new Uint8Array(native.buffer).fill(0);
  assert.deepEqual(clone, detached);
  assert.equal(Buffer.from(detached.body ?? []).toString(), 'abc');
  assert.equal(detached.body?.buffer.byteLength, 3);
  assert.match(Buffer.from(detached.head).toString(), /^GET \/a\?b HTTP/);
  assert.deepEqual(detached.headers, [
    ['Host', 'h'],
    ['X', '1'],
  ]);
  assert.deepEqual(detached.trailers, [['T', '1']]);
  assert.deepEqual(
    [detached.kind, detached.url, detached.path, detached.query],
    ['request', 'http://h/a?b', '/a', 'b'],
  );
  assert.deepEqual(Object.keys(detached).sort(), [
    ...[
      'body',
      'bodyLength',
      'bodyTruncated',
      'conflict',
      'connection',
      'endTime',
      'head',
      'headers',
      'httpVersion',
      'id',
    ],
    ...[
      'integrity',
      'kind',
      'method',
      'missingBytes',
      'path',
      'query',
      'startTime',
      'suspicious',
      'target',
      'timestamp',
      'trailers',
      'unfinished',
      'url',
    ],
  ]);
  const answer = response('HTTP/1.1 204 No Content', { requestId: 3 }).detach();
  assert.deepEqual(
    [answer.kind, answer.status, answer.statusText, answer.requestId, answer.interim],
    ['response', 204, 'No Content', 3, false],
  );
});

test('cloning a message itself fails and says what to do', () => {
  assert.throws(() => structuredClone(request('GET / HTTP/1.1')), {
    name: 'DataCloneError',
    message: /useDetachToCloneAMessage/,
  });
});

test('inspect shows what matters, control characters escaped', () => {
  const shown = inspect(response('HTTP/1.1 200 OK\nX: \x1b[31m', { body: 'body\x1b[0m', requestId: 1 }));
  assert.match(shown, /^ResponseMessage \{/);
  for (const part of ['status: 200', '10.0.0.1:47106 -> 10.0.0.2:8000', 'x1B[31m', 'bodyLength: 8']) {
    assert.ok(shown.toLowerCase().includes(part.toLowerCase()), `${part} in ${shown}`);
  }
  assert.ok(!shown.includes('\x1b'));
  assert.match(inspect({ a: { b: { c: { d: request('GET / HTTP/1.1') } } } }), /\[Object\]|\[RequestMessage\]/);
  assert.match(inspect(request('GET / HTTP/1.1', { body: 'é'.repeat(500) })), /é…'/);
});

test('suspicious names the bits of the record, everywhere that the message is shown', () => {
  const odd = request('GET / HTTP/1.1', { suspicious: suspicions['missing-host'] | suspicions['obs-fold'] });
  assert.deepEqual(odd.suspicious, ['obs-fold', 'missing-host']);
  assert.equal(odd.suspicious, odd.suspicious);
  assert.throws(() => (odd.suspicious as string[]).push('x'), TypeError);
  assert.deepEqual(odd.toJSON().suspicious, ['obs-fold', 'missing-host']);
  assert.deepEqual(structuredClone(odd.detach()).suspicious, ['obs-fold', 'missing-host']);
  assert.match(inspect(odd), /suspicious: \[ 'obs-fold', 'missing-host' \]/);
  const plain = request('GET / HTTP/1.1');
  assert.deepEqual(plain.suspicious, []);
  assert.equal('suspicious' in plain.toJSON(), false);
  assert.deepEqual(plain.detach().suspicious, []);
  assert.doesNotMatch(inspect(plain), /suspicious/);
});

test('a connection shows what a PROXY header told', () => {
  const proxied = {
    source: ipv4(192, 0, 2, 1),
    destination: ipv4(192, 0, 2, 2),
    sourcePort: 4711,
    destinationPort: 443,
    ipVersion: 4 as const,
  };
  const told = {
    source: { address: '192.0.2.1', port: 4711 },
    destination: { address: '192.0.2.2', port: 443 },
  };
  const message = request('GET / HTTP/1.1', { connection: { ...someConnection, proxied } });
  assert.deepEqual(message.connection.proxied, told);
  assert.deepEqual(message.detach().connection.proxied, told);
  assert.deepEqual(JSON.parse(JSON.stringify(message)).connection.proxied, told);
  assert.equal('proxied' in request('GET / HTTP/1.1').connection, false);
});
