/** Random conversations through a hostile network: what arrives is what was said, or a gap in exactly the right place. */
import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { capture, type Message } from '../lib/index.js';
import { asPacket, ethernetFrame, fragment, Seen, shuffle } from './reliability-support.js';
import { type CapturedPacket, pcap } from './support/capture-file.js';
import type { Conversation } from './support/conversation.js';
import { collect, temporaryFile } from './support/environment.js';
import { compare, compareLossy, describe, expect, marks } from './support/expected.js';
import { ipPacket, type Segment } from './support/frame.js';
import { mangle, type NetworkOptions } from './support/network.js';
import { Random } from './support/random.js';
import { traffic } from './support/traffic.js';

/** The hostile workload of the benchmarks. */
const usual = { reorder: 0.05, retransmit: 0.02, overlap: 0.01, lose: 0.0005 };

interface Captured {
  packets: CapturedPacket[];
  /** The segments of which everything was captured. */
  segments: Segment[];
}

/** Packets of the segments, a share of them in fragments that come in any order; of some, a fragment is lost. */
function toFragments(segments: readonly Segment[], seed: number, share: number, lose: number): Captured {
  const random = new Random(seed);
  const whole: Segment[] = [];
  const packets = segments.flatMap((segment) => {
    const ip = ipPacket(segment);
    const etherType = (ip[0] as number) >> 4 === 6 ? 0x86dd : 0x0800;
    let pieces = random.chance(share) ? shuffle(random, fragment(ip, random.pick([24, 200, 576, 1000]))) : [ip];
    if (pieces.length > 1 && random.chance(lose)) pieces = pieces.slice(1);
    else whole.push(segment);
    if (pieces.length > 1 && random.chance(0.1)) pieces.push(pieces[0] as Buffer);
    return pieces.map((piece) => asPacket(segment.timeNs, ethernetFrame(etherType, piece)));
  });
  return { packets, segments: whole };
}

async function read(packets: CapturedPacket[]) {
  const tap = capture({ file: temporaryFile(pcap(packets, { nanoseconds: true })) });
  const messages = await collect(tap);
  return { messages, stats: tap.stats() };
}

/** What holds under loss beyond compareLossy(): where the damage is. */
function checkDamage(messages: Message[], conversations: Conversation[], captured: Segment[], missingBytes: number) {
  const want = expect(conversations, captured);
  const { damaged, unseen } = compareLossy(messages, want, { resolutionNs: false });
  assert.deepEqual(marks(unseen), []);
  const seen = new Seen(captured);
  const byMark = new Map(messages.map((message) => [message.headers.get('x-id'), message]));
  let lost = 0;
  for (const one of want) {
    lost += one.missingBytes;
    const { message: said } = one;
    const holes = seen.holes(one);
    const [firstHole] = holes;
    if (firstHole === undefined || firstHole[0] < said.head.length) continue;
    // Its head is there, so it must be told of, marked, with the body up to the hole.
    const message = byMark.get(new Map(said.headers).get('X-Id') ?? null);
    assert.ok(message, `not told of: ${marks([one])}`);
    const where = describe(message);
    assert.equal(message.integrity, 'gap', where);
    assert.ok(message.missingBytes > 0, where);
    const body = Buffer.from(message.body ?? []);
    assert.ok(body.equals(said.body.subarray(0, body.length)), `${where}: what is kept is not how the body begins`);
    if (new Map(said.headers).has('Transfer-Encoding')) continue;
    assert.equal(message.missingBytes, one.missingBytes, `${where}: missingBytes`);
    assert.equal(message.bodyLength, said.body.length - one.missingBytes, `${where}: bodyLength`);
    assert.equal(body.length, firstHole[0] - said.head.length, `${where}: ends at the hole`);
  }
  assert.equal(missingBytes, lost, 'bytes in gaps');
  return damaged;
}

suite('the hostile workload', () => {
  for (const [name, factor] of [
    ['its rates', 1],
    ['doubled', 2],
  ] as const)
    for (const seed of [101, 102, 103])
      test(`${name}, seed ${seed}`, async () => {
        const { conversations, segments } = traffic({
          seed,
          plain: true,
          pipelined: 0,
          conversations: 20,
          exchanges: 40,
        });
        const network: NetworkOptions = { seed };
        for (const [key, rate] of Object.entries(usual)) network[key as keyof typeof usual] = rate * factor;
        const captured = mangle(segments, network);
        const packets = captured.map((segment) => asPacket(segment.timeNs, ethernetFrame(0x0800, ipPacket(segment))));
        const { messages, stats } = await read(packets);
        checkDamage(messages, conversations, captured, stats.tcp.missingBytes);
      });

  for (const rate of ['reorder', 'retransmit', 'overlap', 'lose'] as const)
    test(`${rate} alone doubled`, async () => {
      const { conversations, segments } = traffic({
        seed: 110,
        plain: true,
        pipelined: 0,
        conversations: 20,
        exchanges: 40,
      });
      const captured = mangle(segments, { seed: 110, ...usual, [rate]: usual[rate] * 2 });
      const packets = captured.map((segment) => asPacket(segment.timeNs, ethernetFrame(0x0800, ipPacket(segment))));
      const { messages, stats } = await read(packets);
      checkDamage(messages, conversations, captured, stats.tcp.missingBytes);
    });
});

suite('a random hostile network', () => {
  const random = new Random(200);
  for (let round = 0; round < 12; round++) {
    const seed = random.between(1, 1e9);
    const shape = {
      v6: random.chance(0.3),
      wrap: random.chance(0.5),
      mss: random.pick([200, 536, 1448, 8948]),
      ackEvery: random.between(1, 4),
    };
    const network = {
      reorder: random.pick([0, 0.05, 0.2]),
      retransmit: random.pick([0, 0.02, 0.1]),
      overlap: random.pick([0, 0.02, 0.2]),
      duplicate: random.pick([0, 0, 0.1, 1]),
    };
    const fragments = random.pick([0, 0.05, 0.5]);
    const words = JSON.stringify({ seed, ...shape, ...network, fragments });

    test(`without loss: ${words}`, async () => {
      const { conversations, segments } = traffic({ seed, ...shape, conversations: 6, exchanges: 10 });
      const { packets, segments: captured } = toFragments(mangle(segments, { seed, ...network }), seed, fragments, 0);
      const { messages, stats } = await read(packets);
      compare(messages, expect(conversations, captured), { resolutionNs: false });
      assert.equal(stats.tcp.missingBytes, 0);
      assert.equal(stats.tcp.gaps, 0);
    });

    test(`with loss: ${words}`, async () => {
      const { conversations, segments } = traffic({
        seed,
        ...shape,
        plain: true,
        pipelined: 0,
        conversations: 6,
        exchanges: 15,
      });
      const mangled = mangle(segments, { seed, ...network, lose: 0.01 });
      const { packets, segments: captured } = toFragments(mangled, seed, fragments, 0.02);
      const { messages, stats } = await read(packets);
      checkDamage(messages, conversations, captured, stats.tcp.missingBytes);
    });
  }
});

suite('clocks that jump', () => {
  const day = 86_400_000_000_000n;
  const { conversations, segments } = traffic({ seed: 401, conversations: 12, exchanges: 60 });
  const packetsOf = (list: readonly Segment[]) =>
    list.map((segment) => asPacket(segment.timeNs, ethernetFrame(0x0800, ipPacket(segment))));

  test('a capture that is followed by an older one: nothing expires', async () => {
    const newer = traffic({ seed: 402, conversations: 6, exchanges: 60, v6: true });
    const first = newer.segments.map((segment) => ({ ...segment, timeNs: segment.timeNs + day }));
    const packets = first.map((segment) => asPacket(segment.timeNs, ethernetFrame(0x86dd, ipPacket(segment))));
    assert.ok(segments.length > 1000, 'several bursts');
    const { messages, stats } = await read([...packets, ...packetsOf(segments)]);
    const all = [...newer.conversations, ...conversations];
    compare(messages, expect(all, [...first, ...segments]), { resolutionNs: false });
    assert.equal(stats.tcp.connectionsExpired, 0);
  });
});
