/**
 * How a batch is laid out (native/delivery/record.h): one buffer that starts with a header, then the arena, then records and
 * continuations of a fixed stride that point into it. Only what reads batches uses this.
 */
import { CaptureError } from './errors.js';
import type { Native } from './native.js';
import { suspicions } from './suspicion.js';

/** The version of the layout that this file reads. */
export const layoutVersion = 3;

/** Byte offsets in a record, by the names that the addon exports. */
export const recordLayout = {
  id: 0,
  requestId: 8,
  startTimeNs: 16,
  endTimeNs: 24,
  bodyLength: 32,
  missingBytes: 40,
  kind: 48,
  protocol: 49,
  integrity: 50,
  httpVersion: 51,
  flags: 52,
  status: 54,
  connectionOffset: 56,
  streamId: 60,
  headOffset: 64,
  headLength: 68,
  methodLength: 72,
  startLineOffset: 76,
  textOffset: 80,
  textLength: 84,
  hostIndex: 88,
  suspicious: 92,
  headersOffset: 96,
  headersCount: 100,
  trailerOffset: 104,
  trailerLength: 108,
  trailersOffset: 112,
  trailersCount: 116,
  bodyOffset: 120,
  bodyKeptLength: 124,
  bodyBuffer: 128,
} as const;
export const recordSize = 136;

export const connectionLayout = {
  id: 0,
  clientAddress: 8,
  serverAddress: 24,
  clientPort: 40,
  serverPort: 42,
  vlan: 44,
  ipVersion: 46,
  handshakeSeen: 47,
  openTimeNs: 48,
  proxiedSource: 56,
  proxiedDestination: 72,
  proxiedSourcePort: 88,
  proxiedDestinationPort: 90,
  proxiedIpVersion: 92,
  handshakeUs: 96,
} as const;
export const connectionSize = 104;

/** What becomes known of a message after its record. */
export const continuationLayout = {
  id: 0,
  timeNs: 8,
  length: 16,
  missingBytes: 24,
  bytesOffset: 32,
  suspicious: 36,
  trailerOffset: 40,
  trailerLength: 44,
  trailersOffset: 48,
  trailersCount: 52,
  flags: 56,
  integrity: 58,
  kind: 59,
  reason: 60,
} as const;
export const continuationSize = 64;
export const continuationKinds = { body: 1, gap: 2, end: 3, unanswered: 4 } as const;
/** Why a request stays without a response, by the names that exchanges show. */
export const noResponseReasons = {
  closed: 1,
  reset: 2,
  idle: 3,
  evicted: 4,
  ended: 5,
  lost: 6,
  notSelected: 7,
} as const;

export const headerLayout = {
  recordCount: 0,
  recordsOffset: 4,
  bodyCount: 8,
  continuationCount: 12,
  continuationsOffset: 16,
} as const;
export const headerSize = 24;

export const flags = {
  bodyKept: 1,
  bodyTruncated: 2,
  interim: 4,
  wideOffsets: 8,
  conflict: 16,
  obsFold: 32,
  upgraded: 64,
  chunked: 128,
  untilClose: 256,
  streaming: 512,
  framed: 1024,
} as const;

export const REQUEST = 1;
export const RESPONSE = 2;

/** The machine's byte order, which the addon writes in. */
export const LE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

type Numbers = Readonly<Record<string, number>>;

/** Throws when the addon was built from other sources than this file. */
export function checkLayout(layout: Omit<Native['layout'], 'flows'>): void {
  compareLayouts({
    layout: [{ version: layoutVersion }, { version: layout.version }],
    header: [headerLayout, layout.header],
    record: [recordLayout, layout.record],
    connection: [connectionLayout, layout.connection],
    flags: [flags, layout.flags],
    continuation: [continuationLayout, layout.continuations?.record],
    'continuation.kind': [continuationKinds, layout.continuations?.kinds],
    'continuation.reason': [noResponseReasons, layout.continuations?.reasons],
    suspicious: [suspicions, layout.suspicious],
    size: [
      { record: recordSize, connection: connectionSize, continuation: continuationSize },
      {
        record: layout.recordSize,
        connection: layout.connectionSize,
        continuation: layout.continuations?.recordSize ?? 0,
      },
    ],
  });
}

/** Throws when the addon's numbers are not ours. */
export function compareLayouts(
  tables: Readonly<Record<string, readonly [ours: Numbers, theirs: Numbers | undefined]>>,
) {
  const wrong: string[] = [];
  for (const [what, [ours, theirs]] of Object.entries(tables)) {
    for (const [name, value] of Object.entries(ours)) {
      if (theirs?.[name] !== value) wrong.push(`${what}.${name} is ${theirs?.[name]}, not ${value}`);
    }
  }
  if (wrong.length > 0) {
    throw new CaptureError(
      'ERR_STATE',
      `The native addon and the JavaScript of flowtap do not belong together (${wrong.slice(0, 3).join('; ')}). Rebuild it: npm rebuild flowtap`,
    );
  }
}
