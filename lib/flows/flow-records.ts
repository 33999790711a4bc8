/**
 * The one file that knows how the records of flow events are laid out (native/delivery/flow_record.h). The batch that they lie in is
 * that of batch.ts.
 */
import { BatchBuffer, type Connection } from '../batch-buffer.js';
import { compareLayouts, LE } from '../layout.js';
import type { Native } from '../native.js';

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

const kinds = ['', 'open', 'data', 'gap', 'end', 'close'] as const;
const directions = ['client-to-server', 'server-to-client'] as const;
const causes = ['lost', 'truncated', 'evicted', 'dropped'] as const;
const reasons = ['finished', 'reset', 'idle', 'evicted', 'reused', 'ended'] as const;
const flags = { conflict: 1 } as const;

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
  });
}

/** structuredClone() shows its text, see batch.ts. */
function useDetachToCloneAFlowEvent(): void {}

/** The records of one batch of flow events. Offsets named `at` are those of a record, from the start of the buffer. */
export class FlowRecords extends BatchBuffer<FlowConnection> {
  constructor(buffer: ArrayBuffer) {
    super(buffer, useDetachToCloneAFlowEvent);
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
  connection(at: number): FlowConnection {
    return this._connectionAt(this.view.getUint32(at + flowLayout.connectionOffset, LE));
  }

  protected _readConnection(offset: number): FlowConnection {
    const vlan = this._vlan(offset);
    const handshakeSeen = this._handshakeSeen(offset);
    return { ...this._readEnds(offset), ...(vlan === undefined ? undefined : { vlan }), handshakeSeen };
  }
}
