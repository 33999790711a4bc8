/** Ids when messages are rejected in JavaScript. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Batch } from '../lib/batch.js';
import { REQUEST, RESPONSE } from '../lib/layout.js';
import { maxWaitingRequests, ShownIds } from '../lib/shown-ids.js';

interface Row {
  id: number;
  requestId?: number;
  interim?: boolean;
}

/** The part of a batch that ids are about. */
class Rows {
  readonly rows: Row[];
  constructor(rows: Row[]) {
    this.rows = rows;
  }
  get length() {
    return this.rows.length;
  }
  recordAt(index: number) {
    return index;
  }
  #row(at: number) {
    return this.rows[at] as Row;
  }
  id(at: number) {
    return this.#row(at).id;
  }
  kind(at: number) {
    return this.#row(at).requestId === undefined ? REQUEST : RESPONSE;
  }
  requestId(at: number) {
    return this.#row(at).requestId ?? 0;
  }
  isInterim(index: number) {
    return this.#row(index).interim ?? false;
  }
  setIds(at: number, id: number, requestId: number) {
    Object.assign(this.#row(at), this.kind(at) === REQUEST ? { id } : { id, requestId });
  }
}

function shown(ids: ShownIds, rows: Row[], indexes = [...rows.keys()]): Row[] {
  const selected = new Rows(indexes.map((index) => ({ ...(rows[index] as Row) })));
  ids.write(new Rows(rows) as unknown as Batch, indexes, selected as unknown as Batch);
  return selected.rows;
}

suite('ids of what is selected', () => {
  test('leave out what is rejected, and keep the jumps of what was lost', () => {
    const ids = new ShownIds();
    assert.deepEqual(shown(ids, [{ id: 1 }, { id: 2 }, { id: 5 }, { id: 6 }], [0, 2]), [{ id: 1 }, { id: 4 }]);
    assert.deepEqual(shown(ids, [{ id: 7 }, { id: 10 }], [0]), [{ id: 5 }]);
    assert.deepEqual(shown(ids, [{ id: 11 }]), [{ id: 8 }]);
  });

  test('responses name the shown id of their request, over batches; none of one that was rejected', () => {
    const ids = new ShownIds();
    assert.deepEqual(shown(ids, [{ id: 1 }, { id: 2 }, { id: 3 }], [1, 2]), [{ id: 1 }, { id: 2 }]);
    assert.deepEqual(
      shown(ids, [
        { id: 4, requestId: 1 },
        { id: 5, requestId: 2, interim: true },
        { id: 6, requestId: 2 },
        { id: 7, requestId: 0 },
      ]),
      [
        { id: 3, requestId: 0 },
        { id: 4, requestId: 1, interim: true },
        { id: 5, requestId: 1 },
        { id: 6, requestId: 0 },
      ],
    );
    const told = { kind: 'unanswered', reason: 'closed', timeNs: 0n } as const;
    assert.deepEqual(ids.unanswered({ ...told, id: 3 }), { ...told, id: 2 });
    assert.equal(ids.unanswered({ ...told, id: 3 }), undefined);
    assert.equal(ids.unanswered({ ...told, id: 1 }), undefined);
  });

  test('of too many requests that wait the oldest are forgotten', () => {
    const ids = new ShownIds();
    shown(
      ids,
      Array.from({ length: maxWaitingRequests + 2 }, (_, i) => ({ id: i + 1 })),
    );
    assert.equal(ids.forgotten, 2);
    const answers = [2, 3].map((requestId, i) => ({ id: maxWaitingRequests + 3 + i, requestId }));
    assert.deepEqual(
      shown(ids, answers).map(({ requestId }) => requestId),
      [0, 3],
    );
  });
});
