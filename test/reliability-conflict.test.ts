/** Packets that disagree about bytes: those that came first are shown, and the message says so. */
import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { capture } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation } from './support/conversation.js';
import { collect, temporaryFile } from './support/environment.js';
import type { Segment } from './support/frame.js';
import { request, response } from './support/http.js';
import { cut } from './support/network.js';

const body = 'b'.repeat(5000);

/** Two exchanges, the second with a response of several segments. */
function conversation(): Conversation {
  return new Conversation()
    .handshake()
    .exchange(request({ target: '/first' }), response({ body: 'a' }))
    .exchange(request({ target: '/second' }), response({ body }))
    .close();
}

function dataOf(segments: readonly Segment[], side: 0 | 1): Segment[] {
  return segments.filter((segment) => segment.side === side && segment.payload.length > 0);
}

/** The segment again, with other bytes from `from` to before `to`. */
function forged(segment: Segment, from = 0, to = segment.payload.length): Segment {
  const payload = Buffer.from(segment.payload);
  for (let at = from; at < to; at++) payload[at] = (payload[at] as number) ^ 1;
  return { ...segment, payload, forged: true };
}

/** Captured as they are, with `extra` behind one of them. */
async function read(segments: readonly Segment[], extra: Segment, behind: Segment) {
  const captured = segments.toSpliced(segments.indexOf(behind) + 1, 0, { ...extra, timeNs: behind.timeNs + 100n });
  const tap = capture({ file: temporaryFile(pcap(toPackets(captured, { link: 'ethernet' }), { nanoseconds: true })) });
  const messages = await collect(tap);
  assert.deepEqual(
    messages.map((message) => message.integrity),
    Array.from({ length: 4 }, () => 'complete'),
  );
  assert.equal(messages.find((message) => message.bodyLength === body.length)?.body?.toString(), body);
  const { tcp } = tap.stats();
  assert.equal(
    tcp.deliveredBytes + tcp.duplicateBytes + tcp.conflictingBytes + tcp.evictedBytes + tcp.bufferedBytes,
    tcp.payloadBytes,
  );
  const marked = messages.filter((message) => message.conflict).map((message) => message.kind);
  return { tcp, marked };
}

suite('conflicts', () => {
  test('a retransmission that differs from what was handed on marks the message that is open', async () => {
    const { segments } = conversation();
    const [, first, second] = dataOf(segments, 1) as [Segment, Segment, Segment];
    const { tcp, marked } = await read(segments, forged(first, 3, 10), second);
    assert.deepEqual(marked, ['response']);
    assert.equal(tcp.conflictingBytes, 7);
    assert.equal(tcp.duplicateBytes, first.payload.length - 7);
  });

  test('one that overlaps several segments in part', async () => {
    const { segments } = conversation();
    const [, first, second] = dataOf(segments, 1) as [Segment, Segment, Segment];
    const both = { ...first, payload: Buffer.concat([first.payload, second.payload]) };
    const part = cut(both, first.payload.length - 8, first.payload.length + 100);
    const { tcp, marked } = await read(segments, forged(part), second);
    assert.deepEqual(marked, ['response']);
    assert.equal(tcp.conflictingBytes, part.payload.length);
  });

  test('of a message that is over it is counted', async () => {
    const { segments } = conversation();
    const [first, second] = dataOf(segments, 0) as [Segment, Segment];
    const { tcp, marked } = await read(segments, forged(first), second);
    assert.deepEqual(marked, []);
    assert.equal(tcp.conflictingBytes, first.payload.length);
  });

  test('behind the end of the connection too', async () => {
    const { segments } = conversation();
    const [first] = dataOf(segments, 0) as [Segment];
    const { tcp, marked } = await read(segments, forged(first), segments.at(-1) as Segment);
    assert.deepEqual(marked, []);
    assert.equal(tcp.conflictingBytes, first.payload.length);
  });

  test('with bytes that wait, the message they belong to is marked', async () => {
    const { segments } = conversation();
    const [, first, second] = dataOf(segments, 1) as [Segment, Segment, Segment];
    const overtaken = segments.filter((segment) => segment !== first);
    const at = overtaken.indexOf(second);
    const turned = overtaken.toSpliced(at + 1, 0, forged(second, 5, 6), { ...first, timeNs: second.timeNs });
    const { tcp, marked } = await read(turned, forged(second, 5, 6), turned[at + 2] as Segment);
    assert.deepEqual(marked, ['response']);
    assert.equal(tcp.conflictingBytes, 2);
  });

  test('the garbage byte of a keep-alive probe is none', async () => {
    const { segments } = conversation();
    const last = dataOf(segments, 0).at(-1) as Segment;
    const probe = { ...cut(last, last.payload.length - 1, last.payload.length), payload: Buffer.of(0) };
    const { tcp, marked } = await read(segments, probe, last);
    assert.deepEqual(marked, []);
    assert.equal(tcp.conflictingBytes, 0);
    assert.equal(tcp.keepAliveProbes, 1);
  });
});
