/** What must come out of a capture: worked out from what was said and which segments the capture has. */
import assert from 'node:assert/strict';
import type { Message, RequestMessage, ResponseMessage } from '../../lib/index.js';
import type { Conversation, Said } from './conversation.js';
import type { Segment } from './frame.js';

export interface Expected extends Said {
  /** Its bytes that no segment has. */
  missingBytes: number;
  /** Capture time of the first byte, undefined when it is missing, and of the byte that was captured last. */
  startTime: bigint | undefined;
  endTime: bigint | undefined;
}

/** Which bytes of one direction a capture has, and when each was first seen. */
class Coverage {
  readonly #spans: { start: number; end: number; timeNs: bigint }[] = [];

  add(segment: Segment): void {
    if (segment.forged || segment.payload.length === 0) return;
    this.#spans.push({ start: segment.offset, end: segment.offset + segment.payload.length, timeNs: segment.timeNs });
  }

  /** Capture time of a byte. The spans are in capture order. */
  timeOf(offset: number): bigint | undefined {
    return this.#spans.find((span) => span.start <= offset && offset < span.end)?.timeNs;
  }

  /** When the last of these bytes was captured, which reordering may make another than the one at the end. */
  completeAt(start: number, end: number): bigint | undefined {
    let open: [number, number][] = [[start, end]];
    let last: bigint | undefined;
    for (const span of this.#spans) {
      if (!open.some(([from, to]) => span.start < to && from < span.end)) continue;
      last = span.timeNs;
      open = open.flatMap(([from, to]) =>
        (
          [
            [from, Math.min(to, span.start)],
            [Math.max(from, span.end), to],
          ] as [number, number][]
        ).filter((range) => range[0] < range[1]),
      );
    }
    return last;
  }

  missing(start: number, end: number): number {
    const inside = this.#spans.filter((span) => span.end > start && span.start < end).sort((a, b) => a.start - b.start);
    let at = start;
    let missing = 0;
    for (const span of inside) {
      if (span.start > at) missing += span.start - at;
      at = Math.max(at, span.end);
    }
    return missing + Math.max(0, end - at);
  }
}

/** Expectations in the order in which things were said. `segments` are what the capture has, in its order. */
export function expect(conversations: readonly Conversation[], segments?: readonly Segment[]): Expected[] {
  return conversations.flatMap((conversation) => {
    const coverage = [new Coverage(), new Coverage()] as const;
    for (const segment of segments ?? conversation.segments)
      if (segment.ends === conversation.ends) coverage[segment.side].add(segment);
    return conversation.said.map((said) => ({
      ...said,
      missingBytes: coverage[said.side].missing(said.start, said.end),
      startTime: coverage[said.side].timeOf(said.start),
      endTime: coverage[said.side].completeAt(said.start, said.end),
    }));
  });
}

export interface CompareOptions {
  /** Time stamps of the file, to be compared with: cuts off what the file does not hold. Default: nanoseconds. `false`: do not compare. */
  resolutionNs?: bigint | false;
  /** Bodies were kept. Default true. */
  bodies?: boolean;
  /** With loss: responses are paired with their own requests or not at all. Default true. */
  pairing?: boolean;
}

const tuple = (message: Message) =>
  `${message.connection.client.address}:${message.connection.client.port}>${message.connection.server.address}:${message.connection.server.port}`;
const tupleOf = (said: Said) => said.conversation.ends.map((end) => `${end.address}:${end.port}`).join('>');

/** The start of a message in words, for failures. */
export function describe(message: Message): string {
  const what =
    message.kind === 'request'
      ? `${message.method} ${message.target.slice(0, 60)}`
      : `${message.status} ${message.statusText}`;
  return `#${message.id} ${message.kind} ${what} x-id=${message.headers.get('x-id')} ${tuple(message)} ${message.integrity}`;
}

/** Fails unless `message` is what was said, in every field. */
export function same(message: Message, expected: Expected, options: CompareOptions = {}): void {
  const { resolutionNs = 1n, bodies = true } = options;
  const { message: said } = expected;
  const where = describe(message);
  assert.equal(message.kind, said.kind, where);
  assert.equal(tuple(message), tupleOf(expected), where);
  if (message.kind === 'request') {
    assert.ok(said.kind === 'request');
    assert.equal(message.method, said.method, where);
    assert.equal(message.target, said.target, where);
    const [path, query] = pathAndQuery(said.target);
    assert.equal(message.path, path, where);
    assert.equal(message.query, query, where);
  } else {
    assert.ok(said.kind === 'response');
    assert.equal(message.status, said.status, where);
    assert.equal(message.statusText, said.statusText, where);
    assert.equal(message.interim, said.interim, where);
  }
  assert.equal(message.httpVersion, said.httpVersion, where);
  assert.deepEqual(
    message.headers.raw.map(([name, value]) => [name, value]),
    said.headers,
    where,
  );
  assert.deepEqual(
    message.trailers.raw.map(([name, value]) => [name, value]),
    said.trailers,
    where,
  );
  assert.ok(Buffer.from(message.head).equals(said.head), `${where}: head differs`);
  assert.equal(message.bodyLength, said.body.length, `${where}: bodyLength`);
  assert.equal(message.bodyTruncated, false, where);
  if (bodies) {
    assert.ok(message.body !== undefined || said.body.length === 0, `${where}: no body`);
    assert.ok(Buffer.from(message.body ?? []).equals(said.body), `${where}: body differs`);
  } else assert.equal(message.body, undefined, where);
  assert.equal(message.integrity, 'complete', where);
  if (resolutionNs !== false) {
    const inFile = (time: bigint | undefined) => ((time ?? 0n) / resolutionNs) * resolutionNs;
    assert.equal(message.startTime, inFile(expected.startTime), `${where}: startTime`);
    assert.equal(message.endTime, inFile(expected.endTime), `${where}: endTime`);
  }
}

function pathAndQuery(target: string): [string, string] {
  const origin = target.replace(/^[a-z]+:\/\/[^/]*/, '');
  const mark = origin.indexOf('?');
  return mark < 0 ? [origin, ''] : [origin.slice(0, mark), origin.slice(mark + 1)];
}

/** What holds of any messages of one capture, whatever was said. */
export function checkOrder(messages: readonly Message[]): void {
  const ids = new Map<number, RequestMessage | ResponseMessage>();
  const lastId = new Map<number, number>();
  for (const message of messages) {
    assert.ok(!ids.has(message.id), `id ${message.id} twice`);
    ids.set(message.id, message);
    const last = lastId.get(message.connection.id) ?? 0;
    assert.ok(message.id > last, `${describe(message)} after #${last} of its connection`);
    lastId.set(message.connection.id, message.id);
    if (message.kind === 'response' && message.requestId !== null) {
      const request = ids.get(message.requestId);
      assert.ok(request !== undefined, `${describe(message)} came before its request #${message.requestId}`);
      assert.equal(request.kind, 'request');
      assert.equal(request.connection.id, message.connection.id);
      // Old requests are let go: read late, there may be none, but never another.
      if (message.request) assert.equal(message.request.id, message.requestId);
    }
  }
}

/** Fails unless the messages are exactly what was said: nothing lost, nothing invented, in order, paired. */
export function compare(
  messages: readonly Message[],
  expected: readonly Expected[],
  options: CompareOptions = {},
): void {
  checkOrder(messages);
  const streams = new Map<string, { got: Message[]; want: Expected[] }>();
  const stream = (key: string) => {
    const known = streams.get(key) ?? { got: [], want: [] };
    streams.set(key, known);
    return known;
  };
  for (const message of messages) stream(`${tuple(message)} ${message.kind}`).got.push(message);
  for (const one of expected) stream(`${tupleOf(one)} ${one.message.kind}`).want.push(one);
  const found = new Map<Said, Message>();
  for (const [key, { got, want }] of streams) {
    assert.equal(got.length, want.length, `${key}s: got\n  ${got.map(describe).join('\n  ')}\n`);
    got.forEach((message, i) => {
      same(message, want[i] as Expected, options);
      found.set((want[i] as Expected).message as never, message);
    });
  }
  for (const one of expected) {
    const message = found.get(one.message as never);
    if (message?.kind !== 'response') continue;
    const request = one.request && found.get(one.request.message as never);
    assert.equal(message.requestId, request?.id ?? null, `${describe(message)}: requestId`);
  }
}

export interface LossyResult {
  /** Damaged messages that were reported. */
  damaged: number;
  /** Intact messages that were not found again. */
  unseen: Expected[];
}

/**
 * Fails unless what is reported as complete was said so and lost no byte, each once, and responses are paired with their own requests
 * alone. Messages are told apart by their x-id.
 */
export function compareLossy(
  messages: readonly Message[],
  expected: readonly Expected[],
  options: CompareOptions = {},
): LossyResult {
  checkOrder(messages);
  const byMark = new Map<string, Expected>();
  for (const one of expected) byMark.set(new Map(one.message.headers).get('X-Id') as string, one);
  const seen = new Map<Expected, Message>();
  let damaged = 0;
  for (const message of messages) {
    const one = byMark.get(message.headers.get('x-id') ?? '');
    if (one === undefined || one.missingBytes > 0) {
      assert.notEqual(message.integrity, 'complete', `invented, or not all there: ${describe(message)}`);
      damaged++;
      if (one === undefined) continue;
    } else same(message, one, options);
    assert.ok(!seen.has(one), `twice: ${describe(message)}`);
    seen.set(one, message);
  }
  const messageOf = new Map([...seen].map(([one, message]) => [one.message, message]));
  for (const [one, message] of seen) {
    if (message.kind !== 'response' || !one.request || options.pairing === false) continue;
    const request = messageOf.get(one.request.message);
    // A request that was lost may leave its response unpaired, but never paired with another.
    if (message.requestId !== null)
      assert.equal(message.requestId, request?.id, `${describe(message)}: paired with another`);
    else
      assert.ok(
        request === undefined || request.integrity !== 'complete',
        `${describe(message)}: unpaired, its request is there`,
      );
  }
  return { damaged, unseen: expected.filter((one) => one.missingBytes === 0 && !seen.has(one)) };
}

/** The x-ids, for failures. */
export function marks(expected: readonly Expected[]): string[] {
  return expected.map((one) => `${new Map(one.message.headers).get('X-Id')} of ${tupleOf(one)}`);
}
