/** The operators of a chain one by one, on a session without a thread. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Chain } from '../lib/index.js';
import type { Tap } from '../lib/tap.js';
import { collect } from './support/environment.js';
import { type FakeSession, fakeTap } from './support/fake-session.js';

/** A capture of so many requests, of batches of three, that has ended. */
function numbers(count: number): { chain: Chain<number>; tap: Tap; session: FakeSession } {
  const { tap, session } = fakeTap();
  session.start();
  const specs = Array.from({ length: count }, (_, i) => ({ id: i + 1, head: `GET /${i + 1} HTTP/1.1` }));
  while (specs.length > 0) session.deliver(...specs.splice(0, 3));
  session.end();
  return { chain: tap.map((message) => message.id), tap, session };
}

let calls = 0;

/** An answer as it is, or one turn of the event loop later. */
const answers: [string, <T>(value: T) => T | Promise<T>][] = [
  ['synchronous', (value) => value],
  ['asynchronous', async (value) => turn(value)],
  ['now and then asynchronous', (value) => (calls++ % 3 === 0 ? Promise.resolve(value) : value)],
  // biome-ignore lint/suspicious/noThenProperty: what `await` takes for a promise
  ['thenable', <T>(value: T) => ({ then: (resolve: (value: T) => void) => resolve(value) }) as unknown as Promise<T>],
];

for (const [how, answer] of answers)
  describe(`${how} callbacks`, () => {
    test('map() gets value and index', async () => {
      const { chain, session } = numbers(5);
      assert.deepEqual(await collect(chain.map((id, index) => answer([id * 10, index]))), [
        [10, 0],
        [20, 1],
        [30, 2],
        [40, 3],
        [50, 4],
      ]);
      assert.equal(session.closed, 1);
    });

    test('map() may give undefined, null and functions', async () => {
      const odd = () => 1;
      const given = [undefined, null, 0, '', odd];
      const { chain } = numbers(5);
      assert.deepEqual(await collect(chain.map((_, index) => answer(given[index]))), given);
    });

    test('filter() gets value and index, and takes what is truthy', async () => {
      const { chain } = numbers(9);
      const kept = chain.filter((id) => answer(id % 2)).filter((_, index) => answer(index < 3 ? 'yes' : ''));
      assert.deepEqual(await collect(kept), [1, 3, 5]);
    });

    test('flatMap() gives what is in arrays, generators and async generators', async () => {
      const { chain } = numbers(4);
      const flat = chain.flatMap((id, index) => {
        if (index === 0) return answer([id, id * 10]);
        if (index === 1) return answer([]);
        if (index === 2)
          return answer(
            (function* () {
              yield id;
              yield id * 10;
            })(),
          );
        return answer(
          (async function* () {
            yield id;
            await turn();
            yield id * 10;
          })(),
        );
      });
      assert.deepEqual(await collect(flat), [1, 10, 3, 30, 4, 40]);
    });

    test('forEach(), some(), every(), find(), reduce()', async () => {
      const seen: number[][] = [];
      const { chain, session } = numbers(3);
      const note = (id: number, index: number) => answer(seen.push([id, index]));
      assert.equal(await chain.forEach(note), undefined);
      assert.deepEqual(seen, [
        [1, 0],
        [2, 1],
        [3, 2],
      ]);
      assert.equal(session.closed, 1);

      assert.equal(await numbers(5).chain.some((id) => answer(id === 4)), true);
      assert.equal(await numbers(5).chain.some((_, index) => answer(index === 5)), false);
      assert.equal(await numbers(5).chain.every((id) => answer(id < 3)), false);
      assert.equal(await numbers(5).chain.every((_, index) => answer(index < 5)), true);
      assert.equal(await numbers(5).chain.find((id) => answer(id > 2)), 3);
      assert.equal(await numbers(5).chain.find((id) => answer(id > 5)), undefined);
      assert.equal(await numbers(5).chain.reduce((sum, id) => answer(sum + id)), 15);
      assert.equal(
        await numbers(3).chain.reduce((text, id, index) => answer(`${text} ${index}:${id}`), '>'),
        '> 0:1 1:2 2:3',
      );
      const indices: number[] = [];
      await numbers(3).chain.reduce((_, id, index) => answer(indices.push(index) ? id : id));
      assert.deepEqual(indices, [1, 2]);
    });

    test('what a callback throws rejects, closes the capture and ends the chain', async () => {
      const fail = (id: number) => {
        if (id === 2) throw new Error('on purpose');
        return answer(id);
      };
      const failing: [string, (chain: Chain<number>) => Promise<unknown>][] = [
        ['map', (chain) => collect(chain.map(fail))],
        ['filter', (chain) => collect(chain.filter(fail))],
        ['flatMap', (chain) => collect(chain.flatMap((id) => answer([fail(id)])))],
        ['forEach', (chain) => chain.forEach(fail)],
        ['some', (chain) => chain.some((id) => !fail(id))],
        ['every', (chain) => chain.every(fail)],
        ['find', (chain) => chain.find((id) => !fail(id))],
        ['reduce', (chain) => chain.reduce((_, id) => fail(id))],
      ];
      for (const [name, run] of failing) {
        const { tap, session, chain } = numbers(9);
        await assert.rejects(run(chain), /on purpose/, name);
        assert.equal(session.closed, 1, name);
        assert.equal((await chain.next()).done, true, name);
        await tap.close();
      }
    });

    test('what a callback promises and does not keep does the same', async () => {
      const { chain, session } = numbers(9);
      const mapped = chain.map((id) => (id === 2 ? Promise.reject(new Error('on purpose')) : answer(id)));
      assert.deepEqual(await mapped.next(), { value: 1, done: false });
      await assert.rejects(mapped.next(), /on purpose/);
      assert.deepEqual(await mapped.next(), { value: undefined, done: true });
      assert.equal(session.closed, 1);
    });
  });

describe('take() and drop()', () => {
  test('count', async () => {
    assert.deepEqual(await numbers(9).chain.take(4).toArray(), [1, 2, 3, 4]);
    assert.deepEqual(await numbers(2).chain.take(4).toArray(), [1, 2]);
    assert.deepEqual(await numbers(3).chain.take(Infinity).toArray(), [1, 2, 3]);
    assert.deepEqual(await numbers(9).chain.drop(7).toArray(), [8, 9]);
    assert.deepEqual(await numbers(9).chain.drop(10).toArray(), []);
    assert.deepEqual(await numbers(3).chain.drop(0).toArray(), [1, 2, 3]);
    assert.deepEqual(await numbers(9).chain.drop(Infinity).toArray(), []);
    assert.deepEqual(await numbers(9).chain.drop(2).take(2).toArray(), [3, 4]);
    assert.deepEqual(await numbers(9).chain.take(2.9).toArray(), [1, 2]);
    assert.deepEqual(await numbers(2).chain.drop(-0.5).toArray(), [1, 2]);
  });

  test('what cannot be a count is a RangeError, and closes the capture', () => {
    for (const count of [-1, Number.NaN, -Infinity, 'many' as unknown as number])
      for (const operator of ['take', 'drop'] as const) {
        const { tap, session } = fakeTap();
        assert.throws(() => tap[operator](count), RangeError, `${operator}(${count})`);
        assert.equal(session.closed, 1);
      }
  });

  test('take(0) closes the capture without reading from it', async () => {
    const { tap, session } = fakeTap();
    let taken = 0;
    const take = session.take.bind(session);
    session.take = () => {
      taken++;
      return take();
    };
    assert.deepEqual(await tap.take(0).next(), { value: undefined, done: true });
    assert.equal(session.closed, 1);
    assert.equal(taken, 0);
  });

  test('take() closes the capture when one more is asked for', async () => {
    const { chain, session } = numbers(9);
    const two = chain.take(2);
    await two.next();
    assert.equal((await two.next()).value, 2);
    assert.equal(session.closed, 0);
    assert.equal((await two.next()).done, true);
    assert.equal(session.closed, 1);
  });
});

describe('callbacks that are none', () => {
  test('are TypeErrors, and close the capture', async () => {
    const none = 'none' as unknown as () => never;
    const makers: ((tap: Tap) => unknown)[] = [
      (tap) => tap.map(none),
      (tap) => tap.filter(none),
      (tap) => tap.flatMap(none),
    ];
    for (const make of makers) {
      const { tap, session } = fakeTap();
      assert.throws(() => make(tap), TypeError, String(make));
      assert.equal(session.closed, 1, String(make));
    }
    const readers: ((tap: Tap) => Promise<unknown>)[] = [
      (tap) => tap.forEach(none),
      (tap) => tap.some(none),
      (tap) => tap.every(none),
      (tap) => tap.find(none),
      (tap) => tap.reduce(none),
    ];
    for (const read of readers) {
      const { tap, session } = fakeTap();
      await assert.rejects(read(tap), TypeError, String(read));
      assert.equal(session.closed, 1, String(read));
    }
  });

  test('reduce() of nothing needs an initial value, be it undefined', async () => {
    await assert.rejects(
      numbers(0).chain.reduce((sum, id) => sum + id),
      TypeError,
    );
    assert.equal(await numbers(0).chain.reduce((sum, id) => sum + id, 7), 7);
    assert.equal(await numbers(0).chain.reduce<number | undefined>((_, id) => id, undefined), undefined);
  });
});

describe('flatMap()', () => {
  test('takes an iterator for one, awaits the values of synchronous iterables', async () => {
    let next = 0;
    const iterator = { next: () => ({ value: ++next, done: next > 2 }) };
    const { chain } = numbers(2);
    const flat = chain.flatMap<Promise<number> | number>((id) => (id === 1 ? iterator : [Promise.resolve(7), 8]));
    assert.deepEqual(await flat.toArray(), [1, 2, 7, 8]);
  });

  test('takes no strings and nothing else that is not iterable', async () => {
    for (const wrong of ['text', 7, undefined, null, {}]) {
      const { chain, session } = numbers(2);
      await assert.rejects(chain.flatMap(() => wrong as never).toArray(), TypeError, String(wrong));
      assert.equal(session.closed, 1);
    }
  });

  test('return() leaves what is inside, then closes the capture', async () => {
    const left: string[] = [];
    const { chain, session } = numbers(5);
    const flat = chain.flatMap(async function* (id) {
      try {
        for (;;) yield id;
      } finally {
        left.push(`inside, closed ${session.closed}`);
      }
    });
    await flat.next();
    await flat.next();
    assert.deepEqual(await flat.return(), { value: undefined, done: true });
    assert.equal(left.length, 1);
    assert.equal(session.closed, 1);
  });

  test('return() does not wait for a generator that waits', async () => {
    const { chain, session } = numbers(5);
    const flat = chain.flatMap(async function* () {
      await new Promise(() => {});
      yield 1;
    });
    void flat.next();
    await turn();
    await flat.return();
    assert.equal(session.closed, 1);
  });

  test('leaves what a callback opened while the chain was closed', async () => {
    let left = 0;
    const { chain } = numbers(5);
    const inside = { next: () => ({ value: 1, done: false }), return: () => ({ value: ++left, done: true }) };
    const flat = chain.flatMap(async () => turn(inside));
    const read = flat.next();
    await flat.return();
    assert.equal((await read).done, true);
    assert.equal(left, 1);
  });

  test('what fails inside closes the capture, and is not asked to return', async () => {
    for (const fail of [
      () => {
        throw new Error('on purpose');
      },
      () => Promise.reject(new Error('on purpose')),
    ]) {
      let left = 0;
      const { chain, session } = numbers(5);
      const inside = { next: fail as () => never, return: () => ({ value: ++left, done: true as const }) };
      await assert.rejects(chain.flatMap(() => inside).next(), /on purpose/);
      assert.equal(left, 0);
      assert.equal(session.closed, 1);
    }
  });

  test('a return() that fails rejects, but the capture is closed', async () => {
    const { chain, session } = numbers(5);
    const inside = {
      next: () => ({ value: 1, done: false as const }),
      return: () => {
        throw new Error('on purpose');
      },
    };
    const flat = chain.flatMap(() => inside);
    await flat.next();
    await assert.rejects(flat.return(), /on purpose/);
    assert.equal(session.closed, 1);
  });
});
