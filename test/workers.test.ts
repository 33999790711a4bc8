import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe as suite, type TestContext, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { capture } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import type { SourceKind } from './support/endless.js';
import { collect, runProgram, skipUnlessLive, temporaryFile, within } from './support/environment.js';
import { compare, expect } from './support/expected.js';
import type { ReadResult } from './support/programs/read.js';
import { type How, type Stage, stages, waitingStages } from './support/stages.js';
import { traffic } from './support/traffic.js';
import { startWorker } from './support/worker.js';

const live = await skipUnlessLive();
const kinds: SourceKind[] = ['file', 'stream', 'live'];

/** A worker that is gone after the test, also when the test failed. */
function workerOf(t: TestContext, ...start: Parameters<typeof startWorker>): Worker {
  const worker = startWorker(...start);
  t.after(() => worker.terminate());
  return worker;
}

/** Waits for a worker's end; an error in it fails the test unless it is the one thrown on purpose. */
function ending(of: Worker, purpose = false): Promise<number> {
  return new Promise((resolve, reject) => {
    of.on('exit', resolve);
    of.on('error', (error) => {
      if (!purpose || !/on purpose/.test(error.message)) reject(error);
    });
  });
}

suite('terminate() at every stage', { timeout: 300_000, concurrency: 2 }, () => {
  for (const kind of kinds)
    for (const stage of stages) {
      if (kind === 'file' && waitingStages.includes(stage)) continue;
      test(`${kind}, ${stage}`, { skip: kind === 'live' && live }, async (t) => {
        const one = workerOf(t, 'stage', { kind, stage, how: 'stay' satisfies How });
        const end = ending(one);
        await within(Promise.race([once(one, 'message'), end]), 'the stage');
        await within(one.terminate(), 'terminate()');
        await within(end, 'exit');
      });
    }

  test('at any moment', async (t) => {
    for (let i = 0; i < 6; i++) {
      const one = workerOf(t, 'stage', { kind: 'file', stage: 'drained', how: 'stay' });
      const end = ending(one);
      await once(one, 'online');
      await new Promise((resolve) => setTimeout(resolve, i * 60));
      await within(one.terminate(), 'terminate()');
      await within(end, 'exit');
    }
  });
});

suite('the end of a worker', { timeout: 300_000 }, () => {
  for (const [how, code] of [
    ['exit', 7],
    ['throw', 1],
    ['leave', 0],
  ] as [How, number][])
    for (const stage of ['opening', 'capturing', 'mid-batch'] as Stage[]) {
      if (how === 'leave' && stage === 'mid-batch') continue;
      test(`${how}: ${stage}`, async (t) => {
        const one = workerOf(t, 'stage', { kind: 'stream', stage, how }, { stdout: true });
        one.stdout.resume();
        assert.equal(await within(ending(one, true), 'exit'), code);
      });
    }
});

suite('captures in several workers', { timeout: 300_000 }, () => {
  const { conversations, segments } = traffic({ seed: 98, conversations: 20, exchanges: 20 });
  const file = temporaryFile(pcap(toPackets(segments, { link: 'ethernet' }), { nanoseconds: true }));
  const want = expect(conversations, segments);

  test('each sees everything, detached messages cross by postMessage', async (t) => {
    const workers = Array.from({ length: 4 }, (_, i) => workerOf(t, 'read', { file, captures: 1 + (i % 2) }));
    const ends = workers.map((one) => ending(one));
    const here = collect(capture({ file }));
    const results = await within(
      Promise.all(workers.map(async (one) => (await once(one, 'message'))[0] as ReadResult[])),
      'results',
      30_000,
    );
    compare(await here, want);
    assert.deepEqual(await within(Promise.all(ends), 'exit'), [0, 0, 0, 0]);
    const order = (a: { id: number }, b: { id: number }) => a.id - b.id;
    const reference = (await collect(capture({ file }))).map((message) => message.detach()).sort(order);
    for (const result of results.flat()) {
      assert.equal(result.messages.length, want.length);
      result.messages.sort(order).forEach((message, i) => {
        const other = reference[i] as (typeof reference)[number];
        assert.equal(message.id, other.id);
        assert.equal(message.kind, other.kind);
        assert.equal(message.bodyLength, other.bodyLength);
        assert.ok(Buffer.from(message.body ?? []).equals(Buffer.from(other.body ?? [])));
        assert.ok(Buffer.from(message.head).equals(Buffer.from(other.head)));
        assert.deepEqual(message.connection, other.connection);
      });
    }
  });

  test('process.exit() of the main thread while workers capture', async () => {
    const { code, signal, timedOut, stderr } = await runProgram('busy-workers');
    assert.ok(!timedOut, stderr);
    assert.equal(signal, null, stderr);
    assert.equal(code, 7, stderr);
  });
});
