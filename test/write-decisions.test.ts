/** What JavaScript tells the capture thread of its decisions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Batch } from '../lib/batch.js';
import { Decisions } from '../lib/write/decisions.js';

/** A batch of messages, each with the id of its connection. */
const batchOf = (firstId: number, connections: number[]) =>
  ({
    length: connections.length,
    lastNativeId: connections.length === 0 ? 0 : firstId + connections.length - 1,
    recordAt: (index: number) => index,
    connectionId: (at: number) => connections[at],
  }) as unknown as Batch;

function decisions() {
  const told: [connections: number[], upTo: number][] = [];
  return { told, of: new Decisions((connections, upTo) => told.push([[...connections], upTo])) };
}

test('each connection once a batch, and how far it is', () => {
  const { told, of } = decisions();
  of.taken(batchOf(1, [7, 8, 7, 9]), 4);
  of.passOver(batchOf(5, [8]));
  of.taken(batchOf(6, []), 0);
  assert.deepEqual(told, [
    [[7, 8, 9], 4],
    [[], 5],
  ]);
});

test('of the batch in which the consumer leaves nothing is decided but what it took', () => {
  const { told, of } = decisions();
  of.taken(batchOf(1, [7]), 1);
  of.taken(batchOf(2, [8, 9, 10]), 2);
  const batch = batchOf(2, [8, 9, 10]);
  batch.wantedConnections = new Set([9]);
  of.taken(batch, 3);
  assert.deepEqual(told, [
    [[7], 1],
    [[8, 9], 1],
    [[9], 1],
  ]);
});

test('what nobody looked at is passed over when everything before it is decided', () => {
  const { told, of } = decisions();
  of.letGo(batchOf(3, [1]), false);
  of.letGo(batchOf(4, [5]), true);
  assert.deepEqual(told, []);
  of.taken(batchOf(1, [1, 2]), 2);
  of.pass();
  of.pass();
  assert.deepEqual(told, [
    [[1, 2], 2],
    [[5], 4],
  ]);
});
