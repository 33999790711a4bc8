import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe as suite, test } from 'node:test';
import { type CaptureError, capture, type Message, type Tap } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation } from './support/conversation.js';
import { type SourceKind, start, startDownload, thenSilence } from './support/endless.js';
import { collect, opened, runProgram, skipUnlessLive, temporaryFile, within } from './support/environment.js';
import { compare, expect } from './support/expected.js';
import { request, response } from './support/http.js';
import { nextUnfinished } from './support/packet-feed.js';
import { traffic } from './support/traffic.js';

const live = await skipUnlessLive();
const kinds: SourceKind[] = ['file', 'stream', 'live'];
const { conversations, segments } = traffic({ seed: 95, conversations: 6, exchanges: 10 });
const bytes = pcap(toPackets(segments, { link: 'ethernet' }), { nanoseconds: true });
const file = temporaryFile(bytes);
const want = expect(conversations, segments);

/** A tap over an open stream whose packets have all been looked at. */
async function idle(content = bytes, packets = segments.length): Promise<Tap> {
  const tap = await opened({ stream: thenSilence(content) });
  while (tap.stats().packets.received < packets) await new Promise(setImmediate);
  return tap;
}

const iterate = (tap: Tap) => tap[Symbol.asyncIterator]();
const over = { done: true, value: undefined };

for (const kind of kinds)
  suite(`the end of a capture: ${kind}`, { skip: kind === 'live' && live, timeout: 300_000 }, () => {
    test('break', async () => {
      const { tap, release } = start(kind);
      let seen = 0;
      for await (const _ of tap) if (++seen === 3) break;
      assert.equal(seen, 3);
      // A tap is read once.
      assert.throws(() => iterate(tap), { code: 'ERR_STATE' });
      assert.throws(() => tap.batches(), { code: 'ERR_STATE' });
      await release();
    });

    test('an error thrown by the consumer goes through', async () => {
      const { tap, release } = start(kind);
      const failure = new Error('the consumer');
      await assert.rejects(
        async () => {
          for await (const _ of tap) throw failure;
        },
        (error) => error === failure,
      );
      await release();
    });

    test('return() before, between and after next()', async () => {
      for (const taken of [0, 1, 5]) {
        const { tap, release } = start(kind);
        const iterator = iterate(tap);
        for (let i = 0; i < taken; i++) assert.equal((await iterator.next()).done, false);
        const returned = await within(iterator.return?.() ?? Promise.reject(), 'return()');
        assert.equal(returned.done, true);
        assert.deepEqual(await within(iterator.next(), 'next() after return()'), over);
        assert.equal((await iterator.return?.())?.done, true);
        await release();
      }
    });

    test('an abort before, during and after', async () => {
      const reason = new Error('enough');
      const before = start(kind, { signal: AbortSignal.abort(reason) });
      const told = (error: unknown) => error === reason;
      await assert.rejects(() => within(before.tap.ready, 'ready'), told);
      await assert.rejects(() => within(iterate(before.tap).next(), 'next()'), told);
      await before.release();

      const controller = new AbortController();
      const during = start(kind, { signal: controller.signal });
      const iterator = iterate(during.tap);
      await iterator.next();
      controller.abort(reason);
      await assert.rejects(async () => {
        for (;;) if ((await within(iterator.next(), 'next() after abort()')).done) return;
      }, told);
      await during.release();
      assert.equal(getEventListeners(controller.signal, 'abort').length, 0);

      const late = new AbortController();
      const after = start(kind, { signal: late.signal });
      await iterate(after.tap).next();
      await after.tap.close();
      assert.equal(getEventListeners(late.signal, 'abort').length, 0);
      late.abort(reason);
      await after.release();
    });

    test('close() twice and at any time', async () => {
      const unopened = start(kind);
      await within(Promise.all([unopened.tap.close(), unopened.tap.close()]), 'close() while opening');
      await unopened.release();
      const ready = start(kind);
      await ready.tap.ready;
      await within(Promise.resolve(ready.tap.close()), 'close() when ready');
      await ready.tap.close();
      assert.ok(ready.tap.stats().packets.received >= 0);
      await ready.release();
    });

    test('stop() lets the iterator drain', async () => {
      const { tap, release } = start(kind);
      const iterator = iterate(tap);
      const first = await iterator.next();
      assert.equal(first.done, false);
      tap.stop();
      tap.stop();
      let count = 1;
      while (!(await within(iterator.next(), 'draining')).done) count++;
      const { delivery } = tap.stats();
      assert.equal(delivery.messagesDelivered, count);
      await release();
    });

    test('await using, by the symbol', async () => {
      const { tap, release } = start(kind);
      assert.equal(typeof tap[Symbol.asyncDispose], 'function');
      await iterate(tap).next();
      await within(tap[Symbol.asyncDispose](), 'dispose');
      await release();
    });
  });

for (const kind of ['stream', 'live'] as const)
  suite(`the end while something is waited for: ${kind}`, { skip: kind === 'live' && live, timeout: 300_000 }, () => {
    const ways: [name: string, end: (tap: Tap, controller: AbortController) => unknown, left: string][] = [
      ['stop()', (tap) => tap.stop(), 'truncated'],
      ['close()', (tap) => tap.close(), 'ERR_CLOSED'],
      ['an abort', (_, controller) => controller.abort(new Error('enough')), 'ERR_CLOSED'],
    ];
    for (const [name, end, left] of ways) {
      test(`a body is read, its end is awaited: ${name}`, async () => {
        const controller = new AbortController();
        const { tap, release } = startDownload(kind, { signal: controller.signal });
        const response = await nextUnfinished(iterate(tap));
        const body = response.text().catch((error: CaptureError) => error.code);
        const integrity = response.finished.then(
          (told) => told.integrity,
          (error: CaptureError) => error.code,
        );
        await end(tap, controller);
        assert.equal(await within(integrity, 'finished'), left);
        assert.match(await within(body, 'text()'), left === 'ERR_CLOSED' ? /^ERR_CLOSED$/ : /^the beginning/);
        await release();
      });

      test(`the next exchange: ${name}`, async () => {
        const controller = new AbortController();
        const { tap, release } = start(kind, { signal: controller.signal });
        const exchanges = tap.exchanges();
        assert.equal((await exchanges.next()).done, false);
        const rest = collect(exchanges);
        await end(tap, controller);
        if (name === 'an abort') await assert.rejects(within(rest, 'the rest'), /enough/);
        else await within(rest, 'the rest');
        await release();
      });
    }
  });

suite('a parked read', () => {
  const parked = async () => {
    const tap = await idle();
    const iterator = iterate(tap);
    for (let i = 0; i < want.length; i++) assert.equal((await iterator.next()).done, false);
    return { tap, iterator, next: iterator.next() };
  };

  test('close() resolves it', async () => {
    const { tap, next } = await parked();
    await tap.close();
    assert.deepEqual(await within(next, 'the parked next()'), over);
  });

  test('return() resolves it', async () => {
    const { iterator, next } = await parked();
    await iterator.return?.();
    assert.deepEqual(await within(next, 'the parked next()'), over);
  });

  test('stop() resolves it', async () => {
    const { tap, next } = await parked();
    tap.stop();
    assert.deepEqual(await within(next, 'the parked next()'), over);
  });

  test('an abort rejects it', async () => {
    const controller = new AbortController();
    const tap = capture({ stream: thenSilence(pcap([])), signal: controller.signal });
    const next = iterate(tap).next();
    setImmediate(() => controller.abort());
    await assert.rejects(() => within(next, 'the parked next()'), { name: 'AbortError' });
  });

  test('several at once are answered in order', async () => {
    const tap = await opened({ file });
    const iterator = iterate(tap);
    const results: IteratorResult<Message>[] = [];
    while (!results.some((result) => result.done))
      results.push(...(await Promise.all(Array.from({ length: 7 }, () => iterator.next()))));
    const end = results.findIndex((result) => result.done);
    assert.ok(results.slice(end).every((result) => result.done));
    compare(
      results.slice(0, end).map((result) => result.value),
      want,
    );
  });

  test('several at once are all resolved by close()', async () => {
    const tap = capture({ stream: thenSilence(pcap([])) });
    const iterator = iterate(tap);
    const all = Promise.all(Array.from({ length: 5 }, () => iterator.next()));
    await tap.ready;
    await tap.close();
    assert.deepEqual(await within(all, 'five parked reads'), Array(5).fill(over));
  });
});

suite('stop()', () => {
  test('gives everything that was captured, and finishes what is open', async () => {
    const open = new Conversation({
      startNs: (segments.at(-1)?.timeNs ?? 0n) + 1000n,
      client: { port: 1234 },
    }).handshake();
    open.say([request()]);
    open.send(1, response({ body: 'half of it'.repeat(1000) }).wire.subarray(0, 3000));
    const all = [...segments, ...open.segments];
    const tap = await idle(pcap(toPackets(all, { link: 'ethernet' }), { nanoseconds: true }), all.length);
    await tap.stop();
    const messages = await within(collect(tap), 'draining');
    const isOpen = (message: Message) => message.connection.client.port === 1234;
    compare(
      messages.filter((message) => !isOpen(message)),
      want,
    );
    assert.deepEqual(
      messages.filter(isOpen).map((message) => message.integrity),
      ['complete', 'truncated'],
    );
  });

  test('close() after stop() discards what was not read', async () => {
    const tap = await idle();
    await tap.stop();
    await tap.close();
    assert.deepEqual(await collect(tap).catch(() => []), []);
  });
});

suite('batches()', () => {
  test('hold the same messages in the same order', async () => {
    const single = await collect(capture({ file }));
    const batched: Message[] = [];
    let batches = 0;
    for await (const batch of capture({ file }).batches()) {
      batches++;
      for (const message of batch) batched.push(message);
    }
    assert.ok(batches > 0 && batches < batched.length);
    compare(batched, want);
    assert.deepEqual(
      batched.map((message) => message.id),
      single.map((message) => message.id),
    );
  });

  test('break ends the capture', async () => {
    const tap = capture({ stream: thenSilence(bytes) });
    for await (const _ of tap.batches()) break;
    await within(Promise.resolve(tap.close()), 'close()');
  });
});

suite('messages', () => {
  test('the request of a response, read when the response comes', async () => {
    let paired = 0;
    for await (const message of capture({ file })) {
      if (message.kind !== 'response' || message.requestId === null) continue;
      paired++;
      assert.equal(message.request?.id, message.requestId);
      const mark = message.headers.get('x-id');
      if (mark !== null) assert.equal(message.request?.headers.get('x-id')?.slice(1), mark.slice(1));
    }
    assert.equal(paired, want.filter((one) => one.message.kind === 'response').length);
  });
});

suite('promises', () => {
  test('ready may be left alone when it rejects', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    try {
      await assert.rejects(() => collect(capture({ file: '/nowhere/at-all.pcap' })), { code: 'ERR_FILE' });
      const ignored = capture({ file: '/nowhere/at-all.pcap' });
      await ignored.ready.catch(() => {});
      for (let i = 0; i < 5; i++) await new Promise(setImmediate);
      await ignored.close();
      assert.deepEqual(unhandled, []);
    } finally {
      process.off('unhandledRejection', note);
    }
  });

  test('close() while opening settles ready', async () => {
    const tap = capture({ file });
    await tap.close();
    await within(
      tap.ready.then(
        () => {},
        (error: Error) => assert.equal((error as { code?: string }).code, 'ERR_CLOSED'),
      ),
      'ready after close()',
    );
  });

  test('messages outlive their tap', async () => {
    const messages = await collect(capture({ file }));
    compare(messages, want);
    (globalThis as { gc?: () => void }).gc?.();
    compare(messages, want);
  });

  test('timers are not starved by a file that is read as fast as it goes', async () => {
    const many = traffic({ seed: 96, conversations: 50, exchanges: 50, maxBodyBytes: 200, pipelined: 0.9 });
    const path = temporaryFile(pcap(toPackets(many.segments, { link: 'ethernet' })));
    let turns = 0;
    let count = 0;
    let running = true;
    const turn = () => {
      turns++;
      if (running) setImmediate(turn);
    };
    setImmediate(turn);
    let timer = false;
    setTimeout(() => {
      timer = true;
    }, 1);
    for await (const _ of capture({ file: path })) count++;
    running = false;
    assert.ok(count > 4900);
    assert.ok(timer && turns > 3, `the event loop turned ${turns} times in ${count} messages`);
  });

  test('two captures at once in one thread', async () => {
    const [one, two, three] = await Promise.all([
      collect(capture({ file })),
      collect(capture({ file, port: 20_001 })),
      collect(capture({ file })),
    ]);
    compare(one, want);
    compare(three, want);
    compare(
      two,
      want.filter((said) => said.conversation.ends[0].port === 20_001),
    );
  });

  test('a slow consumer of a file loses nothing', async () => {
    const many = traffic({ seed: 97, conversations: 40, exchanges: 20 });
    const tap = capture({
      file: temporaryFile(pcap(toPackets(many.segments, { link: 'ethernet' }), { nanoseconds: true })),
      maxQueuedBytes: 64 * 1024,
    });
    const messages: Message[] = [];
    for await (const message of tap) {
      messages.push(message);
      if (messages.length % 10 === 0) await new Promise(setImmediate);
    }
    compare(messages, expect(many.conversations, many.segments));
    assert.equal(tap.stats().delivery.messagesDropped, 0);
  });
});

suite('leaks', { concurrency: 2 }, () => {
  for (const kind of kinds)
    test(`captures opened and closed give everything back: ${kind}`, {
      skip: kind === 'live' && live,
      timeout: 300_000,
    }, async () => {
      const { code, signal, stdout, stderr, timedOut } = await runProgram('leak', {
        args: [kind],
        nodeOptions: ['--expose-gc'],
        timeoutMs: 120_000,
      });
      assert.ok(!timedOut && signal === null && code === 0, `${code} ${signal} ${stderr}`);
      const { before, after }: Record<string, { threads: number; descriptors: number; residentBytes: number }[]> =
        JSON.parse(stdout);
      assert.ok(before && after);
      for (const what of ['threads', 'descriptors'] as const)
        assert.equal(after.at(-1)?.[what], before.at(-1)?.[what], stdout);
      // A batch or a packet buffer lost with each capture would be several times this.
      const growth =
        Math.min(...after.map((one) => one.residentBytes)) - Math.max(...before.map((one) => one.residentBytes));
      assert.ok(growth < 16 << 20, stdout);
    });
});
