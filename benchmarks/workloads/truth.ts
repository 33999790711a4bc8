/** What a workload contains, written down by its generator: every benchmark is checked against it before it prints a speed. */
import { crc32 } from 'node:zlib';

export type WorkloadName = 'api' | 'bulk' | 'short' | 'hostile' | 'many' | 'noise';
export const workloadNames: readonly WorkloadName[] = ['api', 'bulk', 'short', 'hostile', 'many', 'noise'];

export interface MessageTotals {
  requests: number;
  responses: number;
  /** Bytes of bodies after de-chunking. */
  bodyBytes: number;
  /** Bytes of start lines and header sections, empty line included. */
  headBytes: number;
  headerFields: number;
  /** Sum of `messageDigest` of each message, modulo 2^52: does not depend on the order. */
  digest: number;
}

export interface Truth {
  workload: WorkloadName;
  scale: number;
  seed: number;
  version: number;
  /** TCP port of the HTTP servers. */
  port: number;
  file: { bytes: number; packets: number };
  /** Connections that carry HTTP. */
  connections: number;
  /** Messages that were sent, whatever became of their bytes on the way. */
  sent: { requests: number; responses: number };
  /** Messages none of whose bytes is lost for ever: exactly these are to be delivered as complete. */
  complete: MessageTotals;
  /** TCP payload of the HTTP connections that is in the file, each byte counted once. */
  streamBytes: number;
  /** TCP payload of the HTTP connections that is in no packet of the file. */
  missingBytes: number;
  impaired: { reordered: number; retransmitted: number; overlapping: number; lost: number };
}

/** A 32-bit digest of one message: of the request's method and target or the response's status, and of its de-chunked body. */
export function messageDigest(
  kind: 'request' | 'response',
  start: string,
  bodyLength: number,
  bodyCrc: number,
): number {
  return crc32(`${kind} ${start} ${bodyLength} ${bodyCrc}`);
}

const modulus = 2 ** 52;

export function emptyTotals(): MessageTotals {
  return { requests: 0, responses: 0, bodyBytes: 0, headBytes: 0, headerFields: 0, digest: 0 };
}

/** Adds one digest to a sum of digests. */
export function addDigest(sum: number, digest: number): number {
  return (sum + digest) % modulus;
}
