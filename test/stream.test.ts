import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe as suite, test } from 'node:test';
import { capture, type Message } from '../lib/index.js';
import { pcap, pcapng, toPackets } from './support/capture-file.js';
import { collect, loopback, skip, skipUnlessLive, temporaryFile, within } from './support/environment.js';
import { compare, expect } from './support/expected.js';
import { linkType } from './support/frame.js';
import { Random } from './support/random.js';
import { traffic } from './support/traffic.js';

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
