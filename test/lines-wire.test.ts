import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type CaptureOptions, capture } from '../lib/index.js';
import { pcapOf } from './cli-support.js';

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Compares each batch of a capture with what JSON.stringify makes of its messages, and returns how many there were. */
async function compare(file: Uint8Array, options: CaptureOptions = {}): Promise<number> {
  let count = 0;
  for await (const batch of capture({ ...options, stream: once(file) }).batches()) {
    const want = [...batch].map((message) => `${JSON.stringify(message)}\n`);
    assert.equal(batch.toNDJSON().toString(), want.join(''));
    count += batch.length;
  }
  return count;
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

const heads = [
  'GET / HTTP/1.1\r\n\r\n',
  'GET /a?b="c"\\d\x80\xff HTTP/1.1\r\nHost: h\xe4\r\nEmpty:\r\nSpaces: \t a  b\t \r\nQuote: "\\"\r\n\r\n',
  'GET http://x/y HTTP/1.0\r\nA: b\r\nA: c\r\n\r\n',
  'CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nX: \xa0nbsp\xa0\r\n\r\n',
  // What the fast way leaves alone: folding, bare line feeds, controls, odd names, no colon.
  'GET / HTTP/1.1\r\nFolded: a\r\n b\r\nNext: c\r\n\r\n',
  'GET / HTTP/1.1\nHost: x\n\n',
  '\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET / HTTP/1.1\r\nEsc: \x1b[0m\r\nNul: a\0b\r\n\r\n',
  'GET / HTTP/1.1\r\nBad name: x\r\nSpace : y\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n',
  'GET / HTTP/1.1\r\n: no name\r\n\r\n',
];

test('every kind of head', async () => {
  for (const head of heads) {
    const response = latin1('HTTP/1.1 204 No "Content" \xe4\r\nA: b\r\n\r\n');
    await compare(pcapOf([[{ request: latin1(head), response }]]));
  }
  assert.equal(await compare(pcapOf([[{ request: latin1(heads[1] ?? ''), response: 'HTTP/1.1 200\r\n\r\n' }]])), 2);
});

test('every kind of body', async () => {
  const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const bodies: [string, Uint8Array][] = [
    ['', Buffer.alloc(0)],
    ['', every],
    ['', every.subarray(0, 128)],
    ['', Buffer.from('Grüße 世界 😀 \u2028')],
    ['', Buffer.alloc(20_000, '"\\\n')],
    ['Content-Encoding: gzip\r\n', gzipSync('text')],
    ['content-ENCODING: gzip\r\n', Buffer.from('not gzip')],
    ['Content-Encoding: identity\r\n', Buffer.from('text')],
    ['Content-Encodinh: gzip\r\n', Buffer.from('text')],
  ];
  for (const [fields, body] of bodies) {
    const head = `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n`;
    const file = pcapOf([
      [{ request: 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', response: Buffer.concat([latin1(head), body]) }],
    ]);
    assert.equal(await compare(file), 2);
    assert.equal(await compare(file, { body: 'none' }), 2);
    assert.equal(await compare(file, { maxBodyBytes: 3 }), 2);
  }
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nSum: "1"\r\n\r\n';
  assert.equal(await compare(pcapOf([[{ request: 'GET / HTTP/1.1\r\n\r\n', response: chunked }]])), 2);
  const unanswered = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc';
  assert.equal(await compare(pcapOf([[{ request: 'GET / HTTP/1.1\r\n\r\n', response: unanswered }]])), 2);
  assert.equal(await compare(pcapOf([[{ request: '', response: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' }]])), 1);
});

test('property: as JSON.stringify, whatever the fields and the body are', async () => {
  const value = fc
    .array(fc.constantFrom(...' \t:"\\,a\x01\x7f\x80\xa0\xff'.split('')), { maxLength: 8 })
    .map((parts) => parts.join(''));
  const field = fc
    .tuple(fc.constantFrom('A', 'x-B', 'Content-Encoding', 'a b', 'Set-Cookie'), value)
    .map(([name, text]) => `${name}:${text}\r\n`);
  await fc.assert(
    fc.asyncProperty(fc.array(field, { maxLength: 6 }), fc.uint8Array({ maxLength: 40 }), async (fields, body) => {
      const head = latin1(`POST /x HTTP/1.1\r\n${fields.join('')}Content-Length: ${body.length}\r\n\r\n`);
      await compare(
        pcapOf([[{ request: Buffer.concat([head, body]), response: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' }]]),
      );
    }),
    { numRuns: 150 },
  );
});
