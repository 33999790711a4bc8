import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { CaptureError } from '../lib/errors.js';
import type { Message } from '../lib/message.js';
import { resolveOptions } from '../lib/options.js';
import { Tap } from '../lib/tap.js';
import { countListeners, exchange, type FakeSession, fakeCounters, fakeTap } from './support/fake-session.js';

const ids = (messages: Message[]) => messages.map((message) => message.id);

async function gather(iterable: AsyncIterable<Message>): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const message of iterable) messages.push(message);
  return messages;
}

describe('iterating', () => {
  test('gives the messages of all batches, then ends, and closes the session', async () => {
    const { tap, session } = fakeTap();
    session.start();
    session.deliver(...exchange(1), ...exchange(3));
    session.deliver(...exchange(5));
    session.end();
    assert.deepEqual(ids(await gather(tap)), [1, 2, 3, 4, 5, 6]);
    assert.equal(session.closed, 1);
  });

  test('waits for what is not there yet', async () => {
    const { tap, session } = fakeTap();
    const all = gather(tap);
    await turn();
    assert.equal(session.parked, true);
    session.start();
    await turn();
    session.deliver(...exchange(1));
    await turn();
    await turn();
    session.deliver(...exchange(3));
    session.end();
    assert.deepEqual(ids(await all), [1, 2, 3, 4]);
  });

  test('concurrent reads are answered in order, the superfluous ones with done', async () => {
    const { tap, session } = fakeTap();
    const iterator = tap[Symbol.asyncIterator]();
    const reads = [1, 2, 3, 4].map(() => iterator.next());
    session.deliver(...exchange(1));
    session.deliver({ id: 3, head: 'GET / HTTP/1.1' });
    session.end();
    const results = await Promise.all(reads);
    assert.deepEqual(
      results.map((result) => (result.done ? 'done' : result.value.id)),
      [1, 2, 3, 'done'],
    );
    assert.deepEqual(await iterator.next(), { value: undefined, done: true });
  });

  test('batches() gives them together', async () => {
    const { tap, session } = fakeTap();
    session.deliver(...exchange(1), ...exchange(3));
    session.deliver(...exchange(5));
    session.end();
    const seen: number[][] = [];
    for await (const batch of tap.batches()) {
      seen.push(ids([...batch]));
      assert.equal(batch.length, seen.at(-1)?.length);
      assert.equal(batch.at(0)?.id, seen.at(-1)?.[0]);
      assert.equal(batch.at(-1)?.id, batch.at(batch.length - 1)?.id);
      assert.equal(batch.at(batch.length), undefined);
      assert.equal(batch.at(-99), undefined);
    }
    assert.deepEqual(seen, [
      [1, 2, 3, 4],
      [5, 6],
    ]);
  });

  test('a tap has one consumer', async () => {
    for (const first of ['messages', 'batches'] as const) {
      const { tap } = fakeTap();
      if (first === 'messages') tap[Symbol.asyncIterator]();
      else tap.batches();
      assert.throws(() => tap[Symbol.asyncIterator](), { name: 'CaptureError', code: 'ERR_STATE' });
      assert.throws(() => tap.batches(), { code: 'ERR_STATE' });
      await tap.close();
    }
  });

  test('timers get their turn while the mailbox stays full', async () => {
    const { tap, session } = fakeTap();
    for (let i = 0; i < 200; i++) session.deliver({ id: i + 1, head: 'GET / HTTP/1.1' });
    session.end();
    let turns = 0;
    let going = true;
    const count = () => {
      turns++;
      if (going) setImmediate(count);
    };
    setImmediate(count);
    assert.equal((await gather(tap)).length, 200);
    going = false;
    assert.ok(turns >= 30, `${turns} turns of the event loop`);
  });
});

describe('the end', () => {
  test('an error comes after the messages before it, once', async () => {
    const { tap, session } = fakeTap();
    session.start();
    session.deliver(...exchange(1));
    session.end({ code: 'ERR_FILE', message: 'damaged at 42' });
    const iterator = tap[Symbol.asyncIterator]();
    assert.equal((await iterator.next()).value?.id, 1);
    assert.equal((await iterator.next()).value?.id, 2);
    await assert.rejects(iterator.next(), { name: 'CaptureError', code: 'ERR_FILE', message: 'damaged at 42' });
    assert.deepEqual(await iterator.next(), { value: undefined, done: true });
    assert.equal(session.closed, 1);
    await tap.ready;
  });

  test('an unknown code of the addon becomes ERR_CAPTURE', async () => {
    const { tap, session } = fakeTap();
    session.end({ code: 'EWHATEVER', message: 'x' });
    await assert.rejects(gather(tap), { code: 'ERR_CAPTURE', message: 'x' });
  });

  test('break and return() close the session', async () => {
    const { tap, session } = fakeTap();
    session.deliver(...exchange(1));
    for await (const message of tap) {
      assert.equal(message.id, 1);
      break;
    }
    assert.equal(session.closed, 1);
    await tap.close();
    assert.equal(session.closed, 1);

    const other = fakeTap();
    const iterator = other.tap[Symbol.asyncIterator]();
    const parked = iterator.next();
    assert.deepEqual(await iterator.return?.(), { value: undefined, done: true });
    assert.deepEqual(await parked, { value: undefined, done: true });
    assert.deepEqual(await iterator.next(), { value: undefined, done: true });
  });

  test('close() discards what was not delivered and answers reads that wait with done', async () => {
    const { tap, session } = fakeTap();
    session.deliver(...exchange(1));
    const iterator = tap[Symbol.asyncIterator]();
    await iterator.next();
    await tap.close();
    assert.deepEqual(await iterator.next(), { value: undefined, done: true });

    const waiting = fakeTap();
    const reads = gather(waiting.tap);
    await turn();
    await waiting.tap.close();
    assert.deepEqual(await reads, []);
    assert.deepEqual(await gather(fakeClosed()), []);
  });

  function fakeClosed(): Tap {
    const { tap } = fakeTap();
    void tap.close();
    return tap;
  }

  test('close() between an error and its delivery drops the error', async () => {
    const { tap, session } = fakeTap();
    session.deliver({ id: 1, head: 'GET / HTTP/1.1' });
    session.end({ code: 'ERR_FILE', message: 'damaged' });
    const iterator = tap[Symbol.asyncIterator]();
    await iterator.next();
    await tap.close();
    assert.equal((await iterator.next()).done, true);
  });

  test('stop() lets the iterator drain', async () => {
    const { tap, session } = fakeTap();
    session.start();
    session.deliver(...exchange(1));
    tap.stop();
    tap.stop();
    assert.deepEqual(ids(await gather(tap)), [1, 2]);
    tap.stop();
    assert.equal(session.stopped, 2);
    assert.equal(session.closed, 1);
  });

  test('Symbol.asyncDispose closes', async () => {
    const { tap, session } = fakeTap();
    await tap[Symbol.asyncDispose]();
    assert.equal(session.closed, 1);
  });

  test('a session that cannot be made rejects, not throws', async () => {
    const tap = new Tap(resolveOptions({}), {
      open() {
        throw new Error('no threads left');
      },
      counters: fakeCounters,
    });
    await assert.rejects(tap.ready, { code: 'ERR_CAPTURE', message: /no threads left/ });
    await assert.rejects(gather(tap), { code: 'ERR_CAPTURE' });
    assert.equal(tap.stats().packets.received, 0);
    await tap.close();
  });
});

describe('signal', () => {
  test('rejects a read that waits with its reason, once', async () => {
    const controller = new AbortController();
    const { tap, session } = fakeTap({ signal: controller.signal });
    session.deliver(...exchange(1));
    const iterator = tap[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.next();
    const parked = iterator.next();
    const reason = new Error('enough');
    controller.abort(reason);
    await assert.rejects(parked, reason);
    assert.equal((await iterator.next()).done, true);
    assert.equal(session.closed, 1);
  });

  test('discards what was taken, and tells the next read', async () => {
    const controller = new AbortController();
    const { tap, session } = fakeTap({ signal: controller.signal });
    session.deliver(...exchange(1));
    const iterator = tap[Symbol.asyncIterator]();
    await iterator.next();
    controller.abort();
    await assert.rejects(iterator.next(), { name: 'AbortError' });
    await assert.rejects(tap.ready, { name: 'AbortError' });
  });

  test('aborted before the start opens nothing', async () => {
    const { tap, session } = fakeTap({ signal: AbortSignal.abort('no') });
    assert.equal(session, undefined);
    await assert.rejects(gather(tap), (error) => error === 'no');
    await assert.rejects(tap.ready, (error) => error === 'no');
    tap.stop();
    await tap.close();
  });

  test('is let go at the end', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const listeners = countListeners(signal);
    const { tap } = fakeTap({ signal });
    assert.equal(listeners(), 1);
    await tap.close();
    assert.equal(listeners(), 0);
  });
});

describe('ready, info and stats', () => {
  test('ready resolves when the session captures, and info tells what', async () => {
    const { tap, session } = fakeTap();
    const before = tap.info;
    assert.equal(before, undefined);
    const { ready } = tap;
    assert.equal(session.parked, true);
    session.start();
    await ready;
    assert.equal(session.parked, false);
    assert.deepEqual(tap.info, { interface: 'lo', linkType: 'EN10MB', filter: '', snaplen: 262144 });
    await tap.close();
    assert.equal(tap.info?.interface, 'lo');
  });

  test('ready and a read share one ring', async () => {
    const { tap, session } = fakeTap();
    const { ready } = tap;
    const all = gather(tap);
    session.start();
    await ready;
    session.deliver(...exchange(1));
    session.end();
    assert.equal((await all).length, 2);
  });

  test('ready rejects when opening fails; nobody has to look', async () => {
    const { tap, session } = fakeTap();
    session.end({ code: 'ERR_PERMISSION', message: 'not permitted' });
    await assert.rejects(tap.ready, { name: 'CaptureError', code: 'ERR_PERMISSION' });
    await assert.rejects(gather(tap), { code: 'ERR_PERMISSION' });
    // An unhandled rejection would fail the test.
    const { session: other, tap: unseen } = fakeTap();
    other.end({ code: 'ERR_NO_INTERFACE', message: 'none' });
    void unseen.ready;
    await turn();
    await turn();
    await unseen.close();
  });

  test('ready of a short file resolves although it has ended, even by damage', async () => {
    const { tap, session } = fakeTap();
    session.start();
    session.end({ code: 'ERR_FILE', message: 'damaged' });
    await tap.ready;
    await assert.rejects(gather(tap), { code: 'ERR_FILE' });
  });

  test('close() before anything rejects ready', async () => {
    const { tap } = fakeTap();
    const { ready } = tap;
    await tap.close();
    await assert.rejects(ready, { code: 'ERR_CLOSED' });
    await assert.rejects(tap.ready, { code: 'ERR_CLOSED' });
  });

  test('stats are grouped, also after the end', async () => {
    const { tap } = fakeTap();
    const expected = {
      packets: { received: 7 },
      decode: {},
      tcp: {},
      http: {},
      delivery: {
        messagesDropped: 3,
        requestsForgotten: 0,
        bodyBytesLetGo: 0,
        messagesNotMatched: 0,
        messagesLetGo: 0,
      },
      write: {},
    };
    assert.deepEqual(tap.stats(), expected);
    await tap.close();
    assert.deepEqual(tap.stats(), expected);
  });
});

describe('packets of an unsupported link type', () => {
  const code = 'FLOWTAP_UNSUPPORTED_LINK_TYPE';
  let warnings: string[] = [];
  const note = (warning: Error & { code?: string }) => {
    if (warning.code === code) warnings.push(warning.message);
  };
  beforeEach(() => {
    warnings = [];
    process.on('warning', note);
  });
  afterEach(() => process.off('warning', note));
  const usb = { linkType: 'USB_LINUX', packets: 1 };
  const dbus = { linkType: 'DBUS', packets: 4 };

  test('live: warned about once, when the first is seen', async () => {
    const { tap, session } = fakeTap();
    const all = gather(tap);
    session.start();
    session.change({ unsupportedLinkTypes: [usb] });
    await until(() => warnings.length > 0);
    session.change({ unsupportedLinkTypes: [{ ...usb, packets: 2 }, dbus] });
    session.end();
    await all;
    await turn();
    assert.deepEqual(warnings, [
      '1 packet so far of link type USB_LINUX, which cannot be decoded; stats().packets.unsupported counts them',
    ]);
  });

  test('file: warned about once, at the end, with all of them', async () => {
    const { tap, session } = fakeTap({ file: 'x.pcapng' });
    const all = gather(tap);
    session.start();
    session.change({ unsupportedLinkTypes: [usb] });
    await turn();
    await turn();
    assert.deepEqual(warnings, []);
    session.change({ unsupportedLinkTypes: [usb, dbus] });
    session.end();
    await all;
    await turn();
    assert.deepEqual(warnings, [
      '5 packets of link types USB_LINUX and DBUS, which cannot be decoded; stats().packets.unsupported counts them',
    ]);
  });

  test('also when the tap is closed before, or nobody reads', async () => {
    const { tap, session } = fakeTap({ file: 'x.pcapng' });
    session.change({ unsupportedLinkTypes: [usb] });
    await tap.close();
    await tap.close();
    await turn();
    assert.equal(warnings.length, 1);
  });
});

describe('stream', () => {
  test('is pumped into the session, with an end', async () => {
    const { session } = fakeTap({ stream: Readable.from([Buffer.from('ab'), Uint8Array.of(1), new Uint8Array()]) });
    await until(() => session.pushedEnd);
    assert.deepEqual(Buffer.concat(session.pushed), Buffer.from('ab\x01'));
  });

  test('a large chunk goes in parts', async () => {
    const { session } = fakeTap({ stream: Readable.from([Buffer.alloc(2_500_000, 7)]) });
    await until(() => session.pushedEnd);
    assert.deepEqual(
      session.pushed.map((part) => part.length),
      [1048576, 1048576, 402848],
    );
  });

  test('waits when the session has enough, until it wants more', async () => {
    let pulled = 0;
    async function* source() {
      for (; pulled < 5; pulled++) yield Buffer.alloc(8, pulled);
    }
    const { tap, session } = fakeTap({ stream: source() });
    session.wantsMore = false;
    const reading = gather(tap);
    await until(() => session.pushed.length === 1);
    await turn();
    await turn();
    assert.equal(session.pushed.length, 1);
    session.change({ wantsInput: true });
    await until(() => session.pushed.length === 2);
    session.wantsMore = true;
    session.change({ wantsInput: true });
    await until(() => session.pushedEnd);
    assert.equal(session.pushed.length, 5);
    session.end();
    assert.deepEqual(await reading, []);
  });

  test('web streams and plain iterables', async () => {
    const web = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Uint8Array.of(1, 2));
        controller.close();
      },
    });
    const { session } = fakeTap({ stream: web });
    await until(() => session.pushedEnd);
    assert.deepEqual([...Buffer.concat(session.pushed)], [1, 2]);
  });

  test('an error of the source comes after what it delivered, with its cause', async () => {
    const cause = new Error('connection lost');
    async function* source() {
      yield Buffer.from('ab');
      throw cause;
    }
    const { tap, session } = fakeTap({ stream: source() });
    await until(() => session.pushedEnd);
    session.start();
    session.deliver(...exchange(1));
    session.end({ code: 'ERR_FILE', message: 'cut short' });
    const seen: number[] = [];
    await assert.rejects(
      async () => {
        for await (const message of tap) seen.push(message.id);
      },
      (error: unknown) => {
        assert.ok(error instanceof CaptureError);
        assert.equal(error.code, 'ERR_FILE');
        assert.match(error.message, /connection lost/);
        assert.equal(error.cause, cause);
        return true;
      },
    );
    assert.deepEqual(seen, [1, 2]);
  });

  test('ready waits until the session captures, not for bytes alone', async () => {
    const stream = new PassThrough();
    const { tap, session } = fakeTap({ stream });
    let ready = false;
    const settled = tap.ready.then(() => (ready = true));
    stream.write('header');
    await until(() => session.pushed.length === 1);
    await turn();
    assert.equal(ready, false);
    session.start();
    await settled;
    assert.equal(tap.info?.linkType, 'EN10MB');
    await tap.close();
  });

  test('ready rejects with what ended the stream', async () => {
    const { tap, session } = fakeTap({ stream: new Readable({ read() {} }).destroy(new Error('no route')) });
    await until(() => session.pushedEnd);
    session.end({ code: 'ERR_FILE', message: 'the stream is empty' });
    await assert.rejects(tap.ready, { code: 'ERR_FILE', message: /no route/ });
  });

  test('stop() before the session captures rejects ready, and ends the iterator without an error', async () => {
    const { tap, session } = fakeTap({ stream: new PassThrough() });
    const { ready } = tap;
    tap.stop();
    await assert.rejects(ready, { code: 'ERR_CLOSED' });
    assert.equal(tap.info, undefined);
    assert.deepEqual(await gather(tap), []);
    assert.equal(session.closed, 1);
  });

  test('text instead of bytes, and locked streams, are errors that say so', async () => {
    const source = new PassThrough();
    source.setEncoding('utf8');
    source.end('abc');
    const { tap, session } = fakeTap({ stream: source });
    await until(() => session.pushedEnd);
    session.end();
    await assert.rejects(gather(tap), { code: 'ERR_FILE', message: /set no encoding/ });
    const web = new ReadableStream<Uint8Array>();
    web.getReader();
    const locked = fakeTap({ stream: web });
    locked.session.end();
    await assert.rejects(gather(locked.tap), { code: 'ERR_FILE', message: /locked/ });
  });

  test('close() destroys it, also while a read is under way', async () => {
    const readable = new PassThrough();
    const { tap } = fakeTap({ stream: readable });
    await turn();
    await tap.close();
    assert.equal(readable.destroyed, true);

    let returned = false;
    const iterable = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<Uint8Array>>(() => {}),
        return: () => {
          returned = true;
          return Promise.reject(new Error('nobody hears this'));
        },
      }),
    };
    await fakeTap({ stream: iterable }).tap.close();
    assert.equal(returned, true);

    let cancelled = false;
    const web = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true;
      },
    });
    await fakeTap({ stream: web }).tap.close();
    assert.equal(cancelled, true);
  });
});

async function until(condition: () => boolean): Promise<void> {
  // A test that never gets there is ended by the runner's time limit.
  while (!condition()) await turn();
}

test('options go to the session complete', () => {
  const { session } = fakeTap({ port: 80, body: 'none' });
  assert.deepEqual((session as FakeSession).options.ports, [80]);
  assert.equal((session as FakeSession).options.body, 'none');
});
