/** Streamed bodies of random traffic, read by consumers of every kind: what they get is what was sent. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe as suite, test } from 'node:test';
import { capture, type Message, type Tap } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { collect, temporaryFile, within } from './support/environment.js';
import { type Expected, expect } from './support/expected.js';
import { mangle, type NetworkOptions } from './support/network.js';
import { Random } from './support/random.js';
import { type TrafficOptions, traffic } from './support/traffic.js';

type Way = (tap: Tap) => AsyncIterable<Message>;

const ways: Record<string, Way> = {
  'message by message': (tap) => tap,
  'in batches': async function* (tap) {
    for await (const batch of tap.batches()) yield* batch;
  },
  'in a chain': (tap) => tap.filter((message) => message.id > 0).map(async (message) => message),
  'as a Readable': (tap) => Readable.from(tap) as AsyncIterable<Message>,
};

/** Each reads a message in its way and gives what it has of the body, which must be the beginning of it; `true`: all of it. */
type Reader = (message: Message, random: Random) => Promise<[Buffer, boolean]>;

const whole: Reader = async (message) => [Buffer.concat(await collect(message.stream())), true];
const readers: Record<string, Reader> = {
  whole,
  async collected(message, random) {
    // Of one that is encoded it would be the content.
    return message.headers.has('content-encoding') ? whole(message, random) : [await message.bytes(), true];
  },
  async partly(message, random) {
    const read: Buffer[] = [];
    let left = random.between(1, 4);
    for await (const chunk of message.stream()) {
      read.push(chunk);
      if (--left === 0) break;
    }
    return [Buffer.concat(read), false];
  },
  async slowly(message, random) {
    const read: Buffer[] = [];
    for await (const chunk of message.stream()) {
      read.push(chunk);
      if (random.chance(0.3)) await new Promise(setImmediate);
    }
    return [Buffer.concat(read), true];
  },
  async afterItsEnd(message, random) {
    await message.finished;
    return whole(message, random);
  },
  async notAtAll() {
    return [Buffer.alloc(0), false];
  },
};

function keyOf(kind: string, connection: string, xId: string | null | undefined): string {
  return `${kind} ${connection} ${xId}`;
}

/** What was said, by kind and X-Id; interim responses have none. */
function index(expected: readonly Expected[]): Map<string, Expected> {
  return new Map(
    expected.map((one) => {
      const xId = one.message.headers.find(([name]) => name === 'X-Id')?.[1];
      return [keyOf(one.message.kind, one.conversation.ends.map((end) => end.port).join(), xId), one];
    }),
  );
}

const keyOfMessage = (message: Message) =>
  keyOf(
    message.kind,
    [message.connection.client.port, message.connection.server.port].join(),
    message.headers.get('x-id'),
  );

function record(seed: number, network?: Omit<NetworkOptions, 'seed'>, options: Partial<TrafficOptions> = {}) {
  const { conversations, segments } = traffic({
    seed,
    conversations: 10,
    exchanges: 15,
    maxBodyBytes: 40_000,
    ...options,
  });
  const captured = network ? mangle(segments, { seed, ...network }) : segments;
  const file = temporaryFile(pcap(toPackets(captured, { link: 'ethernet' }), { nanoseconds: true }));
  return { file, expected: expect(conversations, captured) };
}

async function check(message: Message, reading: Promise<[Buffer, boolean]>, expected: Expected | undefined) {
  const [read, all] = await reading;
  const where = `#${message.id} ${keyOfMessage(message)}`;
  assert.ok(expected, `${where} was not said`);
  const { body, trailers } = expected.message;
  assert.ok(read.equals(body.subarray(0, read.length)), `${where}: ${read.length} of ${body.length} bytes differ`);
  if (all) assert.equal(read.length, body.length, where);
  const end = await message.finished;
  assert.equal(end.integrity, 'complete', where);
  assert.equal(end.bodyLength, body.length, where);
  assert.equal(end.endTime, expected.endTime, where);
  assert.deepEqual(
    end.trailers.raw.map((one) => [...one]),
    trailers,
    where,
  );
}

suite('every body is what was sent', { timeout: 120_000, concurrency: 1 }, () => {
  Object.entries(ways).forEach(([name, way], i) => {
    for (const network of [undefined, { reorder: 0.1, retransmit: 0.1, overlap: 0.05, duplicate: 0.05 }])
      for (const sequentially of [true, false])
        test(`${name}, ${sequentially ? 'one at a time' : 'all at once'}${network ? ', over a bad network' : ''}`, async () => {
          const seed = 700 + i;
          const random = new Random(seed);
          const { file, expected } = record(seed, network);
          const said = index(expected);
          const tap = capture({ file, body: 'stream' });
          const reading: Promise<void>[] = [];
          let count = 0;
          for await (const message of way(tap)) {
            count++;
            if (message.kind === 'response' && message.interim) continue;
            const reader = random.pick(Object.values(readers));
            const checked = check(message, reader(message, random), said.get(keyOfMessage(message)));
            // A rejection must fail the test, not the process.
            checked.catch(() => {});
            reading.push(checked);
            if (sequentially) await within(checked, `#${message.id}`);
          }
          await within(Promise.all(reading), 'all bodies');
          assert.equal(count, expected.length);
          const { messagesLetGo, bodyBytesLetGo } = tap.stats().delivery;
          assert.deepEqual([messagesLetGo, bodyBytesLetGo], [0, 0]);
        });
  });

  test('late, when all messages have come', async () => {
    const { file, expected } = record(720);
    const said = index(expected);
    const messages = await collect(capture({ file, body: 'stream' }));
    assert.equal(messages.length, expected.length);
    for (const message of messages)
      if (message.kind === 'request' || !message.interim)
        await check(message, whole(message, new Random(1)), said.get(keyOfMessage(message)));
  });
});

test('with losses, every body is what was sent up to the first hole, and what is behind holes can be had too', async () => {
  for (const gaps of ['end', 'skip'] as const) {
    const { file, expected } = record(730, { lose: 0.03, reorder: 0.05 }, { plain: true, pipelined: 0 });
    const said = index(expected);
    let damaged = 0;
    for await (const message of capture({ file, body: 'stream' })) {
      const one = said.get(keyOfMessage(message));
      if (!one || (message.kind === 'response' && message.interim)) continue;
      const read = Buffer.concat(await collect(message.stream({ gaps })));
      const end = await message.finished;
      const { body } = one.message;
      const where = `#${message.id} ${keyOfMessage(message)} ${end.integrity} ${read.length} of ${body.length}`;
      if (one.missingBytes > 0) damaged++;
      if (end.integrity === 'complete') assert.equal(one.missingBytes, 0, where);
      if (gaps === 'end' || end.integrity === 'complete')
        assert.ok(read.equals(body.subarray(0, read.length)), `${where}: differs`);
      if (end.integrity === 'complete') assert.equal(read.length, body.length, where);
      if (gaps === 'skip') assert.equal(read.length, end.bodyLength, where);
    }
    assert.ok(damaged > 10, `${damaged}`);
  }
});
