/** Several capture threads behind one iterator: what they deliver is what one would. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe as suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type CaptureOptions, type CaptureStats, capture, type FlowEvent, flows, type Message } from '../lib/index.js';
import { asPacket, checkAccounts, checkEnd, ethernetFrame, hostile } from './reliability-support.js';
import { pcap } from './support/capture-file.js';
import { collect, temporaryFile, temporaryFolder, within } from './support/environment.js';
import { checkOrder, compare, expect } from './support/expected.js';
import { ipPacket } from './support/frame.js';
import { traffic } from './support/traffic.js';

const hostileFile = (seed: number) => temporaryFile(pcap(hostile(seed), { nanoseconds: true }));

/** Conversations that nothing happens to. */
function peaceful(seed: number, conversations = 20) {
  const said = traffic({ seed, conversations, exchanges: 10 });
  const packets = said.segments.map((segment) => asPacket(segment.timeNs, ethernetFrame(0x0800, ipPacket(segment))));
  return { ...said, file: temporaryFile(pcap(packets, { nanoseconds: true })) };
}

interface OfConnection {
  readonly connection: { readonly id: number };
}

const digest = (text: string) => createHash('sha256').update(text).digest('base64').slice(0, 12);

/** What each connection had to say, in its order, without what tells connections apart by the order of the whole; sorted. */
function byConnection<T extends OfConnection>(items: readonly T[], told: (item: T) => unknown): string[] {
  const connections = new Map<number, unknown[]>();
  for (const item of items) {
    const list = connections.get(item.connection.id) ?? [];
    connections.set(item.connection.id, list);
    list.push(told(item));
  }
  return [...connections.values()].map((list) => `${list.length} ${digest(JSON.stringify(list))}`).sort();
}

function toldOf(message: Message): unknown {
  const { id: _, requestId: __, connection, ...rest } = message.toJSON() as unknown as Record<string, unknown>;
  const request = message.kind === 'response' ? message.request?.target : undefined;
  return { ...rest, connection: { ...(connection as object), id: 0 }, request };
}

const toldOfFlow = (event: FlowEvent) => {
  const { connection, ...rest } = event.toJSON() as unknown as Record<string, unknown>;
  return { ...rest, connection: { ...(connection as object), id: 0 } };
};

async function read(options: CaptureOptions): Promise<{ messages: Message[]; stats: CaptureStats }> {
  const tap = capture(options);
  const messages: Message[] = [];
  for await (const message of tap) {
    messages.push(message);
    if (messages.length % 16 === 0) checkAccounts(tap.stats());
  }
  return { messages, stats: tap.stats() };
}

/** Counters that do not depend on who counts. */
const counted = ({ packets, decode, tcp, http }: CaptureStats) => ({ packets, decode, tcp, http });

suite('workers over one file', { timeout: 120_000 }, () => {
  for (let seed = 401; seed <= 416; seed++)
    test(`give what one gives: hostile traffic, seed ${seed}`, async () => {
      const file = hostileFile(seed);
      const alone = await read({ file });
      checkOrder(alone.messages);
      for (const workers of [2, 3]) {
        const { messages, stats } = await read({ file, workers });
        checkOrder(messages);
        assert.deepEqual(
          messages.map(({ id }) => id),
          messages.map((_, index) => index + 1),
        );
        assert.deepEqual(byConnection(messages, toldOf), byConnection(alone.messages, toldOf));
        checkAccounts(stats);
        checkEnd(stats);
        assert.deepEqual(counted(stats), counted(alone.stats));
      }
    });

  test('each has its part', async () => {
    const { file } = peaceful(421, 60);
    const { messages } = await read({ file, workers: 3 });
    // Natively the ids of connections are dealt out in turn.
    const shares = [0, 1, 2].map(
      (worker) => new Set(messages.map(({ connection }) => connection.id).filter((id) => id % 3 === worker)).size,
    );
    assert.ok(
      shares.every((connections) => connections >= 8),
      String(shares),
    );
  });

  test('what was said, paired', async () => {
    const { conversations, segments, file } = peaceful(422);
    const { messages } = await read({ file, workers: 2 });
    compare(messages, expect(conversations, segments));
  });

  test('bodies are streamed', async () => {
    const { file } = peaceful(423);
    const whole = (message: Message, bytes: Uint8Array) => [
      message.kind === 'request' ? message.target : message.status,
      message.headers.raw,
      Buffer.from(bytes).toString('latin1'),
    ];
    const alone = await collect(capture({ file }));
    const wanted = byConnection(alone, (message) => whole(message, message.body ?? new Uint8Array()));
    const streamed: (OfConnection & { told: unknown })[] = [];
    for await (const message of capture({ file, workers: 2, body: 'stream' })) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of message.stream()) chunks.push(chunk);
      streamed.push({ connection: message.connection, told: whole(message, Buffer.concat(chunks)) });
    }
    assert.deepEqual(
      byConnection(streamed, ({ told }) => told),
      wanted,
    );
  });

  test('exchanges', async () => {
    const { file } = peaceful(424);
    const told = async (workers: number) => {
      const exchanges = await collect(capture({ file, workers }).exchanges());
      return byConnection(
        exchanges.map(({ request, response }) => ({
          connection: (request ?? response)?.connection as Message['connection'],
          told: [request?.target, response?.status, response?.requestId === request?.id],
        })),
        (one) => one.told,
      );
    };
    assert.deepEqual(await told(2), await told(1));
  });

  test('match, decided natively and in JavaScript, for messages and exchanges', async () => {
    const file = hostileFile(425);
    for (const match of ['method == GET', 'body ~ /[0-9]{2}/', 'status >= 200 and request.path ~ /[02468]/'])
      for (const matchScope of ['message', 'exchange'] as const) {
        const options = { file, match, matchScope } as const;
        if (match.includes('request.') && matchScope === 'message') continue;
        const alone = await collect(capture(options));
        const messages = await collect(capture({ ...options, workers: 3 }));
        checkOrder(messages);
        assert.deepEqual(byConnection(messages, toldOf), byConnection(alone, toldOf), match);
        assert.ok(alone.length > 0, match);
      }
  });

  test('flows', async () => {
    for (const seed of [426, 427]) {
      const file = hostileFile(seed);
      const alone = await collect(flows({ file }));
      for (const workers of [2, 3])
        assert.deepEqual(
          byConnection(await collect(flows({ file, workers })), toldOfFlow),
          byConnection(alone, toldOfFlow),
        );
    }
  });

  test('the filter applies, and what it rejects counts once', async () => {
    const { file } = peaceful(428);
    const filter = 'tcp port 20001';
    const alone = await read({ file, filter });
    const { messages, stats } = await read({ file, filter, workers: 2 });
    assert.deepEqual(byConnection(messages, toldOf), byConnection(alone.messages, toldOf));
    assert.ok(stats.packets.filteredOut > 0);
    assert.deepEqual(counted(stats), counted(alone.stats));
  });

  test('a slow consumer makes all of them wait, and loses nothing', async () => {
    const { file } = peaceful(429, 60);
    const alone = await read({ file });
    let messages = 0;
    const tap = capture({ file, workers: 2, maxQueuedBytes: 65_536 });
    for await (const batch of tap.batches()) {
      messages += batch.length;
      await new Promise(setImmediate);
    }
    assert.equal(messages, alone.messages.length);
    assert.equal(tap.stats().delivery.messagesDropped, 0);
  });

  test('a damaged file gives what came before the damage, then one error', async () => {
    const { file } = peaceful(430);
    const damaged = temporaryFile(Buffer.concat([readFileSync(file), Buffer.alloc(16, 0xff)]));
    const alone = await read({ file });
    const messages: Message[] = [];
    const tap = capture({ file: damaged, workers: 3 });
    await assert.rejects(
      async () => {
        for await (const message of tap) messages.push(message);
      },
      { code: 'ERR_FILE' },
    );
    assert.deepEqual(byConnection(messages, toldOf), byConnection(alone.messages, toldOf));
  });

  test('no such file', async () => {
    const tap = capture({ file: '/does/not/exist.pcap', workers: 2 });
    await assert.rejects(within(tap.ready, 'ready'), { code: 'ERR_FILE' });
    await assert.rejects(collect(tap), { code: 'ERR_FILE' });
  });

  test('leaving, stopping, closing and aborting end all of them', async () => {
    const { file } = peaceful(431, 60);
    const options = { file, workers: 3, maxQueuedBytes: 65_536 };
    for await (const _ of capture(options)) break;

    const stopped = capture(options);
    await within(stopped.ready, 'ready');
    stopped.stop();
    await within(collect(stopped), 'the end after stop()');
    checkEnd(stopped.stats());

    const closed = capture(options);
    const reading = collect(closed);
    await closed.close();
    await within(reading, 'the end after close()');

    const controller = new AbortController();
    const aborted = capture({ ...options, signal: controller.signal });
    await within(aborted.ready, 'ready');
    controller.abort(new Error('enough'));
    await assert.rejects(within(collect(aborted), 'the end after abort()'), /enough/);
  });

  test('packets are written by one thread alone', () => {
    for (const options of [{ file: 'a.pcap', workers: 2 }, { interface: ['a', 'b'] }])
      assert.throws(() => capture({ ...options, write: 'b.pcapng' }), {
        code: 'ERR_OPTION',
        message: /^write .* takes one interface, and one worker$/,
      });
  });

  test('what can be read only once has one: a stream is refused, a compressed file and a named pipe are read', async () => {
    assert.throws(() => capture({ stream: Readable.from([]), workers: 2 }), {
      code: 'ERR_OPTION',
      message: /workers is 2, but a stream can be read only once/,
    });
    const { file } = peaceful(432);
    const alone = await read({ file });
    const compressed = await read({ file: temporaryFile(gzipSync(readFileSync(file)), 'capture.pcap.gz'), workers: 2 });
    assert.equal(compressed.messages.length, alone.messages.length);

    const pipe = path.join(temporaryFolder(), 'pipe');
    assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
    const reading = read({ file: pipe, workers: 2 });
    const writer = createWriteStream(pipe).on('error', () => {});
    writer.end(readFileSync(file));
    const [fromPipe] = await within(Promise.all([reading, once(writer, 'close')]), 'the named pipe');
    assert.equal(fromPipe.messages.length, alone.messages.length);
  });
});
