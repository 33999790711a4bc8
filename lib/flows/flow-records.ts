/**
 * The one file that knows how the records of flow events are laid out (native/delivery/flow_record.h). The batch that they lie in is
 * that of batch.ts.
 */
import { BatchBuffer, type Connection } from '../batch-buffer.js';
import { compareLayouts, LE } from '../layout.js';
import type { Native } from '../native.js';
import type { SeenConnection } from '../system/connection-process.js';
import type { ConnectionProcesses } from '../system/connection-processes.js';
import { toMs } from '../time.js';

/** Byte offsets in a record, by the names that the addon exports. */
const flowLayout = {
  timeNs: 0,
  offset: 8,
  length: 16,
  connectionOffset: 24,
  bytesOffset: 28,
  kind: 32,
  direction: 33,
  cause: 34,
  reason: 35,
  flags: 36,
} as const;
const flowRecordSize = 40;

const countsLayout = {
  firstTimeNs: 0,
  lastTimeNs: 8,
  packets: 16,
  bytes: 24,
  capturedBytes: 32,
  outOfOrder: 40,
  violations: 44,
} as const;
const countsSize = 48;
const linkAddressLength = 6;

const kinds = ['', 'open', 'data', 'gap', 'end', 'close'] as const;
const directions = ['client-to-server', 'server-to-client'] as const;
const causes = ['lost', 'truncated', 'evicted', 'dropped'] as const;
const reasons = ['finished', 'reset', 'idle', 'evicted', 'reused', 'ended'] as const;
const flags = { conflict: 1, linkSource: 2, linkDestination: 4 } as const;

/** Which end sent the bytes. */
export type FlowDirection = (typeof directions)[number];

/**
 * Why bytes are missing.
 *
 * - `lost`: never captured, though the other end acknowledged them or the sender went on.
 * - `truncated`: cut off by the snap length.
 * - `evicted`: captured, but given up because a buffer was full.
 * - `dropped`: captured live, but the consumer was too slow. Bytes that were missing anyway may be among them.
 */
export type FlowGapCause = (typeof causes)[number];

/**
 * Why no more will come.
 *
 * - `finished`: both ends sent a FIN.
 * - `reset`: one of them sent a RST.
 * - `idle`: nothing for `idleTimeoutMs`.
 * - `evicted`: given up because there were more than `maxConnections`.
 * - `reused`: the same addresses and ports began a new connection.
 * - `ended`: the capture ended.
 */
export type FlowCloseReason = (typeof reasons)[number];

/** 48-bit addresses in a link header, such as `'00:1b:21:3c:9d:f8'`. Linux cooked captures have only the sender's. */
export interface LinkAddresses {
  readonly source?: string;
  readonly destination?: string;
}

/** Of the packets that one end sent: from its SYN, or from its first bytes when that was not seen, to its FIN or RST. */
export interface FlowCounts {
  /** When the first and the last of them were captured: nanoseconds since the Unix epoch. */
  startTime: bigint;
  endTime: bigint;
  /** Also those without payload, and copies. */
  packets: number;
  /** Of all of them on the wire, headers included. */
  bytes: number;
  /** Of those, how many were captured. */
  capturedBytes: number;
  /** Packets whose payload began before the end of that of the packet before: sent again, or overtaken. */
  outOfOrder: number;
  /** SYNs with payload, and packets with payload from before the beginning of the stream. */
  violations: number;
}

/** The TCP connection of a flow event. */
export interface FlowConnection extends Connection {
  /** 802.1Q id of its outermost VLAN tag; absent without one. */
  readonly vlan?: number;
  /**
   * True when the handshake told who is the client. Otherwise the server is the end with a selected `port`, else the one with the lower
   * port number.
   */
  readonly handshakeSeen: boolean;
}

const numbered = (names: readonly string[]) =>
  Object.fromEntries([...names.entries()].filter(([, name]) => name !== '').map(([i, name]) => [name, i]));

/** Throws when the addon was built from other sources than this file. */
export function checkFlowLayout(layout: Native['layout']['flows'] | undefined): void {
  compareLayouts({
    'flows.record': [flowLayout, layout?.record],
    flows: [{ recordSize: flowRecordSize }, layout && { recordSize: layout.recordSize }],
    'flows.kinds': [numbered(kinds), layout?.kinds],
    'flows.directions': [numbered(directions), layout?.directions],
    'flows.causes': [numbered(causes), layout?.causes],
    'flows.reasons': [numbered(reasons), layout?.reasons],
    'flows.flags': [flags, layout?.flags],
    'flows.counts': [countsLayout, layout?.counts],
    'flows counts': [{ countsSize }, layout && { countsSize: layout.countsSize }],
  });
}

/** structuredClone() shows its text, see batch.ts. */
function useDetachToCloneAFlowEvent(): void {}

/** The records of one batch of flow events. Offsets named `at` are those of a record, from the start of the buffer. */
export class FlowRecords extends BatchBuffer<FlowConnection> {
  readonly #processes: ConnectionProcesses | undefined;

  constructor(buffer: ArrayBuffer, processes: ConnectionProcesses | undefined) {
    super(buffer, useDetachToCloneAFlowEvent);
    this.#processes = processes;
  }

  /** The connections whose processes are not known yet, each once. */
  connectionsWithoutProcess(processes: ConnectionProcesses): SeenConnection[] {
    const found = new Map<number, SeenConnection>();
    for (let index = 0; index < this.length; index++) {
      const at = this.recordAt(index);
      const offset = this.view.getUint32(at + flowLayout.connectionOffset, LE);
      if (processes.knows(this._connectionId(offset))) continue;
      const openMs = toMs(this._openTimeNs(offset));
      found.set(offset, { connection: this._readEnds(offset), openMs, lastMs: toMs(this.timeNs(at)) });
    }
    return [...found.values()];
  }

  recordAt(index: number): number {
    return this.recordsOffset + index * flowRecordSize;
  }
  kind(at: number): (typeof kinds)[number] | undefined {
    return kinds[this.view.getUint8(at + flowLayout.kind)];
  }
  timeNs(at: number): bigint {
    return this.view.getBigInt64(at + flowLayout.timeNs, LE);
  }
  offset(at: number): number {
    return this.view.getFloat64(at + flowLayout.offset, LE);
  }
  streamLength(at: number): number {
    return this.view.getFloat64(at + flowLayout.length, LE);
  }
  bytesOf(at: number): Buffer {
    const start = this.view.getUint32(at + flowLayout.bytesOffset, LE);
    return this.bytes.subarray(start, start + this.streamLength(at));
  }
  direction(at: number): FlowDirection {
    return directions[this.view.getUint8(at + flowLayout.direction)] as FlowDirection;
  }
  cause(at: number): FlowGapCause {
    return causes[this.view.getUint8(at + flowLayout.cause)] as FlowGapCause;
  }
  reason(at: number): FlowCloseReason {
    return reasons[this.view.getUint8(at + flowLayout.reason)] as FlowCloseReason;
  }
  conflict(at: number): boolean {
    return (this.view.getUint16(at + flowLayout.flags, LE) & flags.conflict) !== 0;
  }
  linkAddresses(at: number): LinkAddresses | undefined {
    const known = this.view.getUint16(at + flowLayout.flags, LE);
    if ((known & (flags.linkSource | flags.linkDestination)) === 0) return undefined;
    const isData = this.kind(at) === 'data';
    const start = this.view.getUint32(at + flowLayout.bytesOffset, LE) + (isData ? this.streamLength(at) : 0);
    return {
      ...(known & flags.linkSource && { source: this.#linkAddress(start) }),
      ...(known & flags.linkDestination && { destination: this.#linkAddress(start + linkAddressLength) }),
    };
  }
  #linkAddress(start: number): string {
    const hex = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, linkAddressLength).toString('hex');
    return hex.replace(/..(?=.)/g, '$&:');
  }
  /** @param end 0: the client, 1: the server; undefined when it sent no packet */
  counts(at: number, end: 0 | 1): FlowCounts | undefined {
    const start = this.view.getUint32(at + flowLayout.bytesOffset, LE) + end * countsSize;
    const packets = this.view.getFloat64(start + countsLayout.packets, LE);
    if (packets === 0) return undefined;
    return {
      startTime: this.view.getBigInt64(start + countsLayout.firstTimeNs, LE),
      endTime: this.view.getBigInt64(start + countsLayout.lastTimeNs, LE),
      packets,
      bytes: this.view.getFloat64(start + countsLayout.bytes, LE),
      capturedBytes: this.view.getFloat64(start + countsLayout.capturedBytes, LE),
      outOfOrder: this.view.getUint32(start + countsLayout.outOfOrder, LE),
      violations: this.view.getUint32(start + countsLayout.violations, LE),
    };
  }
  connection(at: number): FlowConnection {
    return this._connectionAt(this.view.getUint32(at + flowLayout.connectionOffset, LE));
  }

  protected _readConnection(offset: number): FlowConnection {
    const vlan = this._vlan(offset);
    const handshakeSeen = this._handshakeSeen(offset);
    const ends = this._readEnds(offset);
    const process = this.#processes?.of(ends.id);
    return { ...ends, ...(process && { process }), ...(vlan === undefined ? undefined : { vlan }), handshakeSeen };
  }
}
