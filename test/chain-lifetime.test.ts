/** When a chain reads, and when it ends. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { collect, within } from './support/environment.js';
import { countListeners, exchange, fakeTap } from './support/fake-session.js';

const get = (id: number) => ({ id, head: `GET /${id} HTTP/1.1` });

describe('a chain', () => {
  test('reads nothing before next(), and no further than asked', async () => {
    const { tap, session } = fakeTap();
    let calls = 0;
    const chain = tap
      .map((message) => {
        calls++;
        return message.id;
      })
      .filter((id) => id % 2 === 0)
      .drop(1)
      .take(9);
    session.start();
    session.deliver(get(1), get(2), get(3), get(4), get(5), get(6));
    await turn();
    assert.equal(calls, 0);
    assert.equal(session.parked, false);
    assert.equal((await chain.next()).value, 4);
    assert.equal(calls, 4);
    await chain.return();
  });

  test('is the one consumer of its tap', async () => {
    const { tap } = fakeTap();
    tap.filter(() => true);
    assert.throws(() => tap.map(() => 1), { name: 'CaptureError', code: 'ERR_STATE' });
    assert.throws(() => tap.take(-1), { code: 'ERR_STATE' });
    assert.throws(() => tap[Symbol.asyncIterator](), { code: 'ERR_STATE' });
    assert.throws(() => tap.batches(), { code: 'ERR_STATE' });
    assert.throws(() => tap.toReadableStream(), { code: 'ERR_STATE' });
    await assert.rejects(tap.toArray(), { code: 'ERR_STATE' });
    await tap.close();
  });

  test('can be read for a while and then be chained further', async () => {
    const { tap, session } = fakeTap();
    session.deliver(get(1), get(2), get(3), get(4), get(5), get(6));
    session.end();
    const ids = tap.map((message) => message.id).take(5);
    assert.equal((await ids.next()).value, 1);
    const doubled = ids.map((id) => id * 2);
    assert.equal((await doubled.next()).value, 4);
    assert.equal((await ids.next()).value, 3);
    assert.deepEqual(await doubled.toArray(), [8, 10]);
    assert.equal((await ids.next()).done, true);
  });

  test('waits for what is not there yet', async () => {
    const { tap, session } = fakeTap();
    const all = tap
      .filter((message) => message.kind === 'response')
      .map((response) => response.status)
      .toArray();
    session.start();
    for (let i = 1; i < 8; i += 2) {
      session.deliver(...exchange(i));
      await turn();
      await turn();
    }
    session.end();
    assert.deepEqual(await all, [200, 200, 200, 200]);
  });

  test('serves concurrent reads one after the other, in order', async () => {
    const { tap, session } = fakeTap();
    let running = 0;
    const slow = tap
      .filter(async (message) => {
        assert.equal(++running, 1);
        await sleep(message.id === 1 ? 10 : 1);
        running--;
        return message.id !== 2;
      })
      .map((message) => message.id);
    const reads = [1, 2, 3, 4].map(() => slow.next());
    session.deliver(get(1), get(2), get(3), get(4));
    session.end();
    assert.deepEqual(
      (await Promise.all(reads)).map((result) => (result.done ? 'done' : result.value)),
      [1, 3, 4, 'done'],
    );
  });

  test('a concurrent read behind one that fails gets done', async () => {
    const { tap, session } = fakeTap();
    session.deliver(get(1), get(2));
    const failing = tap.map(async () => {
      throw new Error('on purpose');
    });
    const [first, second] = [failing.next(), failing.next()];
    await assert.rejects(first, /on purpose/);
    assert.equal((await second).done, true);
  });

  test('passes on what ended the capture, after what came before', async () => {
    const { tap, session } = fakeTap();
    session.start();
    session.deliver(get(1), get(2));
    session.end({ code: 'ERR_FILE', message: 'damaged at 42' });
    const ids = tap.map((message) => message.id).filter(() => true);
    assert.equal((await ids.next()).value, 1);
    assert.equal((await ids.next()).value, 2);
    await assert.rejects(ids.next(), { name: 'CaptureError', code: 'ERR_FILE' });
    assert.equal((await ids.next()).done, true);
  });

  test('ends with the signal of the capture as that does', async () => {
    const controller = new AbortController();
    const { tap } = fakeTap({ signal: controller.signal });
    const read = tap.map((message) => message.id).next();
    controller.abort(new Error('enough'));
    await assert.rejects(read, /enough/);
  });

  test('ends with tap.stop() when everything was delivered, with tap.close() at once', async () => {
    for (const [how, want] of [
      ['stop', [1, 2, 3]],
      ['close', [1]],
    ] as const) {
      const { tap, session } = fakeTap();
      session.deliver(get(1), get(2), get(3));
      const seen: number[] = [];
      for await (const id of tap.map((message) => message.id)) {
        seen.push(id);
        if (id === 1) void tap[how]();
      }
      assert.deepEqual(seen, want, how);
    }
  });

  test('break and a throw in the loop close the capture', async () => {
    const { tap, session } = fakeTap();
    session.deliver(get(1), get(2));
    for await (const path of tap.flatMap((message) => [message.id, message.id])) {
      assert.equal(path, 1);
      break;
    }
    assert.equal(session.closed, 1);

    const other = fakeTap();
    other.session.deliver(get(1));
    await assert.rejects(async () => {
      for await (const _ of other.tap.filter(() => true)) throw new Error('on purpose');
    }, /on purpose/);
    assert.equal(other.session.closed, 1);
  });

  test('return() answers reads that wait with done; await using does as return()', async () => {
    const { tap, session } = fakeTap();
    const chain = tap.map((message) => message.id).filter(() => true);
    const reads = [chain.next(), chain.next()];
    assert.deepEqual(await chain.return(), { value: undefined, done: true });
    assert.deepEqual(
      (await Promise.all(reads)).map((result) => result.done),
      [true, true],
    );
    await chain.return();
    assert.equal(session.closed, 1);

    const other = fakeTap();
    {
      await using used = other.tap.take(3);
      assert.equal(String(used), '[object Chain]');
    }
    assert.equal(other.session.closed, 1);
  });

  test('discards what a callback gives after return()', async () => {
    const { tap, session } = fakeTap();
    session.deliver(get(1));
    const chain = tap.map(async (message) => turn(message.id));
    const read = chain.next();
    await chain.return();
    assert.equal((await read).done, true);
  });

  test('discards what a callback gives that closes the chain itself', async () => {
    const { tap, session } = fakeTap();
    session.deliver(get(1));
    const controller = new AbortController();
    const chain = tap.map((message) => {
      controller.abort();
      return message.id;
    });
    assert.equal((await chain.takeUntil(controller.signal).next()).done, true);
  });

  test('what find(), some() and every() do not need is not read', async () => {
    for (const operator of ['find', 'some', 'every'] as const) {
      const { tap, session } = fakeTap();
      session.start();
      session.deliver(get(1), get(2), get(3));
      let last = 0;
      await tap[operator]((message) => {
        last = message.id;
        return operator === 'every' ? last < 2 : last > 1;
      });
      assert.equal(last, 2, operator);
      assert.equal(session.closed, 1, operator);
    }
  });

  test('timers get their turn while everything is filtered out', async () => {
    const { tap, session } = fakeTap();
    for (let i = 0; i < 200; i++) session.deliver(get(i + 1));
    session.end();
    let turns = 0;
    let going = true;
    const count = () => {
      turns++;
      if (going) setImmediate(count);
    };
    setImmediate(count);
    assert.deepEqual(await tap.filter(() => false).toArray(), []);
    going = false;
    assert.ok(turns >= 30, `${turns} turns of the event loop`);
  });
});

describe('takeUntil()', () => {
  test('a signal ends it while a read waits, whatever for', async () => {
    const never = () => new Promise<never>(() => {});
    const waiting = {
      'the capture': () => {
        const { tap, session } = fakeTap();
        return { chain: tap.filter(() => true), session };
      },
      'a callback': () => {
        const { tap, session } = fakeTap();
        session.deliver(get(1));
        return { chain: tap.map(never), session };
      },
      'a generator': () => {
        const { tap, session } = fakeTap();
        session.deliver(get(1));
        return { chain: tap.flatMap(() => ({ next: never })), session };
      },
    };
    for (const [what, start] of Object.entries(waiting)) {
      const controller = new AbortController();
      const { chain, session } = start();
      const read = (chain.takeUntil(controller.signal) as AsyncIterableIterator<unknown>).next();
      await turn();
      controller.abort();
      assert.deepEqual(await within(read, what), { value: undefined, done: true }, what);
      assert.equal(session.closed, 1, what);
    }
  });

  test('a signal that aborts between reads discards what was not delivered', async () => {
    const controller = new AbortController();
    const { tap, session } = fakeTap();
    session.deliver(get(1), get(2), get(3));
    const seen: number[] = [];
    for await (const message of tap.takeUntil(controller.signal)) {
      seen.push(message.id);
      if (message.id === 2) controller.abort();
    }
    assert.deepEqual(seen, [1, 2]);
    assert.equal(session.closed, 1);
  });

  test('a signal that has aborted already ends it at once', async () => {
    const { tap, session } = fakeTap();
    session.deliver(get(1));
    const chain = tap.takeUntil(AbortSignal.abort());
    assert.equal(session.closed, 1);
    assert.deepEqual(await chain.toArray(), []);
  });

  test('it ends without an error even when the capture has the same signal', async () => {
    const controller = new AbortController();
    const { tap } = fakeTap({ signal: controller.signal });
    const read = tap.takeUntil(controller.signal).next();
    controller.abort();
    assert.equal((await read).done, true);
  });

  test('time ends it while a read waits, and when nobody reads', async () => {
    const { tap, session } = fakeTap();
    const started = performance.now();
    assert.deepEqual(await within(collect(tap.takeUntil(50)), 'the end', 5000), []);
    assert.ok(performance.now() - started >= 45);
    assert.equal(session.closed, 1);

    const other = fakeTap();
    const chain = other.tap.takeUntil(10).map((message) => message.id);
    other.session.deliver(get(1));
    while (other.session.closed === 0) await sleep(5);
    assert.equal((await chain.next()).done, true);
  });

  test('what comes before the end is delivered, and the end lets go of the signal and the timer', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const listeners = countListeners(signal);
    const { tap, session } = fakeTap();
    session.deliver(get(1), get(2));
    session.end();
    const chain = tap.takeUntil(signal).takeUntil(60_000);
    assert.equal(listeners(), 1);
    assert.equal((await chain.toArray()).length, 2);
    assert.equal(listeners(), 0);
  });

  test('passes on what fails before the end', async () => {
    const { tap, session } = fakeTap();
    session.end({ code: 'ERR_FILE', message: 'damaged' });
    await assert.rejects(tap.takeUntil(60_000).next(), { code: 'ERR_FILE' });
  });

  test('a bad limit is an error, and closes the capture', () => {
    for (const [limit, error] of [
      [-1, RangeError],
      [Number.NaN, RangeError],
      [2 ** 31, RangeError],
      [Infinity, RangeError],
      ['1000', TypeError],
      [undefined, TypeError],
      [{}, TypeError],
    ] as const) {
      const { tap, session } = fakeTap();
      assert.throws(() => tap.takeUntil(limit as number), error, String(limit));
      assert.equal(session.closed, 1);
    }
  });
});
