/** toNDJSON() is held to JSON.stringify(). */
import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import fc from 'fast-check';
import { Batch } from '../lib/batch.js';
import { capture } from '../lib/index.js';
import { flags } from '../lib/layout.js';
import { linesOf } from '../lib/lines.js';
import { messageAt } from '../lib/message.js';
import { ipv4, type MessageSpec, someConnection, writeBatch } from './support/batch-writer.js';
import { pcap, toPackets } from './support/capture-file.js';
import { corpusCaptures } from './support/corpus.js';
import { skip, temporaryFile } from './support/environment.js';
import { traffic } from './support/traffic.js';

const context = { maxDecodedBytes: 1 << 20, maxBodyBytes: 1 << 20, streaming: false };

function check(specs: MessageSpec[]): void {
  const batch = new Batch(writeBatch(specs), context);
  const want = specs.map((_, i) => `${JSON.stringify(messageAt(batch, i))}\n`).join('');
  assert.equal(linesOf(batch, 0, batch.length).toString(), want);
}

suite('NDJSON', () => {
  const request = 'GET /a?b=c HTTP/1.1\nHost: example.test';
  const response = 'HTTP/1.1 200 OK\nContent-Type: text/plain';
  const cases: Record<string, MessageSpec> = {
    'a request': { id: 1, head: request },
    'a response that answers nothing': { id: 2, head: response },
    'a response with a body': { id: 3, requestId: 1, head: response, body: 'hello "world"\\ \n\u0001 ü \u2028 😀' },
    'a binary body': { id: 3, head: response, body: Uint8Array.of(0, 255, 1, 254) },
    'a body that is cut in a character': { id: 3, head: response, body: Uint8Array.of(0xc3), bodyLength: 2 },
    'a separate body': { id: 3, head: response, body: 'x'.repeat(70_000), separateBody: true },
    'a body that was not kept': { id: 3, head: response, bodyLength: 1000 },
    trailers: { id: 3, head: response, body: 'x', trailer: 'Sum: 1\nSign: "2"' },
    'a content coding': { id: 3, head: `${response}\nContent-Encoding: gzip`, body: 'no gzip' },
    'a content coding that is none': { id: 3, head: `${response}\ncontent-ENCODING: identity`, body: 'x' },
    'wide tables': { id: 4, head: `${request}\nCookie: ${'y'.repeat(70_000)}`, wide: true },
    'raw bytes in the head': { id: 5, head: 'GET /\u00ff HTTP/1.1\nHost: h\u0080\nX: "\\\t\u0007' },
    'every mark': {
      id: 6,
      head: request,
      integrity: 1,
      missingBytes: 12345,
      suspicious: 5,
      flags: flags.conflict | flags.bodyTruncated,
    },
    'HTTP/1.0': { id: 7, head: 'GET / HTTP/1.0', httpVersion: 0x10 },
    CONNECT: { id: 8, head: 'CONNECT example.test:443 HTTP/1.1\nHost: example.test:443' },
    'an asterisk': { id: 9, head: 'OPTIONS * HTTP/1.1\nHost: example.test' },
    'an absolute target': { id: 10, head: 'GET http://a.test/b HTTP/1.1\nHost: c.test' },
    'a target that is nothing': { id: 11, head: 'GET nothing HTTP/1.1\nHost: c.test' },
    'no host': { id: 12, head: 'GET /x HTTP/1.1' },
    'an empty host': { id: 13, head: 'GET /x HTTP/1.1\nHost: ' },
    'a folded field': { id: 14, head: `${request}\nX: a\n b`, flags: flags.obsFold },
    'a PROXY header': {
      id: 15,
      head: request,
      connection: {
        ...someConnection,
        proxied: {
          source: ipv4(1, 2, 3, 4),
          destination: ipv4(5, 6, 7, 8),
          sourcePort: 9,
          destinationPort: 10,
          ipVersion: 4,
        },
      },
    },
  };
  for (const [name, spec] of Object.entries(cases)) test(name, () => check([spec]));

  test('all of them in one batch, and parts of it', () => {
    const specs = Object.values(cases).map((spec, i) => ({ ...spec, id: i + 1 }));
    check(specs);
    const batch = new Batch(writeBatch(specs), context);
    const lines = linesOf(batch, 0, specs.length).toString().split('\n');
    assert.equal(linesOf(batch, 3, 7).toString(), `${lines.slice(3, 7).join('\n')}\n`);
    assert.equal(linesOf(batch, 3, 3).length, 0);
  });

  test('whatever is in heads and bodies', () => {
    const character = fc.integer({ min: 0, max: 255 }).filter((code) => code !== 10 && code !== 13);
    const text = fc.array(character, { maxLength: 40 }).map((codes) => String.fromCharCode(...codes));
    const target = text.filter((one) => !/[\s\0]/.test(one));
    const field = fc.tuple(fc.stringMatching(/^[A-Za-z-]{1,20}$/), text).map(([name, value]) => `${name}: ${value}`);
    const spec = fc
      .record({ target, fields: fc.array(field, { maxLength: 5 }), body: fc.uint8Array({ maxLength: 60 }) })
      .map(({ target: to, fields, body }) => ({ id: 1, head: [`GET ${to} HTTP/1.1`, ...fields].join('\n'), body }));
    fc.assert(fc.property(spec, (one) => check([one])));
  });

  for (const seed of [1, 2])
    test(`of a capture (seed ${seed})`, async () => {
      const { segments } = traffic({ seed, v6: seed === 2 });
      await checkFile(temporaryFile(pcap(toPackets(segments, { link: 'ethernet' }), { nanoseconds: true })));
    });

  const files = corpusCaptures();
  test('of real captures', { skip: files.length === 0 ? skip('the corpus is not there') : false }, async () => {
    for (const file of files)
      await checkFile(file).catch((error) => assert.equal(error.code, 'ERR_FILE', `${file}: ${error}`));
  });
});

async function checkFile(file: string): Promise<void> {
  for await (const batch of capture({ file }).batches()) {
    const want = [...batch].map((message) => `${JSON.stringify(message)}\n`);
    assert.equal(batch.toNDJSON().toString(), want.join(''));
  }
}
