import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Readable } from 'node:stream';
import { describe as suite, test } from 'node:test';
import { inspect } from 'node:util';
import { checkFlowLayout } from '../lib/flows/flow-records.js';
import { type CaptureOptions, capture, type FlowConnection, type FlowEvent, flows } from '../lib/index.js';
import { native } from '../lib/native.js';
import { type CapturedPacket, type PcapOptions, pcap, toPackets } from './support/capture-file.js';
import { Conversation, interleave } from './support/conversation.js';
import { collect, loopback, skipUnlessLive, temporaryFile, within } from './support/environment.js';
import { type Framing, flag, type Segment } from './support/frame.js';
import { request, response } from './support/http.js';
import { mangle, type NetworkOptions } from './support/network.js';
import { Random } from './support/random.js';

const nanoseconds: PcapOptions = { nanoseconds: true };

function fileOf(segments: readonly Segment[], framing: Framing = { link: 'ethernet' }): string {
  return temporaryFile(pcap(toPackets(segments, framing), nanoseconds));
}

const read = (segments: readonly Segment[], options: CaptureOptions = {}, framing?: Framing): Promise<FlowEvent[]> =>
  collect(flows({ file: fileOf(segments, framing), ...options }));

/** 'open', 'data > 0+5', 'gap < 5+3 lost', 'end > 8', 'close reset'. */
function describe(event: FlowEvent): string {
  if (event.kind === 'open') return 'open';
  if (event.kind === 'close') return `close ${event.reason}`;
  const place = `${event.kind} ${event.direction === 'client-to-server' ? '>' : '<'} ${event.offset}`;
  if (event.kind === 'end') return place;
  return event.kind === 'data' ? `${place}+${event.length}` : `${place}+${event.length} ${event.cause}`;
}

/** What was told of one connection, put together. */
class Flow {
  readonly connection: FlowConnection;
  /** By side: 0 is the client. */
  readonly bytes: [Buffer[], Buffer[]] = [[], []];
  readonly gaps: { side: number; offset: number; length: number; cause: string }[] = [];
  readonly next: [number, number] = [0, 0];
  readonly ended: [boolean, boolean] = [false, false];
  closed: string | undefined;

  constructor(connection: FlowConnection) {
    this.connection = connection;
  }

  /** Fails unless the event continues the story. */
  add(event: FlowEvent): void {
    assert.equal(this.closed, undefined, `${describe(event)} after close`);
    if (event.kind === 'open') assert.fail('opened twice');
    if (event.kind === 'close') {
      this.closed = event.reason;
      return;
    }
    const side = event.direction === 'client-to-server' ? 0 : 1;
    assert.equal(this.ended[side], false, `${describe(event)} after end`);
    assert.equal(event.offset, this.next[side], describe(event));
    if (event.kind === 'end') {
      this.ended[side] = true;
      return;
    }
    assert.ok(event.length > 0);
    this.next[side] += event.length;
    if (event.kind === 'gap') {
      this.gaps.push({ side, offset: event.offset, length: event.length, cause: event.cause });
      this.bytes[side].push(Buffer.alloc(event.length));
    } else {
      assert.equal(event.bytes.length, event.length);
      this.bytes[side].push(event.bytes);
    }
  }

  stream(side: 0 | 1): Buffer {
    return Buffer.concat(this.bytes[side]);
  }
}

/** Connections by id, each opened once, told of without holes or overlaps, and closed. */
function assemble(events: readonly FlowEvent[]): Map<number, Flow> {
  const all = new Map<number, Flow>();
  for (const event of events) {
    const { id } = event.connection;
    const flow = all.get(id);
    if (flow) flow.add(event);
    else {
      assert.equal(event.kind, 'open', `connection ${id} begins with ${event.kind}`);
      all.set(id, new Flow(event.connection));
    }
  }
  for (const [id, flow] of all) assert.ok(flow.closed, `connection ${id} was not closed`);
  return all;
}

function flowOf(flowsById: Map<number, Flow>, conversation: Conversation): Flow {
  const [client, server] = conversation.ends;
  const found = [...flowsById.values()].filter(
    ({ connection }) =>
      connection.client.port === client.port &&
      connection.client.address === client.address &&
      connection.server.port === server.port &&
      connection.server.address === server.address,
  );
  assert.equal(found.length, 1, `${client.address}:${client.port}: ${found.length} flows`);
  return found[0] as Flow;
}

/** Random bytes, both ways, that are nothing known. */
function chatter(random: Random, index: number, options: { turns?: number; wrap?: boolean } = {}): Conversation {
  const isn = () => (options.wrap ? 0x1_0000_0000 - random.between(1, 3000) : random.between(0, 0xffffffff));
  const conversation = new Conversation({
    client: { address: `10.3.0.${index + 1}`, port: 30_000 + index },
    server: { address: '10.4.0.1', port: 6379 },
    isn: [isn(), isn()],
    mss: random.pick([536, 1448]),
    startNs: 1_700_000_000_000_000_000n + BigInt(random.between(0, 1_000_000)),
    ackEvery: random.between(1, 3),
  }).handshake();
  for (let turn = options.turns ?? 10; turn > 0; turn--) {
    conversation.send(0, random.bytes(random.between(1, 4000)));
    conversation.send(1, random.bytes(random.between(1, 9000)));
  }
  return conversation;
}

suite('flows of a file', () => {
  test('the story of a connection, with times', async () => {
    const conversation = new Conversation({ server: { port: 25 } }).handshake();
    conversation.send(1, Buffer.from('220 mail\r\n')).send(0, Buffer.from('QUIT\r\n')).close(0);
    const events = await read(conversation.segments);
    assert.deepEqual(events.map(describe), [
      'open',
      'data < 0+10',
      'data > 0+6',
      'end > 6',
      'end < 10',
      'close finished',
    ]);
    const [open, greeting] = events;
    assert.equal(open?.time, conversation.segments[0]?.timeNs);
    const carrier = conversation.segments.find((segment) => segment.payload.length > 0);
    assert.equal(greeting?.time, carrier?.timeNs);
    assert.equal(greeting?.timestamp.getTime(), Number((carrier as Segment).timeNs / 1_000_000n));
    assert.ok(greeting?.kind === 'data' && Buffer.isBuffer(greeting.bytes));
    assert.equal(greeting.bytes.toString(), '220 mail\r\n');
    for (const event of events) {
      assert.deepEqual(event.connection, {
        id: 1,
        client: { address: '100.100.102.33', port: 47106 },
        server: { address: '100.100.102.17', port: 25 },
        handshakeSeen: true,
      });
    }
  });

  const networks: [string, Omit<NetworkOptions, 'seed'>][] = [
    ['as sent', {}],
    ['reordered, repeated and overlapping', { reorder: 0.2, retransmit: 0.1, overlap: 0.1, duplicate: 0.1 }],
  ];
  for (const [name, network] of networks)
    for (const seed of [1, 2, 3])
      test(`bytes are those that were sent: ${name} (seed ${seed})`, async () => {
        const random = new Random(seed);
        const conversations = Array.from({ length: 6 }, (_, i) => chatter(random, i, { wrap: seed === 2 }).close());
        const segments = mangle(interleave(conversations), { seed, ...network });
        const tap = flows({ file: fileOf(segments) });
        const all = assemble(await collect(tap));
        assert.equal(all.size, conversations.length);
        let bytes = 0;
        for (const conversation of conversations) {
          const flow = flowOf(all, conversation);
          assert.deepEqual(flow.gaps, []);
          assert.deepEqual(flow.ended, [true, true]);
          assert.equal(flow.closed, 'finished');
          for (const side of [0, 1] as const) {
            assert.ok(flow.stream(side).equals(Buffer.concat(conversation.streams[side])), `side ${side} differs`);
            bytes += flow.stream(side).length;
          }
        }
        const { tcp, delivery, http } = tap.stats();
        assert.equal(tcp.deliveredBytes, bytes);
        assert.equal(tcp.connectionsOpened, tcp.connectionsClosed);
        assert.equal(delivery.eventsDropped, 0);
        assert.ok(delivery.eventsDelivered > 100);
        assert.equal(http.connections + http.otherConnections, 0);
      });

  for (const seed of [1, 2, 3, 4])
    test(`gaps are where bytes were lost, and nowhere else (seed ${seed})`, async () => {
      const random = new Random(seed + 50);
      const conversations = Array.from({ length: 5 }, (_, i) => chatter(random, i).close());
      const sent = interleave(conversations);
      const segments = mangle(sent, { seed, lose: 0.08, reorder: 0.05 });
      const captured = new Set(
        segments
          .filter((segment) => segment.payload.length > 0)
          .map((segment) => `${segment.ends[0].port} ${segment.side} ${segment.sequence}`),
      );
      const all = assemble(await read(segments));
      let gaps = 0;
      for (const conversation of conversations) {
        const flow = flowOf(all, conversation);
        for (const side of [0, 1] as const) {
          const stream = Buffer.concat(conversation.streams[side]);
          const lost: [number, number][] = [];
          for (const segment of conversation.segments) {
            if (segment.side !== side || segment.payload.length === 0) continue;
            if (captured.has(`${segment.ends[0].port} ${side} ${segment.sequence}`)) continue;
            stream.fill(0, segment.offset, segment.offset + segment.payload.length);
            const last = lost.at(-1);
            if (last && last[0] + last[1] === segment.offset) last[1] += segment.payload.length;
            else lost.push([segment.offset, segment.payload.length]);
          }
          const told: [number, number][] = [];
          for (const gap of flow.gaps.filter((one) => one.side === side)) {
            assert.equal(gap.cause, 'lost');
            const last = told.at(-1);
            if (last && last[0] + last[1] === gap.offset) last[1] += gap.length;
            else told.push([gap.offset, gap.length]);
          }
          assert.deepEqual(told, lost);
          assert.ok(flow.stream(side).equals(stream), `side ${side} differs`);
          gaps += lost.length;
        }
      }
      assert.ok(gaps > 0);
    });

  test('what the snap length cut off is a gap', async () => {
    const conversation = new Conversation({ mss: 1000 }).handshake().send(0, Buffer.alloc(2500, 'x')).close();
    const packets = toPackets(conversation.segments, { link: 'ethernet' });
    const file = temporaryFile(pcap(packets, { ...nanoseconds, snaplen: 14 + 20 + 20 + 600 }));
    const events = await collect(flows({ file }));
    assert.deepEqual(events.map(describe), [
      'open',
      'data > 0+600',
      'gap > 600+400 truncated',
      'data > 1000+600',
      'gap > 1600+400 truncated',
      'data > 2000+500',
      'end > 2500',
      'end < 0',
      'close finished',
    ]);
  });

  test('HTTP is bytes like any other', async () => {
    const conversation = new Conversation().handshake();
    conversation.exchange(request({ target: '/a' }), response({ body: 'b'.repeat(5000), chunked: [100] })).close();
    const flow = flowOf(assemble(await read(conversation.segments)), conversation);
    assert.ok(flow.stream(0).equals(Buffer.concat(conversation.streams[0])));
    assert.ok(flow.stream(1).equals(Buffer.concat(conversation.streams[1])));
  });

  test('one direction alone, and a start in mid-stream', async () => {
    const conversation = new Conversation({ server: { port: 9000 } }).handshake();
    conversation.send(0, Buffer.from('first ')).send(0, Buffer.from('second ')).send(0, Buffer.from('third'));
    const oneSided = conversation.segments.filter((segment) => segment.side === 0);
    const whole = [...assemble(await read(oneSided)).values()][0] as Flow;
    assert.equal(whole.stream(0).toString(), 'first second third');
    assert.equal(whole.next[1], 0);
    assert.equal(whole.connection.handshakeSeen, true);

    const later = conversation.segments.filter((segment) => segment.offset >= 6);
    const rest = [...assemble(await read(later)).values()][0] as Flow;
    assert.equal(rest.stream(0).toString(), 'second third');
    assert.equal(rest.connection.handshakeSeen, false);
    assert.equal(rest.connection.server.port, 9000);
  });

  test('without a handshake the server is the selected port, else the lower one', async () => {
    const conversation = new Conversation({ client: { port: 40_000 }, server: { port: 50_051 } }).withoutHandshake();
    conversation.send(0, Buffer.from('ask')).send(1, Buffer.from('answer'));
    const [guessed] = await read(conversation.segments);
    assert.equal(guessed?.connection.server.port, 40_000);
    const [selected, ask] = await read(conversation.segments, { port: 50_051 });
    assert.equal(selected?.connection.server.port, 50_051);
    assert.equal(selected?.connection.handshakeSeen, false);
    assert.equal(ask && describe(ask), 'data > 0+3');
  });

  test('why connections close', async () => {
    const make = (port: number) => new Conversation({ client: { port } }).handshake().send(0, Buffer.from('hello'));
    const reasons = async (segments: readonly Segment[], options?: CaptureOptions) => {
      const events = await read(segments, options);
      assemble(events);
      return events.flatMap((event) => (event.kind === 'close' ? [[event.connection.client.port, event.reason]] : []));
    };
    assert.deepEqual(await reasons(make(41_001).reset(1).segments), [[41_001, 'reset']]);
    assert.deepEqual(await reasons(make(41_002).segments), [[41_002, 'ended']]);

    const first = make(41_003);
    const startNs = first.timeNs + 1000n;
    const again = new Conversation({ client: { port: 41_003 }, isn: [500_000_000, 600_000_000], startNs }).handshake();
    again.send(0, Buffer.from('anew')).close();
    assert.deepEqual(await reasons([...first.segments, ...again.segments]), [
      [41_003, 'reused'],
      [41_003, 'finished'],
    ]);

    // A packet of another connection lets the time pass.
    const idle = make(41_004);
    const later = new Conversation({ client: { port: 41_005 }, startNs: idle.timeNs + 400_000_000_000n }).handshake();
    assert.deepEqual(await reasons([...idle.segments, ...later.segments]), [
      [41_004, 'idle'],
      [41_005, 'ended'],
    ]);

    const crowd = Array.from({ length: 40 }, (_, i) => make(42_000 + i)).flatMap((one) => one.segments);
    const evicted = await reasons(crowd, { maxConnections: 10 });
    assert.equal(evicted.length, 40);
    assert.equal(evicted.filter(([, reason]) => reason === 'evicted').length, 30, JSON.stringify(evicted));
  });

  test('port and address select', async () => {
    const make = (port: number, address: string) =>
      new Conversation({ client: { address, port: 3000 + port }, server: { port } })
        .handshake()
        .send(0, Buffer.from(`to ${port}`))
        .close();
    const segments = interleave([make(80, '10.0.0.1'), make(81, '10.0.0.1'), make(82, '10.0.0.2')]);
    const ports = async (options: CaptureOptions) =>
      [...assemble(await read(segments, options)).values()].map((flow) => flow.connection.server.port);
    assert.deepEqual(await ports({}), [80, 81, 82]);
    assert.deepEqual(await ports({ port: 81 }), [81]);
    assert.deepEqual(await ports({ port: [80, 82] }), [80, 82]);
    assert.deepEqual(await ports({ address: '10.0.0.2' }), [82]);
    assert.deepEqual(await ports({ filter: 'port 80 or port 81', address: '10.0.0.1' }), [80, 81]);
  });

  test('equal addresses in different VLANs are different connections', async () => {
    const make = (text: string) => new Conversation().handshake().send(0, Buffer.from(text)).close();
    const packets: CapturedPacket[] = [7, 8].flatMap((vlan) =>
      toPackets(make(`in ${vlan}`).segments, { link: 'ethernet', vlans: [vlan] }),
    );
    packets.push(...toPackets(make('in none').segments, { link: 'ethernet' }));
    const all = [...assemble(await collect(flows({ file: temporaryFile(pcap(packets, nanoseconds)) }))).values()];
    assert.deepEqual(
      all.map((flow) => [flow.connection.vlan, flow.stream(0).toString()]),
      [
        [7, 'in 7'],
        [8, 'in 8'],
        [undefined, 'in none'],
      ],
    );
    assert.equal('vlan' in (all[2] as Flow).connection, false);
  });

  test('IPv6', async () => {
    const conversation = new Conversation({ server: { address: '2001:db8::66:17', port: 5432 } }).handshake();
    conversation.send(0, Buffer.from('select 1')).close();
    const [open] = await read(conversation.segments);
    assert.deepEqual(open?.connection.server, { address: '2001:db8::66:17', port: 5432 });
  });

  test('a conflict is told where the connection closes', async () => {
    const conversation = new Conversation({ mss: 100 }).handshake().send(0, Buffer.alloc(1000, 'a')).close();
    const at = conversation.segments.findIndex((segment) => segment.offset === 100 && segment.payload.length > 0);
    const held = conversation.segments[at] as Segment;
    const next = conversation.segments.find(
      (segment) => segment.offset === 200 && segment.payload.length > 0,
    ) as Segment;
    // The one behind the hole waits in the buffer when its forgery comes.
    const forged = { ...next, payload: Buffer.alloc(100, 'b'), forged: true };
    const segments = conversation.segments.filter((segment) => segment !== held);
    segments.splice(segments.indexOf(next) + 1, 0, forged, held);
    const events = await read(segments);
    const flow = [...assemble(events).values()][0] as Flow;
    assert.equal(flow.stream(0).toString(), 'a'.repeat(1000));
    const close = events.at(-1);
    assert.ok(close?.kind === 'close' && close.conflict);
  });
});

suite('flows as objects', () => {
  const conversation = new Conversation().handshake().send(0, Buffer.from('\x1b[31mred')).close();
  const file = fileOf(conversation.segments);

  test('detach() gives plain data that survives structuredClone()', async () => {
    const events = await collect(flows({ file }));
    const data = events[1] as FlowEvent;
    assert.throws(() => structuredClone(data), { name: 'DataCloneError', message: /useDetachToCloneAFlowEvent/ });
    for (const event of events) {
      const plain = event.detach();
      assert.deepEqual(structuredClone(plain), plain);
      assert.equal(plain.kind, event.kind);
      assert.equal(plain.time, event.time);
      assert.deepEqual(plain.connection, event.connection);
    }
    const plain = data.detach();
    assert.ok(plain.kind === 'data');
    assert.equal(plain.bytes.constructor, Uint8Array);
    assert.equal(plain.bytes.byteLength, plain.bytes.buffer.byteLength);
    assert.equal(Buffer.from(plain.bytes).toString(), '\x1b[31mred');
  });

  test('JSON and inspect', async () => {
    const [open, data, end, , close] = await collect(flows({ file }));
    const connection = {
      id: 1,
      client: { address: '100.100.102.33', port: 47106 },
      server: { address: '100.100.102.17', port: 8000 },
      handshakeSeen: true,
    };
    assert.deepEqual(JSON.parse(JSON.stringify(data)), {
      kind: 'data',
      connection,
      time: '2022-11-12T04:59:00.123606789Z',
      direction: 'client-to-server',
      offset: 0,
      linkAddresses: { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02' },
      length: 8,
      bytes: Buffer.from('\x1b[31mred').toString('base64'),
    });
    assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(open))), ['kind', 'connection', 'time']);
    assert.equal(JSON.parse(JSON.stringify(end)).offset, 8);
    const { reason, sent } = JSON.parse(JSON.stringify(close));
    assert.equal(reason, 'finished');
    assert.deepEqual(sent.client, {
      startTime: '2022-11-12T04:59:00.123456789Z',
      endTime: sent.client.endTime,
      packets: 4,
      bytes: sent.client.capturedBytes,
      capturedBytes: 62 + 60 + 62 + 60,
      outOfOrder: 0,
      violations: 0,
    });
    const shown = inspect(data);
    assert.match(shown, /^FlowData \{/);
    assert.ok(shown.includes('#1 100.100.102.33:47106 -> 100.100.102.17:8000'), shown);
    assert.ok(!shown.includes('\x1b'));
    assert.equal(inspect({ a: { b: { c: open } } }), '{ a: { b: { c: [FlowOpen] } } }');
  });

  test('what each end sent, and the addresses of its first packet, of every link type that has them', async () => {
    const { segments } = new Conversation()
      .handshake()
      .send(0, Buffer.from('hello'))
      .send(1, Buffer.from('world'))
      .close();
    const addresses: [Framing, unknown[]][] = [
      [
        { link: 'ethernet' },
        [
          { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02' },
          { source: '02:00:00:00:00:02', destination: '02:00:00:00:00:01' },
        ],
      ],
      [{ link: 'sll' }, [{ source: '02:00:00:00:00:01' }, { source: '02:00:00:00:00:02' }]],
      [{ link: 'sll2' }, [{ source: '02:00:00:00:00:01' }, { source: '02:00:00:00:00:02' }]],
      [{ link: 'raw' }, [undefined, undefined]],
    ];
    for (const [framing, expected] of addresses) {
      const events = await collect(flows({ file: fileOf(segments, framing) }));
      const told: unknown[] = [undefined, undefined];
      let close: FlowEvent | undefined;
      for (const event of events) {
        if (event.kind === 'close') close = event;
        if (event.kind === 'open' || event.kind === 'close') continue;
        const side = event.direction === 'client-to-server' ? 0 : 1;
        if (event.offset === 0) told[side] = event.linkAddresses;
        else assert.equal(event.linkAddresses, undefined, 'only once');
      }
      assert.deepEqual(told, expected, framing.link);
      assert.ok(close?.kind === 'close');
      const { client, server } = close.sent;
      const frames = (side: 0 | 1) => segments.filter((segment) => segment.side === side);
      // What acknowledges the other end's FIN comes behind its own.
      const counted = (side: 0 | 1) => frames(side).findIndex((segment) => segment.flags & flag.fin) + 1;
      assert.deepEqual([client?.packets, server?.packets], [counted(0), counted(1)], framing.link);
    }
  });

  test('a connection of which one end was captured: nothing is told of the other', async () => {
    const { segments } = new Conversation().handshake().send(0, Buffer.from('hello')).close();
    const events = await collect(flows({ file: fileOf(segments.filter(({ side }) => side === 0)) }));
    const close = events.at(-1);
    assert.ok(close?.kind === 'close');
    assert.equal(close.sent.server, undefined);
    assert.ok(close.sent.client !== undefined);
  });

  test('an addon of another layout is refused', () => {
    checkFlowLayout(native.layout.flows);
    assert.throws(() => checkFlowLayout(undefined), { code: 'ERR_STATE', message: /npm rebuild/ });
    const { flows: layout } = native.layout;
    assert.throws(() => checkFlowLayout({ ...layout, recordSize: 8 }), /recordSize is 8/);
    assert.throws(
      () => checkFlowLayout({ ...layout, causes: { ...layout.causes, dropped: 0 } }),
      /causes.dropped is 0/,
    );
  });
});

suite('the life of flows()', () => {
  const long = () => {
    const conversation = new Conversation({ mss: 1000 }).handshake();
    for (let i = 0; i < 3000; i++) conversation.send(0, Buffer.alloc(1000, i));
    return conversation.close();
  };
  const file = fileOf(long().segments);

  test('batches() tell the same as events', async () => {
    const one = (await collect(flows({ file }))).map(describe);
    const tap = flows({ file });
    const other: string[] = [];
    let batches = 0;
    for await (const batch of tap.batches()) {
      batches++;
      assert.ok(batch.length > 0);
      assert.deepEqual(batch.at(-1)?.toJSON(), batch.at(batch.length - 1)?.toJSON());
      assert.equal(batch.at(batch.length), undefined);
      for (const event of batch) other.push(describe(event));
    }
    assert.deepEqual(other, one);
    assert.ok(batches > 10);
    assert.equal(tap.stats().delivery.batches, batches);
    assert.equal(tap.stats().delivery.eventsDelivered, one.length);
  });

  test('a stream tells the same as the file, also when the consumer is slow', async () => {
    const bytes = readFileSync(file);
    const chunks = function* () {
      for (let at = 0; at < bytes.length; at += 70_001) yield bytes.subarray(at, at + 70_001);
    };
    const tap = flows({ stream: Readable.from(chunks()), maxQueuedBytes: 64 * 1024 });
    const told: FlowEvent[] = [];
    for await (const batch of tap.batches()) {
      told.push(...batch);
      await new Promise(setImmediate);
    }
    const flow = [...assemble(told).values()][0] as Flow;
    assert.deepEqual(flow.gaps, []);
    assert.ok(flow.stream(0).equals(Buffer.concat(long().streams[0])));
    assert.equal(tap.stats().delivery.eventsDropped, 0);
  });

  test('break, close() and stop() end it; a second consumer is refused', async () => {
    const broken = flows({ file, maxQueuedBytes: 64 * 1024 });
    for await (const event of broken) {
      assert.equal(event.kind, 'open');
      break;
    }
    assert.throws(() => broken[Symbol.asyncIterator](), { code: 'ERR_STATE' });
    const closed = flows({ file, maxQueuedBytes: 64 * 1024 });
    const iterator = closed[Symbol.asyncIterator]();
    await iterator.next();
    await closed.close();
    assert.equal((await iterator.next()).done, true);
    const stopped = flows({ file, maxQueuedBytes: 64 * 1024 });
    await stopped.ready;
    stopped.stop();
    // Whatever was read is told to its end.
    assemble(await within(collect(stopped), 'the end after stop()'));
    assert.match(inspect(stopped), /^FlowTap \{/);
  });

  test('an aborted signal and a bad file reject; bad options throw', async () => {
    const controller = new AbortController();
    const aborted = flows({ file, maxQueuedBytes: 64 * 1024, signal: controller.signal });
    await assert.rejects(
      async () => {
        for await (const _ of aborted) controller.abort(new Error('enough'));
      },
      { message: 'enough' },
    );
    await assert.rejects(collect(flows({ file: '/does/not/exist' })), { code: 'ERR_FILE' });
    assert.throws(() => flows({ port: 0 }), { code: 'ERR_OPTION' });
    assert.throws(() => flows({ prot: 80 } as CaptureOptions), { code: 'ERR_OPTION', message: /'port'/ });
    // Options about messages may be there.
    assert.ok((await collect(flows({ file: fileOf([]), body: 'none', maxHeaders: 5 }))).length === 0);
  });

  test('beside capture() on the same file', async () => {
    const conversation = new Conversation()
      .handshake()
      .exchange(request(), response({ body: 'ok' }))
      .close();
    const shared = fileOf(conversation.segments);
    const [events, messages] = await Promise.all([
      collect(flows({ file: shared })),
      collect(capture({ file: shared })),
    ]);
    assert.equal(messages.length, 2);
    const [flow] = assemble(events).values();
    assert.ok(
      flow
        ?.stream(0)
        .subarray(0, messages[0]?.head.length)
        .equals(messages[0]?.head as Buffer),
    );
  });
});

const live = await skipUnlessLive();

suite('live flows', { skip: live, timeout: 60_000 }, () => {
  /** An echo server that says everything twice. */
  async function start() {
    const server = createServer((socket) => {
      socket.on('error', () => {}).on('data', (bytes) => socket.write(Buffer.concat([bytes, bytes])));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: (server.address() as AddressInfo).port, stop: () => server.close() };
  }

  async function talk(port: number, bytes: Buffer, andReset = false): Promise<number> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const clientPort = socket.localPort as number;
    let heard = 0;
    const answered = new Promise<void>((resolve) => {
      socket.on('data', (more) => {
        heard += more.length;
        if (heard === bytes.length * 2) resolve();
      });
    });
    socket.write(bytes);
    await within(answered, 'the echo');
    const closed = once(socket, 'close');
    if (andReset) socket.resetAndDestroy();
    else socket.end();
    await closed;
    return clientPort;
  }

  test('what was said on loopback', async () => {
    const server = await start();
    const tap = flows({ interface: loopback, port: server.port });
    await within(tap.ready, 'ready');
    const random = new Random(5);
    const said = [random.bytes(10), random.bytes(300_000), random.bytes(5000)];
    const ports = [];
    for (const [i, bytes] of said.entries()) ports.push(await talk(server.port, bytes, i === 2));
    const events: FlowEvent[] = [];
    let closes = 0;
    const reading = (async () => {
      for await (const event of tap) {
        events.push(event);
        if (event.kind === 'close' && ++closes === said.length) tap.stop();
      }
    })();
    await within(reading, 'three connections');
    server.stop();
    const all = [...assemble(events).values()];
    assert.equal(all.length, 3);
    for (const [i, flow] of all.entries()) {
      const bytes = said[i] as Buffer;
      assert.equal(flow.connection.client.port, ports[i]);
      assert.equal(flow.connection.handshakeSeen, true);
      assert.deepEqual(flow.gaps, []);
      assert.ok(flow.stream(0).equals(bytes));
      assert.equal(flow.stream(1).length, bytes.length * 2);
      assert.equal(flow.closed, i === 2 ? 'reset' : 'finished');
    }
    assert.equal(tap.stats().delivery.eventsDropped, 0);
  });

  test('a consumer that does not read: what is dropped is a gap, is counted, and nothing else is missing', async () => {
    const server = await start();
    const tap = flows({ interface: loopback, port: server.port, maxQueuedBytes: 64 * 1024 });
    await within(tap.ready, 'ready');
    const random = new Random(6);
    const said = Array.from({ length: 4 }, () => random.bytes(400_000));
    const ports = await Promise.all(said.map((bytes) => talk(server.port, bytes)));
    const total = said.reduce((sum, bytes) => sum + 3 * bytes.length, 0);
    const deadline = Date.now() + 10_000;
    while (
      tap.stats().tcp.deliveredBytes + tap.stats().tcp.missingBytes < total ||
      tap.stats().tcp.connectionsClosed < 4
    ) {
      assert.ok(Date.now() < deadline, JSON.stringify(tap.stats()));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    tap.stop();
    const events = await collect(tap);
    server.stop();
    const { tcp, delivery } = tap.stats();
    assert.ok(delivery.eventsDropped > 0, 'nothing was dropped');
    const all = assemble(events);
    let dropped = 0;
    let bytes = 0;
    for (const flow of all.values()) {
      const sent = said[ports.indexOf(flow.connection.client.port)] as Buffer;
      const got = flow.stream(0);
      const want = Buffer.from(sent);
      assert.equal(got.length, sent.length);
      for (const gap of flow.gaps) {
        assert.equal(gap.cause, 'dropped');
        dropped += gap.length;
        if (gap.side === 0) want.fill(0, gap.offset, gap.offset + gap.length);
      }
      assert.ok(got.equals(want));
      assert.equal(flow.next[1], sent.length * 2);
      bytes += flow.next[0] + flow.next[1];
    }
    assert.ok(all.size > 0);
    // Connections of which nothing was told are in the counter alone.
    const untold = total - bytes;
    assert.equal(dropped + untold, delivery.eventBytesDropped + (total - tcp.deliveredBytes));
    assert.equal(events.filter((event) => event.kind === 'close').length, all.size);
  });
});
