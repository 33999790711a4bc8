/** What a batch tells of messages whose records came before: see native/delivery/record.h. */
import type { Batch } from './batch.js';
import { MessageHeaders } from './headers.js';
import { continuationKinds, continuationLayout, continuationSize, flags, LE, noResponseReasons } from './layout.js';

/**
 * Why a request has no final response.
 *
 * - `closed`: the connection was closed.
 * - `reset`: one end reset it.
 * - `idle`: nothing came for `idleTimeoutMs`.
 * - `evicted`: given up, because there were more than `maxConnections`, or more than 512 requests of the connection without a response,
 *   or requests of more than 32 MiB that waited for theirs.
 * - `ended`: the capture ended.
 * - `lost`: it was not captured, but what followed shows that it must have been sent.
 */
export type NoResponseReason = Exclude<keyof typeof noResponseReasons, 'notSelected'>;

/** What a message's record could not tell yet when it was delivered. */
export interface MessageRest {
  readonly endTimeNs: bigint;
  readonly bodyLength: number;
  readonly missingBytes: number;
  readonly suspicious: number;
  readonly flags: number;
  readonly integrity: number;
  /** undefined when there are none. */
  readonly trailers: MessageHeaders | undefined;
}

/** To a request no final response will come. */
export interface Unanswered {
  readonly kind: 'unanswered';
  readonly id: number;
  readonly reason: NoResponseReason;
  readonly timeNs: bigint;
}

export type Continuation =
  | { readonly kind: 'body'; readonly id: number; readonly bytes: Buffer }
  /** `dropped`: they were captured, but the consumer was too slow. */
  | { readonly kind: 'gap'; readonly id: number; readonly length: number; readonly dropped: boolean }
  | { readonly kind: 'end'; readonly id: number; readonly rest: MessageRest }
  | Unanswered;

const reasons = Object.keys(noResponseReasons) as NoResponseReason[];

const none: readonly Continuation[] = [];

/** The continuations of a batch, in order. */
export function continuationsOf(batch: Batch): readonly Continuation[] {
  const count = batch.continuationCount;
  if (count === 0) return none;
  const all: Continuation[] = [];
  for (let i = 0, at = batch.continuationsOffset; i < count; i++, at += continuationSize) all.push(read(batch, at));
  return all;
}

function read(batch: Batch, at: number): Continuation {
  const { view } = batch;
  const id = view.getFloat64(at + continuationLayout.id, LE);
  const length = view.getFloat64(at + continuationLayout.length, LE);
  switch (view.getUint8(at + continuationLayout.kind)) {
    case continuationKinds.body: {
      const start = view.getUint32(at + continuationLayout.bytesOffset, LE);
      return { kind: 'body', id, bytes: batch.bytes.subarray(start, start + length) };
    }
    case continuationKinds.gap:
      return { kind: 'gap', id, length, dropped: view.getUint8(at + continuationLayout.reason) !== 0 };
    case continuationKinds.end:
      return { kind: 'end', id, rest: readRest(batch, at, length) };
    default: {
      const reason = reasons[view.getUint8(at + continuationLayout.reason) - 1] ?? 'ended';
      return { kind: 'unanswered', id, reason, timeNs: view.getBigInt64(at + continuationLayout.timeNs, LE) };
    }
  }
}

function readRest(batch: Batch, at: number, bodyLength: number): MessageRest {
  const { view } = batch;
  const bits = view.getUint16(at + continuationLayout.flags, LE);
  return {
    endTimeNs: view.getBigInt64(at + continuationLayout.timeNs, LE),
    bodyLength,
    missingBytes: view.getFloat64(at + continuationLayout.missingBytes, LE),
    suspicious: view.getUint32(at + continuationLayout.suspicious, LE),
    flags: bits,
    integrity: view.getUint8(at + continuationLayout.integrity),
    trailers: readTrailers(batch, at, bits),
  };
}

function readTrailers(batch: Batch, at: number, bits: number): MessageHeaders | undefined {
  const { view } = batch;
  const count = view.getUint32(at + continuationLayout.trailersCount, LE);
  if (count === 0) return undefined;
  const start = view.getUint32(at + continuationLayout.trailerOffset, LE);
  const length = view.getUint32(at + continuationLayout.trailerLength, LE);
  return new MessageHeaders(
    batch,
    batch.bytes.toString('latin1', start, start + length),
    view.getUint32(at + continuationLayout.trailersOffset, LE),
    count,
    (bits & flags.wideOffsets) !== 0,
    (bits & flags.obsFold) !== 0,
  );
}
