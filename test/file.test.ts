import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe as suite, test } from 'node:test';
import { CaptureError, capture, type Message } from '../lib/index.js';
import { type CapturedPacket, type PcapOptions, pcap, pcapng, toPackets } from './support/capture-file.js';
import { Conversation, interleave } from './support/conversation.js';
import { collect, skip, temporaryFile } from './support/environment.js';
import { type CompareOptions, compare, compareLossy, expect, marks } from './support/expected.js';
import { type Framing, flag, frame, linkType, type Segment } from './support/frame.js';
import { type HttpRequest, request, response } from './support/http.js';
import { mangle, type NetworkOptions, split } from './support/network.js';
import { Random } from './support/random.js';
import { traffic } from './support/traffic.js';

const nanoseconds: PcapOptions = { nanoseconds: true };

async function read(packets: CapturedPacket[], options: PcapOptions = nanoseconds): Promise<Message[]> {
  return collect(capture({ file: temporaryFile(pcap(packets, options)) }));
}

async function readSegments(segments: Segment[], framing: Framing = { link: 'ethernet' }): Promise<Message[]> {
  return read(toPackets(segments, framing));
}

/** Captures just these conversations and expects all that they said. */
async function check(conversations: Conversation[], segments = interleave(conversations), options?: CompareOptions) {
  const messages = await readSegments(segments);
  compare(messages, expect(conversations, segments), options);
  return messages;
}

const marked = (mark: string): { headers: [string, string][] } => ({ headers: [['X-Id', mark]] });

suite('messages of a file', () => {
  for (const seed of [1, 2, 3, 4]) {
    test(`everything that was said, byte for byte (seed ${seed})`, async () => {
      const { conversations, segments } = traffic({ seed, v6: seed % 2 === 0 });
      await check(conversations, segments);
    });
  }

  test('content is decoded by text(), json() and bytes()', async () => {
    const value = { name: 'Zoë', list: Array.from({ length: 500 }, (_, i) => i) };
    const text = JSON.stringify(value);
    const conversation = new Conversation().handshake();
    for (const coding of ['gzip', 'br', 'deflate', undefined] as const)
      for (const chunked of [undefined, [7, 300]])
        conversation.exchange(
          request(),
          response({ body: text, coding, chunked, headers: [['Content-Type', 'application/json']] }),
        );
    conversation.close();
    const messages = await check([conversation]);
    const responses = messages.filter((message) => message.kind === 'response');
    assert.equal(responses.length, 8);
    for (const message of responses) {
      assert.equal(await message.text(), text);
      assert.deepEqual(await message.json(), value);
      assert.equal(Buffer.from(await message.bytes()).toString(), text);
    }
  });

  test('a body that claims a coding and is not coded is ERR_DECODE', async () => {
    const conversation = new Conversation().handshake();
    conversation.exchange(request(), response({ body: 'plain', headers: [['Content-Encoding', 'gzip']] })).close();
    const [, answer] = await check([conversation]);
    await assert.rejects(async () => answer?.text(), { name: 'CaptureError', code: 'ERR_DECODE' });
  });

  test('a response is delivered after its request, and early ones wait', async () => {
    // The server answers after the head of the upload; the rest of the body follows.
    const conversation = new Conversation({ ackEvery: 1 }).handshake();
    const upload = request({
      method: 'POST',
      target: '/upload',
      body: 'x'.repeat(5000),
      headers: [['Expect', '100-continue']],
    });
    conversation.streams[0].push(upload.wire);
    const early = response({ status: 413, statusText: 'Content Too Large', body: 'no' });
    const interim = response({ status: 100, statusText: 'Continue' });
    const end = upload.wire.length;
    const asked = { message: upload, conversation, side: 0 as const, start: 0, end };
    conversation.send(0, upload.head);
    conversation.said.push(asked);
    conversation.say([interim], [asked]);
    conversation.say([early], [asked]);
    conversation.send(0, upload.body).close();
    const messages = await check([conversation]);
    assert.deepEqual(
      messages.map((message) => (message.kind === 'request' ? message.method : message.status)),
      ['POST', 100, 413],
    );
    assert.equal(messages[1]?.kind === 'response' && messages[1].request?.id, messages[0]?.id);
  });

  test('HEAD, 204 and 304 have no body whatever they say', async () => {
    const conversation = new Conversation().handshake();
    conversation.exchange(request({ method: 'HEAD' }), response({ toHead: true, body: 'y'.repeat(300) }));
    conversation.exchange(request({ method: 'HEAD' }), response({ toHead: true, body: 'y', chunked: true }));
    conversation.exchange(request(), response({ status: 204, statusText: 'No Content' }));
    conversation.exchange(
      request(),
      response({ status: 304, statusText: 'Not Modified', headers: [['Content-Length', '77']] }),
    );
    conversation.exchange(request(), response({ body: 'last' })).close();
    await check([conversation]);
  });

  test('nothing is looked for behind 101 and CONNECT', async () => {
    const looksLike = Buffer.from('GET /not-http HTTP/1.1\r\nHost: a\r\n\r\n');
    const upgraded = new Conversation().handshake();
    upgraded.exchange(
      request({
        headers: [
          ['Connection', 'Upgrade'],
          ['Upgrade', 'websocket'],
        ],
      }),
      response({
        status: 101,
        statusText: 'Switching Protocols',
        headers: [
          ['Connection', 'Upgrade'],
          ['Upgrade', 'websocket'],
        ],
      }),
    );
    upgraded
      .send(0, looksLike.subarray(3))
      .send(1, Buffer.from([0x81, 2, 0x68, 0x69]))
      .close();
    await check([upgraded]);
    const tunnel = new Conversation().handshake();
    const connect = request({ method: 'CONNECT', target: 'example.test:443', host: 'example.test:443' });
    tunnel.exchange(connect, {
      ...response({ status: 200, statusText: 'Connection established', untilClose: true }),
      untilClose: false,
    });
    tunnel.send(0, Buffer.from([22, 3, 1, 0, 5, 1, 2, 3, 4, 5])).close();
    const messages = await readSegments(interleave([tunnel]));
    assert.deepEqual(
      messages.map((message) => (message.kind === 'request' ? message.target : message.status)),
      ['example.test:443', 200],
    );
  });

  test('text, JSON and structured clone of a message', async () => {
    const conversation = new Conversation().handshake();
    conversation.exchange(
      request({ target: '/api/me?x=1' }),
      response({ status: 401, statusText: 'Unauthorized', body: '{"a":1}', coding: 'gzip' }),
    );
    const [asked, answer] = await check([conversation.close()]);
    assert.ok(asked?.kind === 'request' && answer?.kind === 'response');
    const line = JSON.parse(JSON.stringify(answer));
    assert.equal(line.kind, 'response');
    assert.equal(line.status, 401);
    assert.equal(line.requestId, asked.id);
    assert.equal(line.integrity, 'complete');
    const second = new Date(Number(answer.startTime / 1_000_000n)).toISOString().slice(0, -5);
    assert.equal(line.startTime, `${second}.${String(answer.startTime % 1_000_000_000n).padStart(9, '0')}Z`);
    assert.equal(line.body, '{"a":1}');
    assert.equal(line.bodyDecoded, true);
    const plain = structuredClone(answer.detach());
    assert.equal(plain.status, 401);
    assert.equal(plain.id, answer.id);
    assert.deepEqual(Buffer.from(plain.body ?? []), Buffer.from(answer.body ?? []));
  });
});

suite('formats', () => {
  const { conversations, segments } = traffic({ seed: 11, conversations: 3, exchanges: 6 });
  const six = traffic({ seed: 12, conversations: 3, exchanges: 6, v6: true });
  const both = { conversations: [...conversations, ...six.conversations], segments: [...segments, ...six.segments] };

  for (const bigEndian of [false, true])
    for (const nano of [false, true])
      test(`pcap, ${bigEndian ? 'big' : 'little'}-endian, ${nano ? 'nano' : 'micro'}seconds`, async () => {
        const messages = await read(toPackets(segments, { link: 'ethernet' }), { bigEndian, nanoseconds: nano });
        compare(messages, expect(conversations, segments), { resolutionNs: nano ? 1n : 1000n });
      });

  const framings: Framing[] = [
    { link: 'ethernet' },
    { link: 'ethernet', vlans: [7] },
    { link: 'ethernet', vlans: [7, 8] },
    { link: 'sll', vlans: [7] },
    { link: 'sll', vlans: [7, 8] },
    { link: 'ethernet', checksums: 'zero' },
    { link: 'ethernet', zeroLength: true, pad: false },
    { link: 'raw' },
    { link: 'null' },
    { link: 'loop' },
    { link: 'sll' },
    { link: 'sll2' },
  ];
  for (const framing of framings)
    test(`link layer ${JSON.stringify(framing)}`, async () => {
      // IPv6 with payload length 0 is a jumbogram or nothing: only IPv4 is written so.
      const { conversations: said, segments: sent } = framing.zeroLength ? { conversations, segments } : both;
      compare(await readSegments(sent, framing), expect(said, sent));
    });

  for (const bigEndian of [false, true])
    test(`pcapng, ${bigEndian ? 'big' : 'little'}-endian, interfaces of several link types and resolutions, two sections`, async () => {
      const interfaces = [
        { linkType: linkType.ethernet, resolution: 9 },
        { linkType: linkType.sll, resolution: 9, offsetSeconds: 1_600_000_000 },
        { linkType: linkType.raw, resolution: 0x80 | 33 },
      ];
      const links = ['ethernet', 'sll', 'raw'] as const;
      const packets = segments.map((segment) => {
        const interfaceId = conversations.findIndex((one) => one.ends === segment.ends) % 3;
        const link = links[interfaceId] as (typeof links)[number];
        return { timeNs: segment.timeNs, data: frame(segment, { link }), linkType: linkType[link], interfaceId };
      });
      const first = pcapng(packets, { bigEndian, interfaces, otherBlocks: true });
      const second = pcapng(toPackets(six.segments, { link: 'null', bigEndian: !bigEndian }), {
        bigEndian: !bigEndian,
        interfaces: [{ linkType: linkType.null, resolution: 9 }],
      });
      const messages = await collect(capture({ file: temporaryFile(Buffer.concat([first, second]), 'x.pcapng') }));
      compare(messages, expect(both.conversations, both.segments), { resolutionNs: false });
      const exact = messages.filter((message) => message.connection.client.port % 3 === 20_000 % 3);
      const want = expect(both.conversations, both.segments).filter(
        (one) => one.conversation.ends[0].port % 3 === 20_000 % 3,
      );
      compare(exact, want);
    });

  test('the default resolution of pcapng is microseconds', async () => {
    const file = pcapng(toPackets(segments, { link: 'ethernet' }), { interfaces: [{ linkType: linkType.ethernet }] });
    const messages = await collect(capture({ file: temporaryFile(file, 'x.pcapng') }));
    compare(messages, expect(conversations, segments), { resolutionNs: 1000n });
  });

  test('packets of an unsupported link type are counted and warned about, the others are read', async () => {
    const strange = Array.from({ length: 5 }, (_, i) => ({
      timeNs: 1_668_229_140_000_000_000n + BigInt(i),
      data: Buffer.alloc(60, i),
      linkType: 147,
      interfaceId: 1,
    }));
    const file = pcapng([...strange, ...toPackets(segments, { link: 'ethernet' })], {
      interfaces: [{ linkType: linkType.ethernet, resolution: 9 }, { linkType: 147 }],
    });
    const warned: (Error & { code?: string })[] = [];
    const note = (warning: Error) => warned.push(warning);
    process.on('warning', note);
    const tap = capture({ file: temporaryFile(file, 'x.pcapng') });
    compare(await collect(tap), expect(conversations, segments));
    assert.equal(tap.stats().packets.unsupported, 5);
    assert.equal(tap.stats().packets.received, segments.length + 5);
    await new Promise(setImmediate);
    process.off('warning', note);
    assert.deepEqual(
      warned.map((warning) => warning.code),
      ['FLOWTAP_UNSUPPORTED_LINK_TYPE'],
    );
    assert.match(String(warned[0]), /^FlowtapWarning: 5 packets of link type LINKTYPE_147,/);
  });

  test('packets written here are what tcpdump takes for right', {
    skip: spawnSync('tcpdump', ['--version']).error ? skip('tcpdump is not installed') : false,
  }, () => {
    for (const [framing, sent] of [
      [{ link: 'ethernet', vlans: [5] }, both.segments],
      [{ link: 'sll2' }, segments],
    ] as [Framing, Segment[]][]) {
      const file = temporaryFile(pcap(toPackets(sent, framing)));
      const { stdout } = spawnSync('tcpdump', ['-nn', '-vv', '-r', file], {
        encoding: 'utf8',
      });
      assert.equal(stdout.match(/cksum 0x[0-9a-f]+ \(correct\)/g)?.length, sent.length);
      assert.doesNotMatch(stdout, /incorrect|bad|wrong/);
    }
  });
});

suite('a hostile network', () => {
  const lossless: [string, Omit<NetworkOptions, 'seed'>][] = [
    ['reordering', { reorder: 0.1 }],
    ['heavy reordering', { reorder: 0.5, reorderDistance: 12 }],
    ['retransmission', { retransmit: 0.2 }],
    ['overlap', { overlap: 0.3 }],
    ['packets captured twice', { duplicate: 1 }],
    ['everything but loss', { reorder: 0.1, retransmit: 0.04, overlap: 0.02, duplicate: 0.02 }],
  ];
  for (const [name, network] of lossless)
    for (const wrap of [false, true])
      test(`${name}${wrap ? ', sequence numbers wrap' : ''}`, async () => {
        const { conversations, segments } = traffic({ seed: 21, wrap });
        const captured = mangle(segments, { seed: 22, ...network });
        await check(conversations, captured);
      });

  test('segments of one byte, out of order', async () => {
    const { conversations, segments } = traffic({
      seed: 23,
      conversations: 2,
      exchanges: 2,
      mss: 1,
      maxBodyBytes: 300,
    });
    await check(conversations, mangle(segments, { seed: 24, reorder: 0.3, duplicate: 0.1 }));
  });

  for (const seed of [31, 32, 33, 34])
    test(`loss: exactly what is intact is complete (seed ${seed})`, async () => {
      const { conversations, segments } = traffic({
        seed,
        plain: true,
        conversations: 10,
        exchanges: 20,
        pipelined: 0,
      });
      const captured = mangle(segments, { seed, reorder: 0.05, retransmit: 0.02, overlap: 0.01, lose: 0.01 });
      const want = expect(conversations, captured);
      assert.ok(want.filter((one) => one.missingBytes > 0).length > 3, 'the seed loses too little to show anything');
      const tap = capture({ file: temporaryFile(pcap(toPackets(captured, { link: 'ethernet' }), nanoseconds)) });
      const { unseen } = compareLossy(await collect(tap), want);
      assert.deepEqual(marks(unseen), []);
      assert.ok(tap.stats().tcp.missingBytes > 0);
    });

  for (const seed of [35, 36])
    test(`loss among pipelined messages: nothing is invented (seed ${seed})`, async () => {
      const { conversations, segments } = traffic({
        seed,
        plain: true,
        conversations: 10,
        exchanges: 20,
        pipelined: 0.6,
      });
      const captured = mangle(segments, { seed, reorder: 0.05, retransmit: 0.02, overlap: 0.01, lose: 0.01 });
      const want = expect(conversations, captured);
      // Who pipelines cannot be told from who waited for answers that were lost.
      const { unseen } = compareLossy(await readSegments(captured), want, { pairing: false });
      // A message that begins in the middle of a segment, behind one whose end cannot be known, may stay unseen.
      assert.ok(unseen.length < want.length / 20, marks(unseen).join(', '));
    });

  test('a response whose request was lost is not paired with an earlier request, whose response was lost', async () => {
    const conversation = new Conversation({ ackEvery: 1 }).handshake();
    for (let i = 1; i <= 4; i++)
      conversation.exchange(request(marked(`q${i}`)), response({ ...marked(`r${i}`), body: 'x' }));
    conversation.close();
    const [, r2] = conversation.segments.filter((segment) => segment.side === 1 && segment.payload.length > 0);
    const [, , q3] = conversation.segments.filter((segment) => segment.side === 0 && segment.payload.length > 0);
    const captured = conversation.segments.filter((segment) => segment !== r2 && segment !== q3);
    const messages = await readSegments(captured);
    assert.deepEqual(marks(compareLossy(messages, expect([conversation], captured)).unseen), []);
    const answers = messages.filter((message) => message.kind === 'response');
    assert.deepEqual(
      answers.map((answer) => `${answer.headers.get('x-id')} to ${answer.request?.headers.get('x-id')}`),
      ['r1 to q1', 'r3 to undefined', 'r4 to q4'],
    );
  });

  test('a gap inside of a body of known length leaves the pairing of what is pipelined behind it', async () => {
    const conversation = new Conversation().handshake();
    conversation.exchange(request(marked('q0')), response({ ...marked('r0'), body: 'g'.repeat(9000) }));
    conversation.pipeline(
      [1, 2, 3].map((i) => ({
        request: request(marked(`q${i}`)),
        responses: [response({ ...marked(`r${i}`), body: 'x' })],
      })),
    );
    conversation.close();
    const lost = conversation.segments.filter((segment) => segment.side === 1 && segment.payload.length > 0)[2];
    const captured = conversation.segments.filter((segment) => segment !== lost);
    const { damaged, unseen } = compareLossy(await readSegments(captured), expect([conversation], captured));
    assert.deepEqual([damaged, ...marks(unseen)], [1]);
  });

  test('a head whose pieces come in the wrong order ends when its last piece was captured', async () => {
    const conversation = new Conversation({ ackEvery: 9 }).handshake();
    conversation.exchange(
      request({ ...marked('q'), target: `/${'a'.repeat(4000)}` }),
      response({ ...marked('r'), body: 'x' }),
    );
    conversation.close();
    const data = conversation.segments.filter((segment) => segment.side === 0 && segment.payload.length > 0);
    const at = conversation.segments.indexOf(data[0] as Segment);
    const times = data.map((segment) => segment.timeNs);
    const turned = data.reverse().map((segment, i) => ({ ...segment, timeNs: times[i] as bigint }));
    const captured = conversation.segments.toSpliced(at, data.length, ...turned);
    await check([conversation], captured);
  });

  test('the bytes that came first win, and the message is delivered as they say', async () => {
    const { conversations, segments } = traffic({ seed: 41, plain: true });
    const captured = mangle(segments, { seed: 42, conflict: 0.2 });
    assert.ok(captured.some((segment) => segment.forged));
    await check(conversations, captured);
  });

  test('a conflict with bytes that still wait is counted', async () => {
    const conversation = new Conversation().handshake();
    conversation.exchange(request({ target: `/${'a'.repeat(3000)}` }), response({ body: 'b' })).close();
    const [first, second] = conversation.segments.filter(
      (segment) => segment.side === 0 && segment.payload.length > 0,
    ) as [Segment, Segment];
    const forged = { ...second, payload: Buffer.alloc(second.payload.length, 0x7a), forged: true };
    const rest = conversation.segments.filter((segment) => segment !== first && segment !== second);
    const at = rest.findIndex((segment) => segment.side === 1 && (segment.flags & flag.syn) === 0);
    const captured = [...rest.slice(0, at), second, forged, first, ...rest.slice(at)];
    const tap = capture({ file: temporaryFile(pcap(toPackets(captured, { link: 'ethernet' }), nanoseconds)) });
    compare(await collect(tap), expect([conversation], captured));
    assert.ok(tap.stats().tcp.conflictingBytes >= second.payload.length, JSON.stringify(tap.stats().tcp));
  });
});

suite('the life of a connection', () => {
  const talk = (options?: ConstructorParameters<typeof Conversation>[0]) => new Conversation(options);

  test('from the middle, without handshake', async () => {
    const conversation = talk().withoutHandshake();
    for (let i = 0; i < 3; i++)
      conversation.exchange(request(marked(`q${i}`)), response({ ...marked(`r${i}`), body: 'x' }));
    await check([conversation.close()]);
  });

  test('one direction alone', async () => {
    const conversation = talk().handshake();
    for (let i = 0; i < 5; i++)
      conversation.exchange(
        request({ ...marked(`q${i}`), method: 'POST', body: 'z'.repeat(4000) }),
        response({ ...marked(`r${i}`), body: 'x' }),
      );
    conversation.close();
    for (const side of [0, 1] as const) {
      const captured = conversation.segments.filter((segment) => segment.side === side);
      const messages = await readSegments(captured);
      const want = expect([conversation], captured).filter((one) => one.side === side);
      compare(
        messages,
        want.map(({ request: _, ...one }) => one),
      );
    }
  });

  test('a client that comes from the server port is still the client', async () => {
    const conversation = talk({ client: { port: 8000 }, server: { port: 8000 } }).handshake();
    await check([conversation.exchange(request(), response({ body: 'x' })).close()]);
  });

  test('ports that are used again, with a new ISN, before the old connection is over', async () => {
    const first = talk()
      .handshake()
      .exchange(request(marked('q1')), response({ ...marked('r1'), body: 'one' }));
    const second = talk({ startNs: first.timeNs + 1_000_000_000n, isn: [3_000_000_000, 5] }).handshake();
    second.exchange(request(marked('q2')), response({ ...marked('r2'), body: 'two' })).close();
    const messages = await check([first, second]);
    assert.equal(new Set(messages.map((message) => message.connection.id)).size, 2);
  });

  test('keep-alive probes, with and without the garbage byte', async () => {
    const conversation = talk().handshake();
    for (let i = 0; i < 4; i++) {
      conversation.exchange(request(marked(`q${i}`)), response({ ...marked(`r${i}`), body: 'x' }));
      conversation
        .wait(5_000_000_000n)
        .keepAlive(0, i % 2 === 1)
        .keepAlive(1, i % 2 === 0);
    }
    await check([conversation.close()]);
  });

  test('data on the SYN', async () => {
    const conversation = talk();
    const asked = conversation.fastOpen(request(marked('q')));
    conversation.say([response({ ...marked('r'), body: 'fast' })], [asked]);
    await check([conversation.close()]);
  });

  test('half-close: the answer comes after the FIN of the client', async () => {
    const conversation = talk().handshake();
    const asked = conversation.say([request(marked('q'))]);
    conversation.fin(0);
    conversation.say([response({ ...marked('r'), body: 'late'.repeat(2000), untilClose: true })], asked);
    await check([conversation.close(1)]);
  });

  test('what ends in the middle says how', async () => {
    const whole = response({ ...marked('r'), body: 'w'.repeat(9000) });
    const half = (end: (conversation: Conversation) => void) => {
      const conversation = talk().handshake();
      conversation.say([request(marked('q'))]);
      conversation.send(1, whole.wire.subarray(0, 5000));
      end(conversation);
      return conversation;
    };
    const integrity = async (conversation: Conversation) => {
      const messages = await readSegments(conversation.segments);
      assert.deepEqual(
        messages.map((message) => message.kind),
        ['request', 'response'],
      );
      const [asked, answer] = messages as [Message, Message];
      assert.equal(asked.integrity, 'complete');
      const kept = 5000 - whole.head.length;
      assert.equal(answer.bodyLength, kept);
      assert.ok(Buffer.from(answer.body ?? []).equals(whole.body.subarray(0, kept)));
      return answer.integrity;
    };
    assert.equal(await integrity(half((conversation) => conversation.reset(0))), 'aborted');
    assert.equal(await integrity(half((conversation) => conversation.close(1))), 'aborted');
    assert.equal(await integrity(half(() => {})), 'truncated');
  });

  test('a gap in a body of known length: the message is marked, the next is found at once', async () => {
    const conversation = talk().handshake();
    const asked = [request(marked('q1')), request(marked('q2'))] as [HttpRequest, HttpRequest];
    conversation.exchange(asked[0], response({ ...marked('r1'), body: Buffer.from('0123456789'.repeat(1000)) }));
    conversation.exchange(asked[1], response({ ...marked('r2'), body: 'after' })).close();
    const big = conversation.segments.filter((segment) => segment.side === 1 && segment.payload.length > 0);
    const lost = big[3] as Segment;
    const captured = conversation.segments.filter((segment) => segment !== lost);
    const messages = await readSegments(captured);
    assert.deepEqual({ ...compareLossy(messages, expect([conversation], captured)) }, { damaged: 1, unseen: [] });
    const damaged = messages.find((message) => message.integrity !== 'complete');
    assert.equal(damaged?.integrity, 'gap');
    assert.equal(damaged?.headers.get('x-id'), 'r1');
    assert.equal(damaged?.bodyLength, 10_000 - lost.payload.length);
  });

  test('a snap length cuts the messages that it cuts, and only those', async () => {
    const conversation = talk().handshake();
    conversation.exchange(request(marked('q1')), response({ ...marked('r1'), body: 'short' }));
    conversation.exchange(request(marked('q2')), response({ ...marked('r2'), body: 'l'.repeat(4000) }));
    conversation.exchange(request(marked('q3')), response({ ...marked('r3'), body: 'short' })).close();
    const messages = await read(toPackets(conversation.segments, { link: 'ethernet' }), {
      nanoseconds: true,
      snaplen: 400,
    });
    const integrity = Object.fromEntries(messages.map((message) => [message.headers.get('x-id'), message.integrity]));
    assert.deepEqual(integrity, {
      q1: 'complete',
      r1: 'complete',
      q2: 'complete',
      r2: 'truncated',
      q3: 'complete',
      r3: 'complete',
    });
  });

  test('a segment in pieces that overlap each other', async () => {
    const conversation = talk({ mss: 60_000 }).handshake();
    conversation
      .exchange(request(marked('q')), response({ ...marked('r'), body: new Random(5).bytes(20_000) }))
      .close();
    const captured = conversation.segments.flatMap((segment) =>
      segment.payload.length > 10_000
        ? split(segment, [
            [5000, 9000],
            [0, 100],
            [8000, segment.payload.length],
            [50, 6000],
          ])
        : [segment],
    );
    await check([conversation], captured);
  });
});

suite('selection and limits', () => {
  const { conversations, segments } = traffic({ seed: 51, conversations: 4, exchanges: 6 });
  const file = temporaryFile(pcap(toPackets(segments, { link: 'ethernet' }), nanoseconds));
  const of = (ports: number[]) =>
    expect(conversations, segments).filter((one) => one.conversation.ends.some((end) => ports.includes(end.port)));

  test('port: a number or several', async () => {
    compare(await collect(capture({ file, port: 8000 })), of([8000]));
    compare(await collect(capture({ file, port: 20_001 })), of([20_001]));
    compare(await collect(capture({ file, port: [20_001, 20_003] })), of([20_001, 20_003]));
    assert.deepEqual(await collect(capture({ file, port: 9 })), []);
  });

  test('port selects the innermost connection: inside a VLAN too', async () => {
    const inVlan = temporaryFile(pcap(toPackets(segments, { link: 'ethernet', vlans: [3, 4] }), nanoseconds));
    compare(await collect(capture({ file: inVlan, port: [20_001, 20_003] })), of([20_001, 20_003]));
  });

  test('address', async () => {
    compare(await collect(capture({ file, address: '10.1.0.2' })), of([20_001]));
    compare(await collect(capture({ file, address: ['10.1.0.2', '10.1.0.3'] })), of([20_001, 20_002]));
  });

  test('a BPF expression on the outer packet', async () => {
    const tap = capture({ file, filter: 'host 10.1.0.2' });
    compare(await collect(tap), of([20_001]));
    assert.ok(tap.stats().packets.filteredOut > 0);
    assert.deepEqual(await collect(capture({ file, filter: 'host 10.1.0.2', port: 20_003 })), []);
  });

  test('maxBodyBytes cuts what is kept, not what is counted', async () => {
    const messages = await collect(capture({ file, maxBodyBytes: 100 }));
    const want = of([8000]);
    assert.equal(messages.length, want.length);
    const byMark = new Map(want.map((one) => [`${one.message.kind} ${new Map(one.message.headers).get('X-Id')}`, one]));
    for (const message of messages) {
      const mark = message.headers.get('x-id');
      if (mark === null) continue;
      const body = byMark.get(`${message.kind} ${mark}`)?.message.body as Buffer;
      assert.equal(message.bodyLength, body.length);
      assert.equal(message.bodyTruncated, body.length > 100);
      assert.equal(message.integrity, 'complete');
      assert.ok(Buffer.from(message.body ?? []).equals(body.subarray(0, 100)));
    }
    assert.ok(messages.some((message) => message.bodyTruncated));
  });

  test('counters reconcile', async () => {
    const captured = mangle(segments, {
      seed: 52,
      reorder: 0.1,
      retransmit: 0.1,
      overlap: 0.1,
      lose: 0.02,
      duplicate: 0.1,
    });
    const tap = capture({ file: temporaryFile(pcap(toPackets(captured, { link: 'ethernet' }), nanoseconds)) });
    const messages = await collect(tap);
    const { packets, tcp, http, delivery } = tap.stats();
    assert.equal(packets.received, captured.length);
    assert.equal(packets.received, packets.decoded + packets.notTcp + packets.malformed + packets.unsupported);
    assert.equal(
      tcp.payloadBytes,
      captured.reduce((sum, segment) => sum + segment.payload.length, 0),
    );
    assert.equal(
      tcp.payloadBytes,
      tcp.deliveredBytes + tcp.duplicateBytes + tcp.conflictingBytes + tcp.evictedBytes + tcp.bufferedBytes,
    );
    assert.equal(tcp.bufferedBytes, 0);
    assert.equal(http.messagesOpen, 0);
    assert.equal(http.messagesStarted, http.messagesFinished);
    assert.equal(delivery.messagesHeld, 0);
    assert.equal(delivery.messagesDropped, 0);
    assert.equal(delivery.messagesDelivered, messages.length);
  });

  test('an empty capture has no messages', async () => {
    const tap = capture({ file: temporaryFile(pcap([])) });
    assert.deepEqual(await collect(tap), []);
    assert.equal(tap.stats().packets.received, 0);
  });

  test('errors are CaptureErrors', () => assert.throws(() => capture({ file, port: -1 }), CaptureError));
});
