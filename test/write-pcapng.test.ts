/** The option `write` and `writePcapng()`: the packets of the connections of which a message matches, and no others. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { type CaptureOptions, capture, flows, type Message, type Tap, writePcapng } from '../lib/index.js';
import { asPacket, ethernetFrame, fragment, inTunnel, shuffle } from './reliability-support.js';
import { type CapturedPacket, pcap, pcapng, toPackets } from './support/capture-file.js';
import { Conversation, interleave } from './support/conversation.js';
import { collect, skip, temporaryFile, temporaryFolder } from './support/environment.js';
import { ipPacket, linkType, type Segment } from './support/frame.js';
import { request, response } from './support/http.js';
import { mangle } from './support/network.js';
import { readPcapng, type WrittenPacket } from './support/pcapng-file.js';
import { Random } from './support/random.js';
import { traffic } from './support/traffic.js';

const folder = temporaryFolder();
let files = 0;
const output = () => path.join(folder, `${files++}.pcapng`);

/** A line a packet: short, so that a difference can be read. */
const plain = (packets: readonly (CapturedPacket | WrittenPacket)[]) =>
  packets.map(({ timeNs, data, linkType: link, wireLength = data.length }) => {
    const digest = createHash('sha1').update(data).digest('hex').slice(0, 8);
    return `${timeNs} ${link} ${data.length}/${wireLength} ${digest}`;
  });

const shown = ({ kind, head, body, integrity, startTime, connection: { client, server } }: Message) => ({
  kind,
  head: head.toString('latin1'),
  body: body?.toString('latin1'),
  integrity,
  startTime,
  client,
  server,
});

/** Whether a message of the conversation satisfies the test. */
const said = (conversation: Conversation, wanted: (text: string) => boolean) =>
  conversation.said.some(({ message }) => wanted(message.wire.toString('latin1')));

interface Labelled {
  packet: CapturedPacket;
  conversation: Conversation;
}

/** What a network does to the conversations, in several link types, tunnels and fragments. */
function labelled(conversations: readonly Conversation[], seed: number): Labelled[] {
  const random = new Random(seed);
  const segments = mangle(interleave(conversations), {
    seed,
    reorder: 0.02,
    retransmit: 0.05,
    duplicate: 0.02,
    overlap: 0.02,
  });
  return segments.flatMap((segment): Labelled[] => {
    const conversation = conversations.find(({ ends }) => ends === segment.ends) as Conversation;
    const kind = conversations.indexOf(conversation) % 4;
    const label = (packet: CapturedPacket): Labelled => ({ packet, conversation });
    if (kind === 0) return toPackets([segment], { link: 'sll2' }, 1).map(label);
    if (kind === 1) return toPackets([segment], { link: 'ethernet', vlans: [7] }).map(label);
    const ip = ipPacket(segment);
    if (kind === 2) return [label(asPacket(segment.timeNs, inTunnel(ip, conversations.indexOf(conversation))))];
    const v4 = (ip[0] as number) >> 4 === 4;
    const pieces = v4 && segment.payload.length > 200 ? shuffle(random, fragment(ip, 160)) : [ip];
    return pieces.map((piece) => label(asPacket(segment.timeNs, ethernetFrame(v4 ? 0x0800 : 0x86dd, piece))));
  });
}

const fileOf = (packets: readonly CapturedPacket[]) =>
  temporaryFile(
    pcapng(packets, {
      interfaces: [
        { linkType: linkType.ethernet, resolution: 9 },
        { linkType: linkType.sll2, resolution: 9 },
      ],
    }),
    'input.pcapng',
  );

suite('writes exactly the packets of the connections that match', () => {
  const cases: [name: string, options: CaptureOptions, wanted: (text: string) => boolean][] = [
    ['decided natively', { match: 'method == POST' }, (text) => text.startsWith('POST ')],
    ['decided in JavaScript', { match: 'path ~ /c[25]e/ and body ~ /./' }, () => true],
    ['without match', {}, () => true],
    ['bodies not kept', { match: 'method == POST', body: 'none' }, (text) => text.startsWith('POST ')],
    ['bodies streamed', { match: 'method == POST', body: 'stream' }, (text) => text.startsWith('POST ')],
    ['streamed, decided in JavaScript', { match: 'path ~ /c[25]e/', body: 'stream' }, () => true],
    ['exchanges', { match: 'method == POST', matchScope: 'exchange' }, (text) => text.startsWith('POST ')],
  ];
  for (const [name, options, wanted] of cases)
    for (const seed of [1, 2])
      test(`${name}, seed ${seed}`, async () => {
        const { conversations } = traffic({ seed, conversations: 8, exchanges: 6, v6: seed === 2 });
        const all = labelled(conversations, seed);
        const file = fileOf(all.map(({ packet }) => packet));
        const to = output();
        const counts = await writePcapng(to, { ...options, file });

        // Whose messages match is known from a capture without writing where it is not from what was said.
        const matching = await collect(capture({ ...options, file }));
        const ports = new Set(matching.map(({ connection }) => connection.client.port));
        const chosen = conversations.filter(({ ends }) => ports.has(ends[0].port));
        if (name !== 'without match' && !name.includes('JavaScript'))
          assert.deepEqual(
            chosen,
            conversations.filter((one) => said(one, wanted)),
          );
        const expected = all.filter(({ conversation }) => chosen.includes(conversation)).map(({ packet }) => packet);
        assert.ok(name === 'without match' || (expected.length > 0 && expected.length < all.length), 'a real choice');
        const written = readPcapng(readFileSync(to));
        assert.deepEqual(plain(written.packets), plain(expected));
        assert.deepEqual(counts, {
          packets: expected.length,
          bytes: expected.reduce((sum, { data }) => sum + data.length, 0),
          connections: chosen.length,
          messages: matching.length,
          packetsLetGo: 0,
        });

        // The same again from what was written.
        const again = output();
        await writePcapng(again, { ...options, file: to });
        assert.deepEqual(readFileSync(again), readFileSync(to));
        if (options.body !== 'stream')
          assert.deepEqual((await collect(capture({ ...options, file: to }))).map(shown), matching.map(shown));
      });
});

const get = (target: string) => request({ target });
const ok = (body = 'ok') => response({ headers: [['Content-Length', String(body.length)]], body });
const say = (conversation: Conversation, target: string) => conversation.exchange(get(target), ok());
/** Each segment is one packet, however often it is asked for. */
const framed = new Map<Segment, CapturedPacket>();
const ethernet = (segments: readonly Segment[]) =>
  segments.map((segment) => {
    const packet = framed.get(segment) ?? (toPackets([segment], { link: 'ethernet' })[0] as CapturedPacket);
    framed.set(segment, packet);
    return packet;
  });
const targets = (messages: readonly Message[]) =>
  messages.flatMap((message) => (message.kind === 'request' ? [message.target] : []));

async function writtenOf(packets: readonly CapturedPacket[], options: CaptureOptions): Promise<WrittenPacket[]> {
  const to = output();
  await writePcapng(to, { ...options, file: fileOf(packets) });
  return readPcapng(readFileSync(to)).packets;
}

suite('connections', () => {
  test('a port that is used again is another connection', async () => {
    const ends = { client: { port: 40_000 } };
    const first = say(new Conversation({ ...ends, isn: [1, 1] }).handshake(), '/first').close();
    const second = new Conversation({ ...ends, isn: [500_000_000, 900_000_000], startNs: first.timeNs });
    say(second.handshake(), '/second').close();
    const third = new Conversation({ ...ends, isn: [3_000_000_000, 3_500_000_000], startNs: second.timeNs });
    say(third.handshake(), '/third');
    const all = ethernet([first, second, third].flatMap(({ segments }) => segments));
    for (const [match, wanted] of [
      ['path == /first', first],
      ['path == /second', second],
      ['path == /third', third],
    ] as const)
      assert.deepEqual(plain(await writtenOf(all, { match })), plain(ethernet(wanted.segments)), match);
  });

  test('packets that come when it is closed already are its', async () => {
    const wanted = say(new Conversation({ client: { port: 40_000 } }).handshake(), '/wanted').close();
    const late = { ...(wanted.segments.at(-1) as Segment), timeNs: wanted.timeNs + 5_000_000_000n };
    const after = new Conversation({ client: { port: 40_001 }, startNs: wanted.timeNs });
    say(after.handshake(), '/other').close();
    const all = ethernet([...wanted.segments, ...after.segments, late]);
    const expected = ethernet([...wanted.segments, late]);
    assert.deepEqual(plain(await writtenOf(all, { match: 'path == /wanted' })), plain(expected));
  });

  test('what came before the first data of one that is seen from its middle on is its', async () => {
    const wanted = new Conversation({ client: { port: 40_000 } }).withoutHandshake().ack(0).ack(1).ack(0);
    say(wanted, '/wanted');
    const other = new Conversation({ client: { port: 40_001 } }).withoutHandshake().ack(0).ack(1);
    say(other, '/other');
    const silent = new Conversation({ client: { port: 40_002 } }).withoutHandshake().ack(0).ack(1);
    const all = ethernet(interleave([wanted, other, silent]));
    const written = await writtenOf(all, { match: 'path == /wanted' });
    assert.deepEqual(plain(written), plain(ethernet(wanted.segments)));
  });

  test('selection of ports, and what carries no HTTP, is left out', async () => {
    const wanted = say(new Conversation().handshake(), '/').close();
    const port = say(new Conversation({ server: { port: 9000 }, client: { port: 1 } }).handshake(), '/').close();
    const tls = new Conversation({ client: { port: 2 } }).handshake();
    tls.send(0, Buffer.from([22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3, ...Buffer.alloc(300)]));
    const silent = new Conversation({ client: { port: 3 } }).handshake().close();
    const all = ethernet(interleave([wanted, port, tls, silent]));
    assert.deepEqual(plain(await writtenOf(all, { port: 8000 })), plain(ethernet(wanted.segments)));
  });

  test('interim responses and upgrades do not end it', async () => {
    const upgraded = new Conversation().handshake();
    upgraded.exchange(
      request({
        target: '/chat',
        headers: [
          ['Upgrade', 'chat'],
          ['Connection', 'Upgrade'],
        ],
      }),
      response({
        status: 101,
        headers: [
          ['Upgrade', 'chat'],
          ['Connection', 'Upgrade'],
        ],
      }),
    );
    upgraded.send(0, Buffer.alloc(5000, 'x')).send(1, Buffer.alloc(5000, 'y')).close();
    const all = ethernet(upgraded.segments);
    assert.deepEqual(plain(await writtenOf(all, { match: 'path == /chat' })), plain(all));
  });
});

suite('the file', () => {
  const conversation = say(say(new Conversation().handshake(), '/a'), '/b').close();
  const packets = ethernet(conversation.segments);
  const file = fileOf(packets);

  test('is for its owner alone, and is not replaced unless that is asked for', async () => {
    const to = output();
    await writePcapng(to, { file });
    assert.equal(statSync(to).mode & 0o777, 0o600);
    const before = readFileSync(to);
    await assert.rejects(writePcapng(to, { file, match: 'path == /none' }), { code: 'ERR_FILE', message: /exists/ });
    assert.deepEqual(readFileSync(to), before);
    chmodSync(to, 0o644);
    await writePcapng({ file: to, replace: true }, { file, match: 'path == /none' });
    assert.equal(statSync(to).mode & 0o777, 0o600);
    assert.deepEqual(readPcapng(readFileSync(to)).packets, []);
  });

  test('is made when somebody iterates', async () => {
    const to = output();
    const tap = capture({ file, write: to });
    await tap.ready;
    assert.equal(existsSync(to), false);
    await tap.close();
    assert.equal(existsSync(to), false);
  });

  test('is there without packets when there were none', async () => {
    const to = output();
    const counts = await writePcapng(to, { file: temporaryFile(pcap([])) });
    assert.deepEqual(counts, { packets: 0, bytes: 0, connections: 0, messages: 0, packetsLetGo: 0 });
    assert.deepEqual(readPcapng(readFileSync(to)), { interfaces: [], packets: [] });
  });

  test('is not there when the capture could not begin', async () => {
    const to = output();
    await assert.rejects(writePcapng(to, { file: path.join(folder, 'missing.pcap') }), { code: 'ERR_FILE' });
    await assert.rejects(writePcapng(to, { file: temporaryFile(Buffer.from('no capture')) }), { code: 'ERR_FILE' });
    assert.equal(existsSync(to), false);
  });

  test('leaves nothing beside it', async () => {
    const there = temporaryFolder();
    await writePcapng(path.join(there, 'a.pcapng'), { file });
    assert.deepEqual(readdirSync(there), ['a.pcapng']);
  });

  test('comes from a stream too', async () => {
    const to = output();
    const messages = await collect(capture({ stream: createReadStream(file, { highWaterMark: 100 }), write: to }));
    assert.deepEqual(targets(messages), ['/a', '/b']);
    assert.deepEqual(plain(readPcapng(readFileSync(to)).packets), plain(packets));
  });

  test('of flows() has every connection', async () => {
    const silent = new Conversation({ client: { port: 1 } }).handshake().close();
    const all = ethernet(interleave([conversation, silent]));
    const to = output();
    await collect(flows({ file: fileOf(all), write: to }));
    assert.deepEqual(plain(readPcapng(readFileSync(to)).packets), plain(all));
  });

  test('is whole when the loop is left early', async () => {
    for (const match of ['path == /a', 'path ~ /a/']) {
      const to = output();
      for await (const message of capture({ file, match, write: to })) {
        assert.equal(message.kind, 'request');
        break;
      }
      const written = plain(readPcapng(readFileSync(to)).packets);
      assert.deepEqual(written, plain(packets).slice(0, written.length));
    }
  });

  test('has nothing of what the consumer did not come to', async () => {
    const few = Array.from({ length: 20 }, (_, index) =>
      say(say(new Conversation({ client: { port: 40_000 + index } }).handshake(), '/a'), '/b').close(),
    );
    const read = fileOf(ethernet(few.flatMap(({ segments }) => segments)));
    const first = plain(ethernet(few[0]?.segments ?? []));
    const leave: Record<string, (tap: Tap) => Promise<unknown>> = {
      'a loop': async (tap) => {
        for await (const _ of tap) break;
      },
      'a chain': (tap) => tap.take(1).toArray(),
      exchanges: (tap) => tap.exchanges().find(() => true),
      'four messages': async (tap) => {
        const messages = tap[Symbol.asyncIterator]();
        for (let count = 0; count < 4; count++) await messages.next();
        await tap.close();
      },
    };
    for (const match of [undefined, 'path == /a', 'path ~ /a/'])
      for (const [name, by] of Object.entries(leave)) {
        if (match !== undefined && name === 'four messages') continue;
        const to = output();
        const tap = capture({ file: read, match, write: to });
        await by(tap);
        const written = plain(readPcapng(readFileSync(to)).packets);
        const { connections, packetsLetGo } = tap.stats().write;
        assert.deepEqual({ connections, packetsLetGo }, { connections: 1, packetsLetGo: 0 }, `${name}, ${match}`);
        assert.deepEqual(written, first.slice(0, written.length));
      }
  });

  test('has nothing when nobody took anything', async () => {
    const to = output();
    const tap = capture({ file, write: to });
    tap.batches();
    await tap.ready;
    await tap.close();
    assert.equal(tap.stats().write.packets, 0);
    assert.equal(tap.stats().write.packetsLetGo, 0);
  });

  test('that cannot be made ends the capture at its beginning', async () => {
    const write = path.join(folder, 'nowhere', 'a.pcapng');
    await assert.rejects(collect(capture({ file, write })), { code: 'ERR_FILE', message: /No such file or directory/ });
  });

  test('that cannot be written costs no message', {
    skip: existsSync('/dev/full') ? false : skip('no /dev/full'),
  }, async () => {
    const told: string[] = [];
    const write = { file: '/dev/full', replace: true, onError: ({ code }: { code: string }) => told.push(code) };
    const messages: Message[] = [];
    await assert.rejects(
      async () => {
        for await (const message of capture({ file, write })) messages.push(message);
      },
      { code: 'ERR_FILE', message: 'cannot write /dev/full: No space left on device' },
    );
    assert.deepEqual(targets(messages), ['/a', '/b']);
    assert.deepEqual(told, ['ERR_FILE']);
  });

  test('is not what is read', () => {
    for (const write of [file, { file, replace: true }])
      assert.throws(() => capture({ file, write }), { code: 'ERR_OPTION', message: /is the file that is read/ });
  });

  test('needs options that make sense', () => {
    for (const write of [
      '',
      7,
      {},
      { file: 'a', maxSpoolBytes: 1000 },
      { file: 'a', replace: 1 },
      { file: 'a', overwrite: true },
    ])
      assert.throws(() => capture({ file, write: write as string }), { code: 'ERR_OPTION' });
  });
});

test('beyond maxSpoolBytes what is undecided is let go and counted, and nothing else', async () => {
  // It is decided at last, behind more than may wait.
  const undecided = new Conversation({ client: { port: 1 } }).handshake();
  const wanted = new Conversation({ client: { port: 2 }, stepNs: 1000n }).handshake();
  say(wanted, '/wanted');
  wanted.exchange(get('/large'), ok('x'.repeat(3 << 20)));
  undecided.wait(60_000_000_000n);
  say(undecided, '/undecided');
  const all = ethernet(interleave([wanted, undecided]));
  const to = output();
  const counts = await writePcapng({ file: to, maxSpoolBytes: 1 << 20 }, { file: fileOf(all) });
  assert.equal(counts.packetsLetGo, 3, 'the handshake');
  assert.equal(counts.packets, all.length - 3);
  assert.equal(counts.messages, 6);
  const late = ethernet(undecided.segments.slice(0, 3));
  const expected = all.filter((packet) => !late.includes(packet));
  assert.deepEqual(plain(readPcapng(readFileSync(to)).packets), plain(expected));
});

test('tshark reads it, and sees the same messages', async (t) => {
  if (spawnSync('tshark', ['--version']).status !== 0) return t.skip(skip('tshark is not installed'));
  const { segments } = traffic({ seed: 3, conversations: 10, exchanges: 5, plain: true, pipelined: 0 });
  const to = output();
  const file = fileOf(toPackets(segments, { link: 'ethernet' }));
  const match = 'method in {POST, PUT}';
  const { packets } = await writePcapng(to, { file, match });
  const fields = ['http.request.method', 'http.request.uri', 'http.response.code'].flatMap((name) => ['-e', name]);
  const { status, stdout } = spawnSync(
    'tshark',
    ['-r', to, '-d', 'tcp.port==8000,http', '-Y', 'http', '-T', 'fields', ...fields],
    {
      encoding: 'utf8',
      timeout: 60_000,
    },
  );
  assert.equal(status, 0);
  const seen = stdout.split('\n').filter((line) => line !== '');
  const ours = (await collect(capture({ file: to }))).map((message) =>
    message.kind === 'request' ? `${message.method}\t${message.target}\t` : `\t\t${message.status}`,
  );
  assert.ok(ours.length > 20);
  assert.deepEqual(seen.sort(), ours.sort());
  const frames = spawnSync('tshark', ['-r', to, '-T', 'fields', '-e', 'frame.number'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(frames.stdout.trim().split('\n').length, packets);
});
