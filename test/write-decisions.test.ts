/** What JavaScript tells the capture thread of its decisions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Batch } from '../lib/batch.js';
import { Decisions } from '../lib/write/decisions.js';

/** A batch of messages, each with the id of its connection. */
const batchOf = (firstId: number, connections: number[]) =>
  ({
    length: connections.length,
    lastId: firstId + connections.length - 1,
    recordAt: (index: number) => index,
    connectionId: (at: number) => connections[at],
  }) as unknown as Batch;

function decisions() {
  const told: [connections: number[], upTo: number][] = [];
  return { told, of: new Decisions((connections, upTo) => told.push([[...connections], upTo])) };
}

test('each connection once a batch, and how far it is', () => {
  const { told, of } = decisions();
  of.add(batchOf(1, [7, 8, 7, 9]), [0, 2, 3]);
  of.add(batchOf(5, [8]), []);
  of.add(batchOf(6, []), []);
  assert.deepEqual(told, [
    [[7, 9], 4],
    [[], 5],
  ]);
});

test('what nobody looked at is passed over when everything before it is decided', () => {
  const { told, of } = decisions();
  of.letGo(batchOf(3, [1, 2]));
  assert.deepEqual(told, []);
  of.add(batchOf(1, [1, 2]), [0]);
  of.pass();
  of.pass();
  assert.deepEqual(told, [
    [[1], 2],
    [[], 4],
  ]);
});
