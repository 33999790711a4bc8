import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../lib/batch.js';
import { messageAt, type RequestMessage, type ResponseMessage } from '../lib/message.js';
import { findRequest, maxRecentBatches, maxWaitingBytes, RecentRequests } from '../lib/requests.js';
import { type MessageSpec, writeBatch } from './support/batch-writer.js';

const get = (id: number, more: Partial<MessageSpec> = {}): MessageSpec => ({
  id,
  head: `GET /${id} HTTP/1.1\nHost: h${id}\nX: y`,
  body: 'sent',
  ...more,
});
const ok = (id: number, requestId: number, status = '200 OK'): MessageSpec => ({
  id,
  requestId,
  head: `HTTP/1.1 ${status}`,
  body: '',
});

class Capture {
  readonly requests = new RecentRequests();
  id = 0;
  add(...specs: MessageSpec[]): Batch {
    return this.tell([], ...specs);
  }
  /** A batch that tells that to these requests no response will come. */
  tell(unanswered: number[], ...specs: MessageSpec[]): Batch {
    const batch = new Batch(writeBatch(specs), { maxBodyBytes: 8 << 20, streaming: false, maxDecodedBytes: 1000 });
    const told = unanswered.map((id) => ({ kind: 'unanswered', id, reason: 'closed', timeNs: 0n }) as const);
    this.requests.add(batch, told);
    return batch;
  }
  /** Pushes out what is recent. */
  age(from: number): void {
    for (let i = 0; i < maxRecentBatches; i++) this.add(get(from + 2 * i), ok(from + 2 * i + 1, from + 2 * i));
  }
}
const responseAt = (batch: Batch, index: number) => messageAt(batch, index) as ResponseMessage;

test('a request in a recent batch is found whole, body included', () => {
  const capture = new Capture();
  const first = capture.add(get(1), get(2));
  const second = capture.add(ok(3, 2), ok(4, 1));
  assert.deepEqual(responseAt(second, 0).request?.toJSON(), messageAt(first, 1).toJSON());
  assert.deepEqual(responseAt(second, 1).request?.body, (messageAt(first, 0) as RequestMessage).body);
});

test('a request that waits long is found without its body', () => {
  const capture = new Capture();
  capture.add(get(1), get(2), ok(3, 2), get(5, { wide: true, trailer: 'T: 1', separateBody: true }));
  capture.age(10);
  const late = capture.add(ok(30, 1), ok(31, 5), ok(32, 2), ok(33, 4));
  const request = responseAt(late, 0).request;
  assert.equal(request?.id, 1);
  assert.equal(request?.url, 'http://h1/1');
  assert.equal(request?.headers.get('x'), 'y');
  assert.equal(request?.connection.server.port, 8000);
  assert.equal(request?.bodyLength, 4);
  assert.equal(request?.body, undefined);
  assert.equal(responseAt(late, 1).request?.url, 'http://h5/5');
  assert.equal(responseAt(late, 1).request?.trailers.get('t'), '1');
  // Answered before it left, so not kept; and one that never was.
  assert.equal(responseAt(late, 2).request, undefined);
  assert.equal(responseAt(late, 3).request, undefined);
});

test('a batch of which nearly all waits is kept as it is, until all of that is answered', () => {
  const capture = new Capture();
  const whole = capture.add(...[1, 2, 3, 4, 5].map((id) => get(id, { body: '' })));
  capture.age(10);
  const first = capture.add(ok(30, 2));
  assert.deepEqual(first.requestSources, [whole]);
  assert.equal(responseAt(first, 0).request?.url, 'http://h2/2');
  const rest = capture.add(ok(31, 1), ok(32, 3), ok(33, 4), ok(34, 5));
  assert.equal(responseAt(rest, 3).request?.id, 5);
  assert.equal(responseAt(capture.add(ok(35, 5)), 0).request, undefined, 'nobody waits any longer');
});

test('an interim response does not use up the request', () => {
  const capture = new Capture();
  capture.add(get(1));
  capture.add(ok(2, 1, '100 Continue'));
  capture.age(10);
  const interim = capture.add(ok(30, 1, '102 Processing'));
  const late = capture.add(ok(31, 1));
  assert.equal(responseAt(interim, 0).request?.id, 1);
  assert.equal(responseAt(late, 0).request?.id, 1);
  // Answered now; a second answer finds nothing in the store.
  assert.equal(responseAt(capture.add(ok(32, 1)), 0).request, undefined);
});

test('the response keeps what it found, whatever comes later', () => {
  const capture = new Capture();
  capture.add(get(1));
  capture.age(10);
  const late = responseAt(capture.add(ok(30, 1)), 0);
  capture.age(40);
  capture.age(60);
  assert.equal(late.request?.id, 1);
});

test('a response that is kept keeps its request, and nothing before that', async () => {
  const capture = new Capture();
  const before = new WeakRef(capture.add(get(1)));
  const kept = responseAt(capture.add(ok(2, 1), get(3)), 0);
  const later = responseAt(capture.add(ok(4, 3), get(5)), 0);
  capture.age(10);
  const tooLate = capture.add(ok(30, 5));
  capture.age(40);
  assert.equal(kept.request?.id, 1);
  assert.ok((kept.request?.body?.length ?? 0) > 0, 'all of it');
  assert.equal(later.request?.id, 3);
  assert.ok(before.deref());
  assert.deepEqual(tooLate.requestSources, [], 'a batch that is old refers to none');
});

test('requests without a response are found by the batch that tells of them, be it otherwise empty', () => {
  const capture = new Capture();
  capture.add(get(1), get(2));
  const told = capture.tell([2]);
  assert.equal(findRequest(told, 2)?.index, 1);
  capture.age(10);
  assert.equal(findRequest(capture.tell([1]), 1)?.batch.length, 1, 'a copy');
  assert.equal(findRequest(capture.tell([2]), 2), undefined);
});

test('ids with holes are found by search', () => {
  const capture = new Capture();
  const batch = capture.add(get(1), get(5), get(6), get(100), ok(101, 6), ok(102, 5), ok(103, 4), ok(200, 100));
  const found = [4, 5, 6, 7].map((index) => responseAt(batch, index).request?.id);
  assert.deepEqual(found, [6, 5, undefined, 100]);
});

test('what waits is bounded and what is forgotten is counted', () => {
  const capture = new Capture();
  const head = `GET / HTTP/1.1\nX: ${'x'.repeat(60_000)}`;
  const perBatch = 20;
  const batches = Math.ceil((maxWaitingBytes / (60_000 * perBatch)) * 1.5);
  let id = 1;
  for (let i = 0; i < batches; i++) capture.add(...Array.from({ length: perBatch }, () => ({ id: id++, head })));
  assert.ok(
    capture.requests.forgotten > 0 && capture.requests.forgotten < batches * perBatch,
    `${capture.requests.forgotten}`,
  );
  const { forgotten } = capture.requests;
  const late = capture.add(ok(id, 1), ok(id + 1, forgotten), ok(id + 2, forgotten + 1));
  assert.equal(responseAt(late, 0).request, undefined);
  assert.equal(responseAt(late, 1).request, undefined);
  assert.equal(responseAt(late, 2).request?.id, forgotten + 1);
});
