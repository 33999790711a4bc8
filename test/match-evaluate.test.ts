/** What conditions mean. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { Batch } from '../lib/batch.js';
import { flags } from '../lib/layout.js';
import { compile } from '../lib/match/evaluate.js';
import { parse } from '../lib/match/parser.js';
import { inScope } from '../lib/match/scope.js';
import { bodyText, type Subject } from '../lib/match/subject.js';
import { type Message, messageAt } from '../lib/message.js';
import { suspicions } from '../lib/suspicion.js';
import { type MessageSpec, someConnection, writeBatch } from './support/batch-writer.js';

function message(head: string, more: Partial<MessageSpec> = {}): Message {
  const context = { maxDecodedBytes: 1 << 20, maxBodyBytes: 1 << 20, streaming: false };
  return messageAt(new Batch(writeBatch([{ id: 1, head, ...more }]), context), 0);
}

const holds = (expression: string, subject: Subject) => compile(parse(expression))(subject);
const ended = (of: Message, body: string | null = null): Subject => ({ message: of, ended: true, body, other: null });

const request = ended(
  message('POST /api/a?b=c HTTP/1.1\nHost: WWW.example.org:8000\nX-A: one\nX-A: two\nEmpty:\nName: J\xc3\xbcrgen', {
    trailer: 'Digest: abc',
    bodyLength: 10_001,
    flags: flags.conflict,
    integrity: 1,
    missingBytes: 3,
    suspicious: suspicions['obs-fold'] | suspicions['repeated-host'],
    startTimeNs: 1_000_000_000n,
    endTimeNs: 1_200_000_001n,
  }),
  'Grüße, 100 %',
);
const response = ended(message('HTTP/1.0 404 Not Found\nHost: h', { httpVersion: 0x10, startTimeNs: 1_500_000_000n }));

const conditions: [expression: string, request: boolean, response: boolean][] = [
  ['request', true, false],
  ['kind != request', false, true],
  ['method == post', true, false],
  ['method == P*t', true, false],
  ['method ~ "^post$"', false, false],
  ['method ~ /^post$/i', true, false],
  ['method != GET', true, false],
  ['not method == GET', true, true],
  ['target == "/api/a?b=c"', true, false],
  ['path == /api/a', true, false],
  ['path == /API/A', false, false],
  ['path == /api', false, false],
  ['path == /a*a', true, false],
  ['path == /a*/a*a', false, false],
  ['path contains pi', true, false],
  ['path contains p*/', true, false],
  ['query == "b=c"', true, false],
  ['url == http://WWW.example.org:8000/*', true, false],
  ['host == www.EXAMPLE.org', true, false],
  ['host == www.example.org:8000', true, false],
  ['host != www.example.org', false, false],
  ['host == *.org', true, false],
  ['status == 404', false, true],
  ['status == 4xx', false, true],
  ['status != 200', false, true],
  ['not status == 200', true, true],
  ['status in {200, 400..404}', false, true],
  ['status not in {200, 400..404}', false, false],
  ['status < 404 or status > 404', false, false],
  ['status <= 404 and status >= 404', false, true],
  ['status exists', false, true],
  ['statusText == "Not Found"', false, true],
  ['interim', false, false],
  ['httpVersion < 1.1', false, true],
  ['header.x-a == one and header.X-A == two', true, false],
  ['header.x-a == "one, two"', false, false],
  ['header.x-a != one', false, false],
  ['header.x-a != three', true, false],
  ['header.x-a !~ "^t"', false, false],
  ['header.empty exists and header.empty == ""', true, false],
  ['header.nothing != a', false, false],
  ['header.nothing !~ "a"', false, false],
  ['header.name == Jürgen', true, false],
  ['header.name ~ "^J.rgen$"', true, false],
  ['head contains "POST /api"', true, false],
  ['trailer.digest ~ "b"', true, false],
  ['body contains grüße', false, false],
  ['body contains Grüße and body ~ "ü.e" and body == "G*"', true, false],
  ['body exists', true, false],
  ['bodyLength > 10KB', true, false],
  ['bodySize <= 10KB', false, true],
  ['duration > 200ms and duration <= 200000001ns', true, false],
  ['integrity == gap', true, false],
  ['integrity == complete', false, true],
  ['missingBytes == 3', true, false],
  ['conflict', true, false],
  ['suspicious', true, false],
  ['suspicious == obs-fold and suspicious == repeated-host', true, false],
  ['suspicious != obs-fold', false, false],
  ['client.address == 10.0.0.0/8 and client.address != 10.0.0.2', true, true],
  ['server.address in {10.0.0.2, ::1}', true, true],
  ['client.address == ::/0', false, false],
  ['address == 10.0.0.2/32 and port == 8000 and server.port in {80, 8000..8999}', true, true],
  ['port != 8000', false, false],
  ['wait exists', false, false],
  ['request.method == POST', true, false],
  ['response.status exists', false, true],
];

for (const [expression, ofRequest, ofResponse] of conditions) {
  test(expression, () => {
    assert.equal(holds(expression, request), ofRequest, 'request');
    assert.equal(holds(expression, response), ofResponse, 'response');
  });
}

test('IPv6 addresses and the port of a host in brackets', () => {
  const client = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
  const connection = { ...someConnection, client, server: new Uint8Array(16), ipVersion: 6 as const };
  const subject = ended(message('GET / HTTP/1.1\nHost: [fe80::2]:80', { connection }));
  for (const expression of ['client.address == fe80::/10', 'server.address == ::', 'host == "[fe80::2]"']) {
    assert.equal(holds(expression, subject), true, expression);
  }
  for (const expression of ['client.address == fec0::/10', 'address == 0.0.0.0/0', 'host == "[fe80:"']) {
    assert.equal(holds(expression, subject), false, expression);
  }
});

test('what is not known yet leaves open only what depends on it', () => {
  const head: Subject = { message: request.message, ended: false };
  assert.equal(holds('method == POST', head), true);
  assert.equal(holds('bodyLength > 1', head), undefined);
  assert.equal(holds('not integrity == gap', head), undefined);
  assert.equal(holds('method == POST and conflict', head), undefined);
  assert.equal(holds('method == GET and conflict', head), false);
  assert.equal(holds('method == POST or conflict', head), true);
  assert.equal(holds('method == GET or conflict', head), undefined);
  assert.equal(holds('status == 200', head), false, 'a request never has one');
  assert.equal(holds('body exists', { message: request.message, ended: true }), undefined, 'not decoded yet');
});

test('the other side of the exchange', () => {
  const { message: of } = request;
  const both: Subject = { ...request, other: response };
  assert.equal(holds('response.status == 404', { message: of, ended: true }), undefined);
  assert.equal(holds('response.status == 404', request), false, 'there will be none');
  assert.equal(holds('response.status == 404 and method == POST', both), true);
  assert.equal(holds('request.path == /api/a and status == 404', { ...response, other: request }), true);
  assert.equal(holds('wait == 299999999ns', both), true);
  assert.equal(holds('wait > 200ms', { ...response, other: request }), true);
  assert.equal(holds('wait > 200ms', { ...response, other: { message: of, ended: false } }), undefined);
  assert.equal(holds('request.body contains 100', { ...response, other: { message: of, ended: true } }), undefined);
});

test('for exchanges, fields of one kind are taken from that side and the others from the message itself', () => {
  const expression = 'method == POST and status >= 400 and header.x-a exists';
  const decide = compile(inScope(parse(expression), 'exchange'));
  assert.equal(decide({ ...request, other: response }), true);
  assert.equal(decide({ ...response, other: request }), false, 'the response has no X-A');
  assert.equal(decide({ message: request.message, ended: true }), undefined);
  assert.equal(decide(request), false);
  const alone = compile(parse(expression));
  assert.equal(alone({ ...request, other: response }), false);
});

test('the text of a body: decoded, as sent when that fails, null when there is nothing', async () => {
  const head = 'HTTP/1.1 200 OK\nContent-Encoding: gzip';
  assert.equal(await bodyText(message(head, { body: zlib.gzipSync('hällo') })), 'hällo');
  assert.equal(await bodyText(message(head, { body: 'no gzip' })), 'no gzip');
  assert.equal(
    await bodyText(
      message('HTTP/1.1 200 OK\nContent-Type: text/a; charset=latin1', { body: Buffer.from('ä', 'latin1') }),
    ),
    'ä',
  );
  assert.equal(await bodyText(message('HTTP/1.1 200 OK')), null);
  assert.equal(await bodyText(message('HTTP/1.1 200 OK', { body: '' })), null);
  assert.equal(await bodyText(message('HTTP/1.1 200 OK', { bodyLength: 7 })), null);
});
