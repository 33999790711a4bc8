import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe as suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { capture, type Message, type Tap } from '../lib/index.js';
import { type CapturedPacket, pcap, pcapng, toPackets } from './support/capture-file.js';
import { collect, loopback, skip, skipUnlessLive, temporaryFile, within } from './support/environment.js';
import { compare, expect } from './support/expected.js';
import { linkType } from './support/frame.js';
import { Random } from './support/random.js';
import { traffic } from './support/traffic.js';
import { zstd } from './support/zstd.js';

const { conversations, segments } = traffic({ seed: 61, conversations: 5, exchanges: 8 });
const bytes = pcap(toPackets(segments, { link: 'ethernet' }), { nanoseconds: true });
const want = expect(conversations, segments);

function* pieces(of: Buffer, length: () => number): Generator<Buffer> {
  for (let at = 0; at < of.length; ) {
    const piece = of.subarray(at, at + length());
    at += piece.length;
    yield piece;
  }
}

suite('a stream of capture bytes', () => {
  const random = new Random(62);
  const lengths: [string, () => number][] = [
    ['in one piece', () => bytes.length],
    ['in pieces of odd length', () => random.between(1, 3000)],
    ['in pieces of a prime length', () => 997],
    ['in pieces of 64 KiB', () => 65536],
  ];
  for (const [name, length] of lengths)
    test(`a Readable ${name}`, async () => {
      compare(await collect(capture({ stream: Readable.from(pieces(bytes, length)) })), want);
    });

  test('a Readable in pieces of one byte', async () => {
    const few = traffic({ seed: 63, conversations: 1, exchanges: 2, maxBodyBytes: 500 });
    const small = pcap(toPackets(few.segments, { link: 'sll' }), { nanoseconds: true });
    const messages = await collect(capture({ stream: Readable.from(pieces(small, () => 1)) }));
    compare(messages, expect(few.conversations, few.segments));
  });

  test('an async iterable of Uint8Array', async () => {
    async function* slow() {
      for (const piece of pieces(bytes, () => 20_000)) {
        await new Promise(setImmediate);
        yield new Uint8Array(piece);
      }
    }
    compare(await collect(capture({ stream: slow() })), want);
  });

  test('pcapng', async () => {
    const file = pcapng(toPackets(segments, { link: 'raw' }), {
      interfaces: [{ linkType: linkType.raw, resolution: 9 }],
    });
    compare(await collect(capture({ stream: Readable.from(pieces(file, () => 1009)) })), want);
  });

  test('a file stream', async () => {
    compare(await collect(capture({ stream: createReadStream(temporaryFile(bytes)) })), want);
  });

  for (const [format, compress] of [
    ['gzip', gzipSync],
    ['zstd', zstd],
  ] as const)
    test(`compressed with ${format}`, async () => {
      const compressed = compress(bytes);
      compare(await collect(capture({ stream: Readable.from(pieces(compressed, () => 1013)) })), want);
      const tap = capture({ stream: Readable.from([compressed.subarray(0, -2000)]) });
      const seen: Message[] = [];
      await assert.rejects(
        async () => {
          for await (const message of tap) seen.push(message);
        },
        { code: 'ERR_FILE', message: new RegExp(`the stream: the ${format} data is damaged`) },
      );
      assert.ok(seen.length > 0);
    });

  test('messages come while the stream is still open', async () => {
    let more: (() => void) | undefined;
    async function* open() {
      yield bytes;
      await new Promise<void>((resolve) => {
        more = resolve;
      });
    }
    const tap = capture({ stream: open() });
    const first = await within(tap[Symbol.asyncIterator]().next(), 'the first message');
    assert.equal(first.done, false);
    more?.();
    await tap.close();
  });

  test('an error of the stream rejects, after the messages that came before it', async () => {
    const failure = new Error('the wire was cut');
    async function* broken() {
      yield bytes;
      throw failure;
    }
    const messages: Message[] = [];
    const tap = capture({ stream: broken() });
    await assert.rejects(
      async () => {
        for await (const message of tap) messages.push(message);
      },
      (error: Error) => error === failure || error.cause === failure,
    );
    compare(messages, want);
  });

  test('a stream that fails before its first byte rejects ready and the iterator', async () => {
    const failure = new Error('no route');
    const stream = new Readable({
      read() {
        this.destroy(failure);
      },
    });
    const tap = capture({ stream });
    const told = (error: Error) => error === failure || error.cause === failure;
    await assert.rejects(() => tap.ready, told);
    await assert.rejects(() => collect(tap), told);
  });

  test('a stream of something else is ERR_FILE', async () => {
    await assert.rejects(
      () => collect(capture({ stream: Readable.from([Buffer.from('<!doctype html>'.repeat(9))]) })),
      {
        code: 'ERR_FILE',
      },
    );
  });

  test('a stream that ends inside of a packet gives what came before, and says so', async () => {
    const messages: Message[] = [];
    await assert.rejects(
      async () => {
        for await (const message of capture({ stream: Readable.from([bytes.subarray(0, bytes.length - 5)]) }))
          messages.push(message);
      },
      { code: 'ERR_FILE' },
    );
    compare(messages, want);
  });

  test('break lets the stream go', async () => {
    const stream = Readable.from(pieces(bytes, () => 5000));
    const closed = once(stream, 'close');
    for await (const _ of capture({ stream })) break;
    await within(closed, 'the stream is destroyed');
    assert.ok(stream.destroyed);
  });

  test('return() of an async iterable is called by close()', async () => {
    let returned = false;
    async function* endless() {
      try {
        yield bytes;
        for (;;) {
          await new Promise(setImmediate);
          yield Buffer.alloc(0);
        }
      } finally {
        returned = true;
      }
    }
    for await (const _ of capture({ stream: endless() })) break;
    for (let i = 0; i < 100 && !returned; i++) await new Promise(setImmediate);
    assert.ok(returned);
  });

  test('a slow consumer holds the stream back and loses nothing', async () => {
    const many = traffic({ seed: 64, conversations: 60, exchanges: 12, maxBodyBytes: 9000 });
    const all = pcap(toPackets(many.segments, { link: 'ethernet' }), { nanoseconds: true });
    let handed = 0;
    function* counted() {
      for (let round = 0; round < 8; round++)
        for (const piece of pieces(round === 0 ? all : all.subarray(24), () => 65536)) {
          handed += piece.length;
          yield piece;
        }
    }
    const tap = capture({ stream: Readable.from(counted()), maxQueuedBytes: 1 << 20 });
    const iterator = tap[Symbol.asyncIterator]();
    await iterator.next();
    // Until the hand-over stands still: the event loop turns, and nothing more is taken.
    let before = -1;
    for (let quiet = 0; quiet < 200; quiet = handed === before ? quiet + 1 : 0) {
      before = handed;
      await new Promise(setImmediate);
    }
    assert.ok(handed < all.length * 8, 'everything was taken although nobody read');
    let count = 1;
    while (!(await iterator.next()).done) count++;
    assert.equal(handed, 24 + (all.length - 24) * 8);
    assert.equal(tap.stats().delivery.messagesDropped, 0);
    assert.equal(count, tap.stats().delivery.messagesDelivered);
  });
});

suite('ready of a stream', () => {
  /** What was written is all there is for now. */
  const held = (...chunks: Uint8Array[]) => {
    const stream = new PassThrough();
    for (const chunk of chunks) stream.write(chunk);
    return stream;
  };
  const header = pcap([] as CapturedPacket[]);
  const section = pcapng([], { interfaces: [] });
  const described = pcapng([], { interfaces: [{ linkType: linkType.raw, snaplen: 777 }] });
  /** Long enough for the capture thread to have read what there is. */
  const untilRead = async (tap: Tap, stream: PassThrough) => {
    while (stream.readableLength > 0) await new Promise(setImmediate);
    for (let i = 0; i < 20; i++) {
      await new Promise(setImmediate);
      tap.stats();
    }
  };

  test('resolves when the header has told the link type, before any packet', async () => {
    const stream = held(header);
    const tap = capture({ stream, filter: 'tcp' });
    await within(tap.ready, 'ready');
    assert.deepEqual(tap.info, { interface: '', linkType: 'EN10MB', filter: 'tcp', snaplen: 262144 });
    await tap.close();
  });

  test('waits for all of the header, and of a pcapng for the first interface', async () => {
    for (const [first, rest] of [
      [header.subarray(0, 23), header.subarray(23)],
      [section, described.subarray(section.length)],
    ] as const) {
      const stream = held(first);
      const tap = capture({ stream });
      let settled = false;
      const ready = tap.ready.finally(() => (settled = true));
      await untilRead(tap, stream);
      assert.equal(settled, false);
      const before = tap.info;
      assert.equal(before, undefined);
      stream.write(rest);
      await within(ready, 'ready');
      assert.notEqual(tap.info?.linkType, '');
      await tap.close();
    }
  });

  test('also when it is compressed', async () => {
    const file = temporaryFile(gzipSync(described), 'x.pcapng.gz');
    for (const tap of [capture({ stream: held(gzipSync(described)) }), capture({ file })]) {
      await within(tap.ready, 'ready');
      assert.deepEqual(tap.info, { interface: '', linkType: 'RAW', filter: '', snaplen: 777 });
      await tap.close();
    }
  });

  const rejected = async (tap: Tap, code: string, message: RegExp) => {
    await assert.rejects(() => within(tap.ready, 'ready'), { name: 'CaptureError', code, message });
    assert.equal(tap.info, undefined);
    await assert.rejects(() => within(collect(tap), 'the iterator'), { name: 'CaptureError', code, message });
  };

  test('a bad filter rejects it and the iterator', async () => {
    await rejected(capture({ stream: held(bytes), filter: 'prot 80' }), 'ERR_FILTER', /prot/);
    const file = temporaryFile(gzipSync(bytes), 'x.pcap.gz');
    await rejected(capture({ file, filter: 'prot 80' }), 'ERR_FILTER', /prot/);
  });

  test('so does what is empty, or no capture', async () => {
    await rejected(capture({ stream: Readable.from([]) }), 'ERR_FILE', /empty/);
    await rejected(capture({ stream: Readable.from([Buffer.alloc(99, 'x')]) }), 'ERR_FILE', /not a pcap/);
    await rejected(capture({ stream: Readable.from([header.subarray(0, 9)]) }), 'ERR_FILE', /truncated/);
    await rejected(capture({ stream: Readable.from([gzipSync('')]) }), 'ERR_FILE', /empty/);
  });

  test('a pcapng that ends without an interface holds no packets, which is no error', async () => {
    const tap = capture({ stream: Readable.from([section]) });
    await within(tap.ready, 'ready');
    assert.deepEqual(tap.info, { interface: '', linkType: '', filter: '', snaplen: 0 });
    assert.deepEqual(await collect(tap), []);
  });

  test('damage behind the header is for the iterator alone', async () => {
    const tap = capture({ stream: Readable.from([Buffer.concat([header, Buffer.alloc(64, 0xff)])]) });
    await within(tap.ready, 'ready');
    await assert.rejects(() => collect(tap), { code: 'ERR_FILE' });
  });

  test('close() and stop() before it reject it with ERR_CLOSED; the iterator just ends', async () => {
    for (const end of ['close', 'stop'] as const) {
      const stream = held(section);
      const tap = capture({ stream });
      const { ready } = tap;
      await untilRead(tap, stream);
      void tap[end]();
      await assert.rejects(() => within(ready, 'ready'), { name: 'CaptureError', code: 'ERR_CLOSED' });
      assert.deepEqual(await within(collect(tap), 'the iterator'), []);
      assert.ok(stream.destroyed);
    }
  });
});

test('tcpdump -U -w - piped in', {
  skip: spawnSync('tcpdump', ['--version']).error ? skip('tcpdump is not installed') : await skipUnlessLive(),
  timeout: 30_000,
}, async () => {
  const server = createServer((_, answer) => answer.end('over the pipe'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const tcpdump = spawn('tcpdump', ['-i', loopback, '-U', '-w', '-', `tcp port ${port}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    let told = '';
    while (!/listening on/.test(told)) told += String((await within(once(tcpdump.stderr, 'data'), 'tcpdump'))[0]);
    tcpdump.stderr.resume();
    const tap = capture({ stream: tcpdump.stdout, port });
    const answered = new Promise<Buffer>((resolve, reject) => {
      get({ port, host: '127.0.0.1', path: '/piped', agent: false }, (answer) => resolve(buffer(answer))).on(
        'error',
        reject,
      );
    });
    assert.equal(String(await answered), 'over the pipe');
    const seen: string[] = [];
    for await (const message of tap) {
      seen.push(message.kind === 'request' ? message.path : `${message.status} ${await message.text()}`);
      if (seen.length === 2) break;
    }
    assert.deepEqual(seen, ['/piped', '200 over the pipe']);
  } finally {
    tcpdump.kill('SIGKILL');
    server.close();
  }
});
