/** Flow events: thin views over a batch. A field is decoded when it is read. */
import { inspect } from 'node:util';
import { CaptureError } from '../errors.js';
import { toMs } from '../time.js';
import {
  type DetachedFlowEvent,
  detachFlowEvent,
  type FlowEventJson,
  flowEventToJson,
  inspectFlowEvent,
} from './flow-event-forms.js';
import type {
  FlowCloseReason,
  FlowConnection,
  FlowCounts,
  FlowDirection,
  FlowGapCause,
  FlowRecords,
  LinkAddresses,
} from './flow-records.js';

/** What all flow events have. */
abstract class FlowEventView {
  // Ordinary properties: see message.ts.
  /** @internal */
  protected readonly _records: FlowRecords;
  /** @internal */
  protected readonly _at: number;

  /** @internal */
  constructor(records: FlowRecords, at: number) {
    this._records = records;
    this._at = at;
  }

  abstract readonly kind: 'open' | 'data' | 'gap' | 'end' | 'close';

  get connection(): FlowConnection {
    return this._records.connection(this._at);
  }

  /**
   * When the packet that brought it was captured: nanoseconds since the Unix epoch. Of a gap and of a close that no packet brought: when
   * it was noticed, in packet time.
   */
  get time(): bigint {
    return this._records.timeNs(this._at);
  }

  /** `time`, to the millisecond. */
  get timestamp(): Date {
    return new Date(toMs(this.time));
  }

  /** A plain object free of the batch, with bytes of its own, that `postMessage()` takes. */
  detach(): DetachedFlowEvent {
    return detachFlowEvent(this as unknown as FlowEvent);
  }

  toJSON(): FlowEventJson {
    return flowEventToJson(this as unknown as FlowEvent);
  }

  [inspect.custom](depth: number, options: object): string {
    return inspectFlowEvent(this.constructor.name, this as unknown as FlowEvent, depth, options);
  }
}

/** The first packet of a connection that was seen: a SYN, or the first data of one that began before the capture. */
export class FlowOpen extends FlowEventView {
  get kind(): 'open' {
    return 'open';
  }
}

/** What directions have. */
abstract class FlowDirectionView extends FlowEventView {
  /** Which end sent it. */
  get direction(): FlowDirection {
    return this._records.direction(this._at);
  }

  /**
   * Bytes of this direction before it. 0 is the first byte after the SYN, or the first byte seen when the SYN was not captured.
   */
  get offset(): number {
    return this._records.offset(this._at);
  }

  /**
   * In the link header of the first packet that this end sent. On the first event of the direction alone; undefined where the link has none.
   */
  get linkAddresses(): LinkAddresses | undefined {
    return this._records.linkAddresses(this._at);
  }
}

/** Bytes that one end sent, in the order of the stream: mostly those of one packet. */
export class FlowData extends FlowDirectionView {
  get kind(): 'data' {
    return 'data';
  }

  /** Number of bytes, at least 1. */
  get length(): number {
    return this._records.streamLength(this._at);
  }

  /** A view of the batch, which it keeps alive. */
  get bytes(): Buffer {
    return this._records.bytesOf(this._at);
  }
}

/** Bytes that are missing. */
export class FlowGap extends FlowDirectionView {
  get kind(): 'gap' {
    return 'gap';
  }

  /** How many, at least 1. */
  get length(): number {
    return this._records.streamLength(this._at);
  }

  get cause(): FlowGapCause {
    return this._records.cause(this._at);
  }
}

/** A FIN: nothing follows in this direction. `offset` is the length of the stream. */
export class FlowEnd extends FlowDirectionView {
  get kind(): 'end' {
    return 'end';
  }
}

/** The last event of a connection. */
export class FlowClose extends FlowEventView {
  get kind(): 'close' {
    return 'close';
  }

  get reason(): FlowCloseReason {
    return this._records.reason(this._at);
  }

  /** Packets disagreed about bytes of the connection; those that came first were delivered. */
  get conflict(): boolean {
    return this._records.conflict(this._at);
  }

  /** Of the packets that each end sent; undefined when none of it was seen. */
  get sent(): FlowsSent {
    return { client: this._records.counts(this._at, 0), server: this._records.counts(this._at, 1) };
  }
}

/** What both ends sent. */
export interface FlowsSent {
  client: FlowCounts | undefined;
  server: FlowCounts | undefined;
}

/** What happened on a TCP connection, told apart by `kind`. */
export type FlowEvent = FlowOpen | FlowData | FlowGap | FlowEnd | FlowClose;

export function flowEventAt(records: FlowRecords, index: number): FlowEvent {
  const at = records.recordAt(index);
  const kind = records.kind(at);
  switch (kind) {
    case 'open':
      return new FlowOpen(records, at);
    case 'data':
      return new FlowData(records, at);
    case 'gap':
      return new FlowGap(records, at);
    case 'end':
      return new FlowEnd(records, at);
    case 'close':
      return new FlowClose(records, at);
    default:
      throw new CaptureError('ERR_CAPTURE', `The addon delivered a flow event of unknown kind ${kind}`);
  }
}
