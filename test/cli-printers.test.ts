import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ByteBuffer } from '../lib/cli/byte-buffer.js';
import { formatAmount, formatCount, formatDuration, formatEndpoint, formatHexDump } from '../lib/cli/format.js';
import { ConsolePrinter, type ConsolePrinterOptions } from '../lib/cli/printers/console.js';
import { JsonPrinter } from '../lib/cli/printers/json.js';
import { RawPrinter } from '../lib/cli/printers/raw.js';
import { bodyText } from '../lib/cli/text.js';
import { appendTime } from '../lib/cli/time.js';
import type { Message } from '../lib/index.js';
import { fakeMessage, MemoryOutput } from './cli-support.js';

async function shown(message: Message, options?: ConsolePrinterOptions): Promise<string> {
  const output = new MemoryOutput();
  await new ConsolePrinter(output, options).print(message);
  return output.text;
}

const request = fakeMessage({ head: 'GET /api/me HTTP/1.1\r\nHost: www.example.org\r\nAccept: */*\r\n\r\n' });

test('console: a request', async () => {
  assert.equal(
    await shown(request),
    `2022-11-12T04:59:00.123456Z  100.100.102.33:47106 -> 100.100.102.17:8000  #1
GET /api/me HTTP/1.1
Host: www.example.org
Accept: */*

`,
  );
});

test('console: whose socket it is, beside the end that it belongs to', async () => {
  const head = 'GET / HTTP/1.1\r\n\r\n';
  const heading = async (process: Message['connection']['process']) =>
    (await shown(fakeMessage({ head, process }))).split('\n')[0]?.slice(29);
  const containerId = '0123456789ab'.padEnd(64, 'f');
  assert.equal(
    await heading({ pid: 1355, name: 'ru\x1b by', end: 'server' }),
    '100.100.102.33:47106 -> 100.100.102.17:8000 (ru\\x1b by 1355)  #1',
  );
  assert.equal(
    await heading({ pid: 77, name: 'curl', containerId, end: 'client' }),
    '100.100.102.33:47106 (curl 77 in 0123456789ab) -> 100.100.102.17:8000  #1',
  );
});

const unauthorized = fakeMessage({
  kind: 'response',
  id: 2,
  requestId: 1,
  request,
  startTime: 1_668_229_140_125_956_789n,
  head: 'HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 25\r\n\r\n',
  body: '{"error":"token expired"}',
});

test('console: a response with a text body', async () => {
  assert.equal(
    await shown(unauthorized),
    `2022-11-12T04:59:00.125956Z  100.100.102.33:47106 <- 100.100.102.17:8000  #2 answers #1 after 2.5 ms
HTTP/1.1 401 Unauthorized
Content-Type: application/json
Content-Length: 25

{"error":"token expired"}

`,
  );
});

test('console: colours by direction and status class', async () => {
  const esc = '\x1b';
  assert.equal(
    await shown(unauthorized, { color: true }),
    `${esc}[2m2022-11-12T04:59:00.125956Z${esc}[22m  ${esc}[1m100.100.102.33:47106 <- 100.100.102.17:8000${esc}[22m  ${esc}[2m#2 answers #1 after 2.5 ms${esc}[22m
${esc}[1m${esc}[33mHTTP/1.1 401 Unauthorized${esc}[39m${esc}[22m
${esc}[33mContent-Type:${esc}[39m application/json
${esc}[33mContent-Length:${esc}[39m 25

{"error":"token expired"}

`,
  );
  const colorOf = async (message: Message): Promise<string | undefined> =>
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences
    /\n\x1b\[1m\x1b\[(\d+)m/.exec(await shown(message, { color: true }))?.[1];
  assert.equal(await colorOf(request), '36');
  for (const [status, color] of Object.entries({ 100: '90', 200: '32', 302: '34', 404: '33', 503: '31' })) {
    assert.equal(await colorOf(fakeMessage({ kind: 'response', head: `HTTP/1.1 ${status} X\r\n\r\n` })), color, status);
  }
});

test('console: a decoded body, and one that cannot be decoded', async () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n';
  const decoded = await shown(
    fakeMessage({ kind: 'response', head, body: 'xxxx', decoded: Buffer.from('plain text\n') }),
  );
  assert.ok(decoded.endsWith('Content-Encoding: gzip\n\nplain text\n[gzip: 4 bytes, 11 decoded]\n\n'), decoded);
  const failed = await shown(
    fakeMessage({
      kind: 'response',
      head,
      body: Buffer.from([0x1f, 0x8b, 0]),
      decoded: new Error('bad\x1b[0m header'),
    }),
  );
  assert.ok(
    failed.endsWith(
      '\n\n00000000  1f 8b 00                                          |...|\n[gzip: not decoded: bad\\x1b[0m header]\n\n',
    ),
    failed,
  );
});

test('console: a binary body is a hex preview of 256 bytes', async () => {
  const body = Uint8Array.from({ length: 1300 }, (_, at) => at & 0xff);
  const text = await shown(fakeMessage({ head: 'PUT / HTTP/1.1\r\nContent-Type: image/png\r\n\r\n', body }));
  const lines = text.split('\n');
  assert.equal(lines[4], '00000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  |................|');
  assert.equal(lines[19], '000000f0  f0 f1 f2 f3 f4 f5 f6 f7  f8 f9 fa fb fc fd fe ff  |................|');
  assert.equal(lines[20], '... 1,044 more bytes');
});

test('console: notes tell what is missing', async () => {
  const head = 'POST / HTTP/1.1\r\nX: y\r\n\r\n';
  const after = (text: string): string => text.slice(text.indexOf('X: y\n') + 5);
  assert.equal(after(await shown(fakeMessage({ head, bodyLength: 5300 }))), '[body of 5,300 bytes, not kept]\n\n');
  assert.equal(
    after(await shown(fakeMessage({ head, body: 'abc', bodyLength: 10, bodyTruncated: true }))),
    '\nabc\n[body of 10 bytes, the first 3 kept]\n\n',
  );
  assert.match(
    await shown(fakeMessage({ head, body: 'abc', integrity: 'gap' })),
    /\n\[bytes not captured, [^\n]*gap[^\n]*\]\n/,
  );
  assert.match(
    await shown(fakeMessage({ head, body: 'abc', integrity: 'gap', missingBytes: 1448, conflict: true })),
    /\n\[1,448 bytes not captured, [^\n]*\]\n\[packets disagreed [^\n]*\]\n/,
  );
  assert.match(await shown(fakeMessage({ head, body: 'abc', integrity: 'truncated' })), /\n\[truncated: .*\]\n/);
  assert.match(await shown(fakeMessage({ head, body: 'abc', integrity: 'aborted' })), /\n\[aborted: .*\]\n/);
  assert.equal(
    after(await shown(fakeMessage({ head, body: 'abc', trailers: [['Sum', '42']] }))),
    '\nabc\n[trailers]\nSum: 42\n\n',
  );
  assert.match(
    await shown(fakeMessage({ kind: 'response', head: 'HTTP/1.1 200 OK\r\n\r\n' })),
    /#1 \(its request was not seen\)/,
  );
});

test('console: heads as they were sent, in UTF-8 or ISO 8859-1', async () => {
  assert.match(await shown(fakeMessage({ head: Buffer.from('GET /ü HTTP/1.1\r\n\r\n') })), /\nGET \/ü HTTP/);
  assert.match(await shown(fakeMessage({ head: Buffer.from('GET /ü HTTP/1.1\r\n\r\n', 'latin1') })), /\nGET \/ü HTTP/);
  assert.match(
    await shown(fakeMessage({ head: '\r\nGET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n' })),
    /\nGET \/ HTTP\/1.1\nA: b\n c\n\n$/,
  );
});

const sha256 = (data: string): string => createHash('sha256').update(data).digest('hex');

test('digest: only of bodies that are whole', async () => {
  const head = 'POST / HTTP/1.1\r\n\r\n';
  const digestOf = async (fake: object): Promise<string | undefined> =>
    /\[sha256 (\w+)\]/.exec(await shown(fakeMessage({ head, ...fake }), { digest: true }))?.[1];
  assert.equal(await digestOf({ body: 'abc' }), sha256('abc'));
  assert.equal(await digestOf({ body: '' }), sha256(''));
  assert.equal(await digestOf({}), undefined);
  assert.equal(await digestOf({ body: 'abc', bodyLength: 9, bodyTruncated: true }), undefined);
  for (const integrity of ['gap', 'truncated', 'aborted'])
    assert.equal(await digestOf({ body: 'abc', integrity }), undefined);
});

test('json: the digest is behind the other members', () => {
  const output = new MemoryOutput();
  // Encoded content is left to toJSON().
  const head = 'GET / HTTP/1.1\r\nContent-Encoding: x\r\n\r\n';
  const message = Object.assign(fakeMessage({ head, body: 'abc' }), {
    toJSON: () => ({ kind: 'request', body: 'a\nb' }),
  });
  new JsonPrinter(output).print(message);
  new JsonPrinter(output, { digest: true }).print(message);
  assert.equal(
    output.text,
    `{"kind":"request","body":"a\\nb"}\n{"kind":"request","body":"a\\nb","bodySha256":"${sha256('abc')}"}\n`,
  );
});

test('raw: exactly the bytes', () => {
  const output = new MemoryOutput();
  const head = Buffer.from('POST /\xff HTTP/1.1\r\nX: \x1b\r\n\r\n', 'latin1');
  const body = Buffer.from([0, 1, 2, 0xff, 0x0a]);
  const printer = new RawPrinter(output);
  printer.print(fakeMessage({ head, body }));
  printer.print(fakeMessage({ head }));
  assert.deepEqual(output.bytes, Buffer.concat([head, body, head]));
});

test('raw on a terminal: escaped, a line feed behind each message', () => {
  const output = new MemoryOutput();
  new RawPrinter(output, { terminal: true }).print(
    fakeMessage({ head: 'GET / HTTP/1.1\r\nX: \x1b\r\n\r\n', body: 'a\0b' }),
  );
  assert.equal(output.text, 'GET / HTTP/1.1\nX: \\x1b\n\na\\x00b\n');
});

test('bodies: which are text', () => {
  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
  assert.equal(bodyText(Buffer.from('{"a":"ü"}'), 'application/json'), '{"a":"ü"}');
  assert.equal(bodyText(Buffer.from('plain'), null), 'plain');
  assert.equal(bodyText(Buffer.from('plain'), 'application/octet-stream'), 'plain');
  assert.equal(bodyText(Buffer.from('plain'), 'image/png'), 'plain');
  assert.equal(bodyText(Buffer.from('<svg/>'), 'image/svg+xml'), '<svg/>');
  assert.equal(bodyText(bytes(0x61, 0, 0x62), null), undefined);
  assert.equal(bodyText(bytes(0x61, 0, 0x62), 'text/plain'), 'a\0b');
  assert.equal(bodyText(bytes(0x61, 0, 0x62, 1, 2), 'text/plain'), undefined);
  assert.equal(bodyText(bytes(0, 0, 0, 0x1c, 0x66, 0xd3, 0x8b), 'application/x-www-form-urlencoded'), undefined);
  assert.equal(bodyText(bytes(0xe4, 0x21), 'text/html'), 'ä!');
  assert.equal(bodyText(bytes(0xe4, 0x21), null), undefined);
  assert.equal(bodyText(bytes(0xa4), 'text/html; charset=iso-8859-15'), '€');
  assert.equal(bodyText(bytes(0x61, 0, 0x62, 0), 'text/plain; charset="UTF-16LE"'), 'ab');
  assert.equal(bodyText(bytes(0xe4), 'text/plain; charset=nonsense'), 'ä');
  // A body that was cut inside a character is text all the same.
  for (const cut of [1, 2, 3]) {
    const smile = Buffer.from('a😀');
    assert.equal(bodyText(smile.subarray(0, smile.length - cut), null, true), 'a\ufffd');
    assert.equal(bodyText(smile.subarray(0, smile.length - cut), null), undefined);
  }
});

function time(ns: bigint, fractionDigits: 6 | 9): string {
  const to = new ByteBuffer();
  appendTime(to, ns, fractionDigits);
  return to.toString();
}

test('formats', () => {
  assert.deepEqual([0, 999, 1000, 1234567].map(formatCount), ['0', '999', '1,000', '1,234,567']);
  assert.equal(formatAmount(1, 'message'), '1 message');
  assert.equal(formatAmount(2000, 'message'), '2,000 messages');
  assert.deepEqual([0n, 340_000n, 999_600n, 2_500_000n, 999_960_000n, 12_250_000_000n].map(formatDuration), [
    '0 us',
    '340 us',
    '1 ms',
    '2.5 ms',
    '1 s',
    '12.25 s',
  ]);
  assert.equal(time(0n, 6), '1970-01-01T00:00:00.000000Z');
  assert.equal(time(-1n, 6), '1969-12-31T23:59:59.999999Z');
  assert.equal(time(1_668_229_140_000_001_999n, 6), '2022-11-12T04:59:00.000001Z');
  assert.equal(time(9_223_372_036_854_775_807n, 6), '2262-04-11T23:47:16.854775Z');
  assert.equal(formatEndpoint({ address: '2001:db8::1', port: 80 }), '[2001:db8::1]:80');
  assert.equal(
    formatHexDump(Buffer.from('0123456789abcdefg')),
    `${formatHexDump(Buffer.from('0123456789abcdef'))}00000010  67                                                |g|\n`,
  );
});
