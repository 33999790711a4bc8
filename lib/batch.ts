/**
 * The records of messages. A field is read when it is asked for. A `DataView` serves every width at any alignment and is as fast as
 * typed arrays once optimised, and needs no second view of the same buffer.
 */
import { BatchBuffer, type Connection } from './batch-buffer.js';
import type { OpenBody } from './body/open-body.js';
import type { Unanswered } from './continuations.js';
import type { Exchange } from './exchanges/exchange.js';
import { latin1 } from './latin1.js';
import { connectionSize, flags, headerLayout, headerSize, LE, REQUEST, recordLayout, recordSize } from './layout.js';
import type { NativeBatch, NativeWritten } from './native.js';
import type { KnownProcesses, SeenConnection } from './system/connection-process.js';
import type { ConnectionProcesses } from './system/connection-processes.js';
import { toMs } from './time.js';

/**
 * structuredClone() and postMessage() walk into an object's own properties. Meeting a function at once they throw a DataCloneError
 * that shows its text, instead of copying a whole batch or, worse, delivering `{}`.
 */
function useDetachToCloneAMessage(): void {}

/** What the messages of a tap share. */
export interface BatchContext {
  readonly maxDecodedBytes: number;
  readonly maxBodyBytes: number;
  /** Bodies are streamed: `body: 'stream'`. */
  readonly streaming: boolean;
  /** Whose connections are. */
  readonly processes?: KnownProcesses | undefined;
}

/** The records of one batch of messages. Offsets named `at` are those of a record, from the start of the buffer. */
export class Batch extends BatchBuffer<Connection> {
  readonly context: BatchContext;
  readonly bodies: readonly ArrayBuffer[] | undefined;
  /** 1 for each request whose final response was seen; see requests.ts. */
  answered: Uint8Array | undefined = undefined;
  /** Earlier batches with requests that are answered here, as long as this one is recent; see requests.ts. */
  requestSources: readonly Batch[] = [];
  /** What follows of the messages that were delivered before their end, by id. */
  open: Map<number, OpenBody> | undefined = undefined;
  /** What it tells of requests without a response, as long as it is not known which of its messages are selected. */
  unanswered: readonly Unanswered[] = [];
  /** Id of the last message as native code knows it; 0: no message. */
  readonly lastNativeId: number;
  /** The only connections of which the consumer wants something here; undefined: of all messages that it took. */
  wantedConnections: ReadonlySet<number> | undefined = undefined;
  /** What was written of it natively. The records are here only when that is not all. */
  readonly written: NativeWritten | undefined;
  /** What exchanges() delivers of this batch. */
  exchanges: readonly Exchange[] | undefined = undefined;

  constructor(batch: NativeBatch, context: BatchContext, lastNativeId?: number) {
    super(batch.buffer, useDetachToCloneAMessage);
    this.context = context;
    this.bodies = batch.bodies;
    this.written = batch.written;
    this.lastNativeId = lastNativeId ?? this.lastId;
  }

  override get empty(): boolean {
    return super.empty && !this.written?.bytes && (this.exchanges === undefined || this.exchanges.length === 0);
  }
  override get byteLength(): number {
    let total = super.byteLength;
    if (this.bodies) for (const body of this.bodies) total += body.byteLength;
    return total;
  }

  /** For whoever delivers them. They refer to the batches of their requests: batch by batch, a chain to the beginning. */
  takeExchanges(): readonly Exchange[] | undefined {
    const { exchanges } = this;
    this.exchanges = undefined;
    return exchanges;
  }

  /** The consumer leaves, and wants nothing but these. */
  takeOnly(items: Iterable<{ readonly connection: Connection }>): void {
    this.wantedConnections = new Set(Array.from(items, ({ connection }) => connection.id));
  }

  get continuationCount(): number {
    return this.view.getUint32(headerLayout.continuationCount, LE);
  }
  get continuationsOffset(): number {
    return this.view.getUint32(headerLayout.continuationsOffset, LE);
  }

  recordAt(index: number): number {
    return this.recordsOffset + index * recordSize;
  }
  get firstId(): number {
    return this.length > 0 ? this.id(this.recordsOffset) : 0;
  }
  get lastId(): number {
    return this.length > 0 ? this.id(this.recordAt(this.length - 1)) : 0;
  }

  id(at: number): number {
    return this.view.getFloat64(at, LE);
  }
  requestId(at: number): number {
    return this.view.getFloat64(at + recordLayout.requestId, LE);
  }
  setIds(at: number, id: number, requestId: number): void {
    this.view.setFloat64(at, id, LE);
    this.view.setFloat64(at + recordLayout.requestId, requestId, LE);
  }
  startTimeNs(at: number): bigint {
    return this.view.getBigInt64(at + recordLayout.startTimeNs, LE);
  }
  endTimeNs(at: number): bigint {
    return this.view.getBigInt64(at + recordLayout.endTimeNs, LE);
  }
  bodyLength(at: number): number {
    return this.view.getFloat64(at + recordLayout.bodyLength, LE);
  }
  missingBytes(at: number): number {
    return this.view.getFloat64(at + recordLayout.missingBytes, LE);
  }
  kind(at: number): number {
    return this.view.getUint8(at + recordLayout.kind);
  }
  integrity(at: number): number {
    return this.view.getUint8(at + recordLayout.integrity);
  }
  /** major << 4 | minor */
  httpVersion(at: number): number {
    return this.view.getUint8(at + recordLayout.httpVersion);
  }
  flags(at: number): number {
    return this.view.getUint16(at + recordLayout.flags, LE);
  }
  status(at: number): number {
    return this.view.getUint16(at + recordLayout.status, LE);
  }
  methodLength(at: number): number {
    return this.view.getUint32(at + recordLayout.methodLength, LE);
  }
  startLineOffset(at: number): number {
    return this.view.getUint32(at + recordLayout.startLineOffset, LE);
  }
  textOffset(at: number): number {
    return this.view.getUint32(at + recordLayout.textOffset, LE);
  }
  textLength(at: number): number {
    return this.view.getUint32(at + recordLayout.textLength, LE);
  }
  hostIndex(at: number): number {
    return this.view.getUint32(at + recordLayout.hostIndex, LE);
  }
  suspicious(at: number): number {
    return this.view.getUint32(at + recordLayout.suspicious, LE);
  }
  headersOffset(at: number): number {
    return this.view.getUint32(at + recordLayout.headersOffset, LE);
  }
  headersCount(at: number): number {
    return this.view.getUint32(at + recordLayout.headersCount, LE);
  }
  trailersOffset(at: number): number {
    return this.view.getUint32(at + recordLayout.trailersOffset, LE);
  }
  trailersCount(at: number): number {
    return this.view.getUint32(at + recordLayout.trailersCount, LE);
  }

  /** Start line and headers, a character a byte. */
  headText(at: number): string {
    const start = this.view.getUint32(at + recordLayout.headOffset, LE);
    return latin1(this.bytes, start, start + this.view.getUint32(at + recordLayout.headLength, LE));
  }
  head(at: number): Buffer {
    const start = this.view.getUint32(at + recordLayout.headOffset, LE);
    return this.bytes.subarray(start, start + this.view.getUint32(at + recordLayout.headLength, LE));
  }
  trailerText(at: number): string {
    const start = this.view.getUint32(at + recordLayout.trailerOffset, LE);
    return latin1(this.bytes, start, start + this.view.getUint32(at + recordLayout.trailerLength, LE));
  }
  /** The part of the body that was kept, undefined when none of it was to be kept. */
  body(at: number): Buffer | undefined {
    return (this.flags(at) & flags.bodyKept) === 0 ? undefined : this.#keptBytes(at);
  }
  /** The same as on the wire: with chunk framing where there was such. */
  wireBody(at: number): Buffer | undefined {
    const bits = this.flags(at);
    if ((bits & flags.framed) !== 0) return this.#keptBytes(at);
    return (bits & flags.chunked) !== 0 ? undefined : this.body(at);
  }

  #keptBytes(at: number): Buffer | undefined {
    const number = this.#bodyNumber(at);
    const start = this.view.getUint32(at + recordLayout.bodyOffset, LE);
    const length = this.#bodyKeptLength(at);
    if (number === 0) return this.bytes.subarray(start, start + length);
    const buffer = this.bodies?.[number - 1];
    return buffer === undefined ? undefined : Buffer.from(buffer, start, length);
  }

  #bodyKeptLength(at: number): number {
    return this.view.getUint32(at + recordLayout.bodyKeptLength, LE);
  }
  /** Of the buffer that holds it, from 1 on; 0: this batch. */
  #bodyNumber(at: number): number {
    return this.view.getUint32(at + recordLayout.bodyBuffer, LE);
  }

  /** How long the TCP handshake took, 0 when it was not seen. */
  handshakeNs(at: number): number {
    return this._handshakeNs(this.view.getUint32(at + recordLayout.connectionOffset, LE));
  }
  connectionId(at: number): number {
    return this._connectionId(this.view.getUint32(at + recordLayout.connectionOffset, LE));
  }
  connection(at: number): Connection {
    return this._connectionAt(this.view.getUint32(at + recordLayout.connectionOffset, LE));
  }
  protected _readConnection(offset: number): Connection {
    const ends = this._readEnds(offset);
    const proxied = this._proxied(offset);
    const process = this.context.processes?.of(ends.id);
    if (proxied === undefined && process === undefined) return ends;
    return { ...ends, ...(proxied && { proxied }), ...(process && { process }) };
  }

  /** The connections whose processes are not known yet, each once. */
  connectionsWithoutProcess(processes: ConnectionProcesses): SeenConnection[] {
    const found = new Map<number, SeenConnection>();
    for (let index = 0; index < this.length; index++) {
      const at = this.recordAt(index);
      const offset = this.view.getUint32(at + recordLayout.connectionOffset, LE);
      if (processes.knows(this._connectionId(offset))) continue;
      found.set(offset, {
        connection: this._readEnds(offset),
        openMs: toMs(this._openTimeNs(offset)),
        lastMs: toMs(this.endTimeNs(at)),
      });
    }
    return [...found.values()];
  }

  /** Number `i` of a header table; the i-th field has four: name start, name end, value start, value end. */
  tableEntry(tableOffset: number, wide: boolean, i: number): number {
    return wide ? this.view.getUint32(tableOffset + i * 4, LE) : this.view.getUint16(tableOffset + i * 2, LE);
  }

  isRequest(index: number): boolean {
    return this.kind(this.recordAt(index)) === REQUEST;
  }
  /** A 1xx response behind which the final one follows. */
  isInterim(index: number): boolean {
    return (this.flags(this.recordAt(index)) & flags.interim) !== 0;
  }

  /** Index of the record with this id, -1 when it is not here. Ids ascend, mostly by one. */
  indexOf(id: number): number {
    if (this.length === 0) return -1;
    let low = 0;
    // Ids of dropped messages are missing, so that a record can only be before the place where it would be without them.
    let high = Math.min(this.length - 1, id - this.firstId);
    if (high < 0) return -1;
    if (this.id(this.recordAt(high)) === id) return high;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.id(this.recordAt(middle));
      if (found === id) return middle;
      if (found < id) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** What a record refers to: the field that holds the offset, and how many bytes lie there. */
  #parts(at: number, withBodies: boolean): readonly (readonly [field: number, length: number])[] {
    const width = (this.flags(at) & flags.wideOffsets) !== 0 ? 16 : 8;
    return [
      [recordLayout.connectionOffset, connectionSize],
      [recordLayout.headersOffset, this.headersCount(at) * width],
      [recordLayout.trailersOffset, this.trailersCount(at) * width],
      [recordLayout.headOffset, this.view.getUint32(at + recordLayout.headLength, LE)],
      [recordLayout.trailerOffset, this.view.getUint32(at + recordLayout.trailerLength, LE)],
      [recordLayout.bodyOffset, withBodies && this.#bodyNumber(at) === 0 ? this.#bodyKeptLength(at) : 0],
    ];
  }

  /** Bytes of the buffer that `compact()` would make. */
  compactSize(indexes: readonly number[], withBodies: boolean): number {
    let size = headerSize + indexes.length * recordSize;
    for (const index of indexes)
      for (const [, length] of this.#parts(this.recordAt(index), withBodies)) size += align(length);
    return size;
  }

  /** A batch of its own with some of the records, with or without their bodies. */
  compact(indexes: readonly number[], withBodies: boolean): Batch {
    const bodies: ArrayBuffer[] = [];
    const buffer = new ArrayBuffer(this.compactSize(indexes, withBodies));
    const view = new DataView(buffer);
    const bytes = Buffer.from(buffer);
    view.setUint32(headerLayout.recordCount, indexes.length, LE);
    view.setUint32(headerLayout.recordsOffset, headerSize, LE);
    let to = headerSize;
    let arena = headerSize + indexes.length * recordSize;
    for (const index of indexes) {
      const at = this.recordAt(index);
      this.bytes.copy(bytes, to, at, at + recordSize);
      for (const [field, length] of this.#parts(at, withBodies)) {
        const from = this.view.getUint32(at + field, LE);
        this.bytes.copy(bytes, arena, from, from + length);
        view.setUint32(to + field, arena, LE);
        arena += align(length);
      }
      const separate = this.bodies?.[this.#bodyNumber(at) - 1];
      if (!withBodies) {
        view.setUint16(to + recordLayout.flags, this.flags(at) & ~(flags.bodyKept | flags.framed), LE);
        view.setUint32(to + recordLayout.bodyKeptLength, 0, LE);
        view.setUint32(to + recordLayout.bodyBuffer, 0, LE);
      } else if (separate !== undefined) {
        view.setUint32(to + recordLayout.bodyOffset, 0, LE);
        view.setUint32(to + recordLayout.bodyBuffer, bodies.push(separate), LE);
      }
      to += recordSize;
    }
    const copy = new Batch({ buffer, bodies }, this.context, this.lastNativeId);
    copy.open = this.open;
    return copy;
  }
}

/** To where a view of any width may begin. */
function align(offset: number): number {
  return (offset + 7) & ~7;
}
