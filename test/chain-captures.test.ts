/** Chains over generated captures and live traffic, in streams and in workers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { PassThrough, Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe as suite, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CaptureOptions, capture, type DetachedRequest, flows, type Message } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { thenSilence } from './support/endless.js';
import { collect, loopback, runProgram, skipUnlessLive, temporaryFile, within } from './support/environment.js';
import { fakeTap } from './support/fake-session.js';
import { serve } from './support/loopback.js';
import { traffic } from './support/traffic.js';
import { startWorker } from './support/worker.js';

const live = await skipUnlessLive();
const { segments } = traffic({ seed: 505, conversations: 12, exchanges: 20, maxBodyBytes: 300 });
const bytes = pcap(toPackets(segments, { link: 'ethernet' }), { nanoseconds: true });
const file = temporaryFile(bytes);

/** Traffic that goes on until the test is over. */
async function endlessTraffic(t: TestContext): Promise<CaptureOptions> {
  const server = await serve((_, __, outgoing) => outgoing.end('answer'));
  const agent = new Agent({ keepAlive: true });
  let over = false;
  const calls = (async () => {
    for (let i = 0; !over; i++)
      await new Promise((resolve) =>
        get({ host: '127.0.0.1', port: server.port, path: `/${i}?q`, agent }, (answer) =>
          answer.resume().on('end', resolve),
        ).on('error', resolve),
      );
  })();
  t.after(async () => {
    over = true;
    await calls;
    agent.destroy();
    await server.close();
  });
  return { interface: loopback, port: server.port, bufferBytes: 4 << 20 };
}

const sources: [name: string, skip: string | false, options: (t: TestContext) => Promise<CaptureOptions>][] = [
  ['a file', false, async () => ({ file })],
  ['a stream that stays open', false, async () => ({ stream: thenSilence(bytes) })],
  ['live traffic', live, endlessTraffic],
];

const chains: [name: string, run: (options: CaptureOptions) => Promise<void>][] = [
  [
    'filter(), map(), take()',
    async (options) => {
      const paths = capture(options)
        .filter((message) => message.kind === 'request')
        .map((request) => request.path)
        .take(5);
      const seen = await collect(paths);
      assert.equal(seen.length, 5);
      assert.ok(seen.every((path) => path.startsWith('/')));
      assert.equal((await paths.next()).done, true);
    },
  ],
  [
    'drop(), flatMap()',
    async (options) => {
      const fields = await capture(options)
        .drop(3)
        .flatMap((message) => message.headers.raw)
        .take(9)
        .toArray();
      assert.equal(fields.length, 9);
      assert.ok(fields.every(([name]) => name.length > 0));
    },
  ],
  [
    'asynchronous callbacks',
    async (options) => {
      const answered = capture
        .responses(options)
        .filter(async (response) => (await response.bytes()).length >= 0)
        .map(async (response) => `${response.status} ${await response.text()}`);
      for await (const text of answered.take(6)) assert.match(text, /^\d{3} /);
    },
  ],
  [
    'requests() and every()',
    async (options) => {
      assert.equal(
        await capture
          .requests(options)
          .take(6)
          .every((one) => one.kind === 'request' && one.method !== ''),
        true,
      );
    },
  ],
  [
    'forEach()',
    async (options) => {
      let count = 0;
      await capture(options)
        .take(7)
        .forEach(() => {
          count++;
        });
      assert.equal(count, 7);
    },
  ],
  [
    'responses() and find()',
    async (options) => {
      const answer = await capture.responses(options).find((response) => response.id === 2);
      assert.equal(answer?.kind, 'response');
      // Requests are left out before they get an id.
      assert.equal(answer?.requestId, null);
    },
  ],
  [
    'some()',
    async (options) => assert.equal(await capture(options).some((message) => message.kind === 'response'), true),
  ],
  [
    'reduce()',
    async (options) => {
      const ids = await capture(options)
        .take(8)
        .reduce<number[]>((list, message) => list.concat(message.id), []);
      assert.equal(ids.length, 8);
      assert.deepEqual(
        ids,
        [...ids].sort((a, b) => a - b),
      );
    },
  ],
  [
    'takeUntil(), by a signal',
    async (options) => {
      const controller = new AbortController();
      let count = 0;
      for await (const _ of capture(options).takeUntil(controller.signal)) if (++count === 4) controller.abort();
      assert.equal(count, 4);
    },
  ],
  [
    'takeUntil(), by time',
    async (options) => {
      const ended = capture(options).takeUntil(400).toArray();
      assert.ok((await within(ended, 'the end')).length > 0);
    },
  ],
  [
    'flows()',
    async (options) => {
      const sent = await flows(options)
        .filter((event) => event.kind === 'data')
        .map((data) => data.bytes.length)
        .take(5)
        .toArray();
      assert.ok(sent.length === 5 && sent.every((length) => length > 0));
    },
  ],
  [
    'Readable.from()',
    async (options) => {
      let count = 0;
      const readable = Readable.from(capture(options).map((message) => message.id));
      for await (const id of readable) {
        assert.equal(typeof id, 'number');
        if (++count === 5) break;
      }
      assert.equal(readable.destroyed, true);
    },
  ],
  [
    'pipeline()',
    async (options) => {
      const tap = capture(options);
      const lines: string[] = [];
      const toLine = new Transform({
        writableObjectMode: true,
        transform: (message: Message, _, done) => done(null, `${JSON.stringify(message)}\n`),
      });
      const sink = new Writable({
        write(chunk, _, done) {
          lines.push(...String(chunk).split('\n').filter(Boolean));
          done();
        },
      });
      await pipeline(tap.take(20), toLine, sink);
      assert.equal(lines.length, 20);
      assert.equal(typeof JSON.parse(lines[19] as string).id, 'number');
    },
  ],
  [
    'toReadableStream()',
    async (options) => {
      const reader = capture(options)
        .filter((message) => message.kind === 'request')
        .toReadableStream()
        .getReader();
      for (let i = 0; i < 5; i++) assert.equal((await reader.read()).value?.kind, 'request');
      await reader.cancel();
      assert.equal((await reader.read()).done, true);
    },
  ],
];

for (const [name, skip, options] of sources)
  suite(name, { skip, timeout: 300_000 }, () => {
    for (const [title, run] of chains) test(title, async (t) => within(run(await options(t)), title));
  });

suite('a chain over a whole file', { timeout: 300_000 }, () => {
  test('gives what arrays would', async () => {
    const all = await collect(capture({ file }));
    const id = (message: Message) => message.id;
    assert.ok(all.length > 400);
    assert.deepEqual((await capture({ file }).toArray()).map(id), all.map(id));
    const fields = (message: Message) => message.headers.raw.map(([field]) => `${message.id} ${field}`);
    assert.deepEqual(await capture({ file }).drop(17).flatMap(fields).toArray(), all.slice(17).flatMap(fields));
    for (const kind of ['request', 'response'] as const) {
      const want = all.filter((message) => message.kind === kind).map(id);
      const narrowed = await capture[`${kind}s`]({ file }).toArray();
      assert.deepEqual(
        narrowed.map((message) => message.startTime),
        want.map((wanted) => all[wanted - 1]?.startTime),
      );
      assert.deepEqual(
        narrowed.map(id),
        [...want.keys()].map((index) => index + 1),
      );
      assert.deepEqual(
        await capture({ file })
          .filter(async (message) => message.kind === kind)
          .map(id)
          .toArray(),
        want,
      );
    }
    assert.deepEqual(await collect(Readable.from(capture({ file }).map(id))), all.map(id));
    assert.deepEqual(await collect(capture({ file }).map(id).toReadableStream()), all.map(id));
  });

  test('is done with everything when a damaged file ends it', async () => {
    const damaged = temporaryFile(Buffer.concat([bytes, Buffer.alloc(20, 0xff)]));
    let seen = 0;
    const counted = capture({ file: damaged }).map(() => ++seen);
    await assert.rejects(counted.toArray(), { code: 'ERR_FILE' });
    assert.equal(seen, (await collect(capture({ file }))).length);
  });
});

suite('streams', { timeout: 300_000 }, () => {
  const messages = Array.from({ length: 100 }, (_, i) => ({ id: i + 1, head: `GET /${i + 1} HTTP/1.1` }));

  test('a slow sink is waited for', async () => {
    const { tap, session } = fakeTap();
    session.deliver(...messages);
    session.end();
    let mapped = 0;
    const ids = tap.map((message) => {
      mapped++;
      return message.id;
    });
    let written = 0;
    const sink = new Writable({
      objectMode: true,
      highWaterMark: 1,
      write(_, __, done) {
        written++;
        assert.ok(mapped - written < 8, `${mapped} were read when ${written} were written`);
        setImmediate(done);
      },
    });
    await pipeline(ids, sink);
    assert.equal(written, 100);
  });

  test('a sink that fails closes the capture', async () => {
    for (const wrap of [(ids: AsyncIterable<number>) => ids, (ids: AsyncIterable<number>) => Readable.from(ids)]) {
      const { tap, session } = fakeTap();
      session.deliver(...messages);
      const sink = new Writable({ objectMode: true, write: (_, __, done) => done(new Error('on purpose')) });
      await assert.rejects(pipeline(wrap(tap.map((message) => message.id)), sink), /on purpose/);
      assert.equal(session.closed, 1);
    }
  });

  test('what ends the capture is what the pipeline rejects with', async () => {
    const { tap, session } = fakeTap();
    session.deliver(...messages);
    session.end({ code: 'ERR_FILE', message: 'damaged' });
    const through = new PassThrough({ objectMode: true }).resume();
    await assert.rejects(pipeline(tap, through), { code: 'ERR_FILE' });
  });

  test('destroy() of a stream whose read waits closes the capture', async () => {
    const { tap, session } = fakeTap();
    const readable = Readable.from(tap.filter(() => true)).resume();
    await sleep(1);
    readable.destroy();
    await once(readable, 'close');
    assert.equal(session.closed, 1);
  });

  test('a web stream reads one when asked for one', async () => {
    const { tap, session } = fakeTap();
    session.deliver(...messages);
    session.end();
    let mapped = 0;
    const stream = tap.map(() => ++mapped).toReadableStream();
    await sleep(1);
    assert.equal(mapped, 0);
    const reader = stream.getReader();
    assert.equal((await reader.read()).value, 1);
    await sleep(1);
    assert.equal(mapped, 1);
    assert.equal((await Promise.all([reader.read(), reader.read()])).at(1)?.value, 3);
    reader.releaseLock();
    await stream.cancel();
    assert.equal(session.closed, 1);
  });

  test('cancelling a web stream whose read waits closes the capture', async () => {
    for (const chained of [false, true]) {
      const { tap, session } = fakeTap();
      const reader = (chained ? tap.filter(() => true) : tap).toReadableStream().getReader();
      const read = reader.read();
      await sleep(1);
      await reader.cancel(new Error('enough'));
      assert.equal((await read).done, true);
      assert.equal(session.closed, 1);
    }
  });

  test('a web stream fails with what ends the capture, and with what a callback throws', async () => {
    const { tap, session } = fakeTap();
    session.end({ code: 'ERR_FILE', message: 'damaged' });
    await assert.rejects(collect(tap.toReadableStream()), { code: 'ERR_FILE' });

    const other = fakeTap();
    other.session.deliver(...messages);
    const failing = other.tap.map(() => {
      throw new Error('on purpose');
    });
    await assert.rejects(collect(failing.toReadableStream()), /on purpose/);
    assert.equal(other.session.closed, 1);
  });

  test('pipeTo() and pipeThrough()', async () => {
    const { tap, session } = fakeTap();
    session.deliver(...messages);
    session.end();
    const seen: number[] = [];
    const double = new TransformStream<number, number>({ transform: (id, controller) => controller.enqueue(id * 2) });
    await tap
      .map((message) => message.id)
      .toReadableStream()
      .pipeThrough(double)
      .pipeTo(new WritableStream({ write: (id) => void seen.push(id) }));
    assert.deepEqual(
      seen,
      messages.map(({ id }) => id * 2),
    );
  });
});

suite('processes and workers', { timeout: 300_000 }, () => {
  test('a worker chains; terminate() while its chain waits', async (t) => {
    const worker = startWorker('chain', { file });
    t.after(() => worker.terminate());
    const exit = once(worker, 'exit');
    const [posted] = (await within(once(worker, 'message'), 'requests', 30_000)) as [DetachedRequest[]];
    const want = await capture.requests({ file }).toArray();
    assert.deepEqual(
      posted.map(({ id, target }) => [id, target]),
      want.map(({ id, target }) => [id, target]),
    );
    await within(worker.terminate(), 'terminate()', 30_000);
    await within(exit, 'exit', 30_000);
  });

  test('a chain that nobody reads does not keep the process alive', async () => {
    const { code, timedOut, stdout, stderr } = await runProgram('unread-chain');
    assert.ok(!timedOut);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'over\n');
  });
});
