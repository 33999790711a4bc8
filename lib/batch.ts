/**
 * The one file that knows how a batch is laid out (native/delivery/record.h): one buffer that starts with a header, then records
 * of a fixed stride, then the arena that they point into. Everything else asks a `Batch`.
 *
 * A field is read when it is asked for. A `DataView` serves every width at any alignment and is as fast as typed arrays once
 * optimised, and needs no second view of the same buffer.
 */
import { formatAddress } from './address.js';
import { CaptureError } from './errors.js';
import type { Native, NativeBatch } from './native.js';
import { suspicions } from './suspicion.js';

/** The version of the layout that this file reads. */
export const layoutVersion = 2;

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
} as const;
export const connectionSize = 96;

const headerLayout = { recordCount: 0, recordsOffset: 4, bodyCount: 8 } as const;
const headerSize = 16;

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
} as const;

export const REQUEST = 1;
export const RESPONSE = 2;

/** Stands for the VLAN id of a connection outside of any. */
const noVlan = 0xffff;

/** The machine's byte order, which the addon writes in. */
export const LE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

type Numbers = Readonly<Record<string, number>>;

/** Throws when the addon was built from other sources than this file. */
export function checkLayout(layout: Omit<Native['layout'], 'flows'>): void {
  compareLayouts({
    layout: [{ version: layoutVersion }, { version: layout.version }],
    record: [recordLayout, layout.record],
    connection: [connectionLayout, layout.connection],
    flags: [flags, layout.flags],
    suspicious: [suspicions, layout.suspicious],
    size: [
      { record: recordSize, connection: connectionSize },
      { record: layout.recordSize, connection: layout.connectionSize },
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

/** One end of a TCP connection. */
export interface Endpoint {
  /** IPv4 in dotted form, or IPv6 as RFC 5952 writes it. */
  readonly address: string;
  readonly port: number;
}

/** The TCP connection that carried a message. */
export interface Connection {
  /** 1, 2, … in the order of the first packet seen; unique within a tap. */
  readonly id: number;
  readonly client: Endpoint;
  readonly server: Endpoint;
  /**
   * What a PROXY header at its start told (PROXY protocol 1 and 2): who really speaks with whom. Absent when there was none, or
   * none with addresses.
   */
  readonly proxied?: { readonly source: Endpoint; readonly destination: Endpoint };
}

/**
 * structuredClone() and postMessage() walk into an object's own properties. Meeting a function at once they throw a DataCloneError
 * that shows its text, instead of copying a whole batch or, worse, delivering `{}`.
 */
function useDetachToCloneAMessage(): void {}

/** What the messages of a tap share. */
export interface BatchContext {
  readonly maxDecodedBytes: number;
}

type RequestSource = Batch | WeakRef<Batch>;

/** What batches have in common, whatever their records tell. `C` is what is told of a connection. */
export abstract class BatchBuffer<C extends Connection> {
  /** First of the properties, see there. */
  readonly clone: () => void;
  readonly length: number;
  readonly recordsOffset: number;
  readonly view: DataView;
  readonly bytes: Buffer;
  #connections: Map<number, C> | undefined = undefined;

  constructor(buffer: ArrayBuffer, clone: () => void) {
    this.clone = clone;
    this.view = new DataView(buffer);
    this.bytes = Buffer.from(buffer);
    this.length = this.view.getUint32(headerLayout.recordCount, LE);
    this.recordsOffset = this.view.getUint32(headerLayout.recordsOffset, LE);
  }

  /** The same object for all records that refer to it. */
  protected _connectionAt(offset: number): C {
    this.#connections ??= new Map();
    let connection = this.#connections.get(offset);
    if (connection === undefined) {
      connection = this._readConnection(offset);
      this.#connections.set(offset, connection);
    }
    return connection;
  }

  protected abstract _readConnection(offset: number): C;

  /** What is known of every connection. */
  protected _readEnds(offset: number): Connection {
    const at = connectionLayout;
    const ipVersion = this.view.getUint8(offset + at.ipVersion);
    return {
      id: this.view.getFloat64(offset + at.id, LE),
      client: this.#endpoint(offset + at.clientAddress, offset + at.clientPort, ipVersion),
      server: this.#endpoint(offset + at.serverAddress, offset + at.serverPort, ipVersion),
    };
  }
  /** What a PROXY header told. */
  protected _proxied(offset: number): Connection['proxied'] {
    const at = connectionLayout;
    const ipVersion = this.view.getUint8(offset + at.proxiedIpVersion);
    if (ipVersion === 0) return undefined;
    return {
      source: this.#endpoint(offset + at.proxiedSource, offset + at.proxiedSourcePort, ipVersion),
      destination: this.#endpoint(offset + at.proxiedDestination, offset + at.proxiedDestinationPort, ipVersion),
    };
  }
  #endpoint(address: number, port: number, ipVersion: number): Endpoint {
    return { address: formatAddress(this.bytes, address, ipVersion), port: this.view.getUint16(port, LE) };
  }
  /** Id of the outermost VLAN tag. */
  protected _vlan(offset: number): number | undefined {
    const vlan = this.view.getUint16(offset + connectionLayout.vlan, LE);
    return vlan === noVlan ? undefined : vlan;
  }
  protected _handshakeSeen(offset: number): boolean {
    return this.view.getUint8(offset + connectionLayout.handshakeSeen) !== 0;
  }
}

/** The records of one batch of messages. Offsets named `at` are those of a record, from the start of the buffer. */
export class Batch extends BatchBuffer<Connection> {
  readonly context: BatchContext;
  readonly bodies: readonly ArrayBuffer[] | undefined;
  /** 1 for each request whose final response was seen; see requests.ts. */
  answered: Uint8Array | undefined = undefined;
  /** Batches with requests that are answered here; see requests.ts. */
  requestSources: RequestSource[] | undefined = undefined;

  constructor(batch: NativeBatch, context: BatchContext) {
    super(batch.buffer, useDetachToCloneAMessage);
    this.context = context;
    this.bodies = batch.bodies;
  }

  /** Everything this batch keeps alive. */
  get byteLength(): number {
    let total = this.bytes.byteLength;
    if (this.bodies) for (const body of this.bodies) total += body.byteLength;
    return total;
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
    if ((this.flags(at) & flags.bodyKept) === 0) return undefined;
    const number = this.view.getUint32(at + recordLayout.bodyBuffer, LE);
    const start = this.view.getUint32(at + recordLayout.bodyOffset, LE);
    const length = this.view.getUint32(at + recordLayout.bodyKeptLength, LE);
    if (number === 0) return this.bytes.subarray(start, start + length);
    const buffer = this.bodies?.[number - 1];
    return buffer === undefined ? undefined : Buffer.from(buffer, start, length);
  }

  connection(at: number): Connection {
    return this._connectionAt(this.view.getUint32(at + recordLayout.connectionOffset, LE));
  }
  protected _readConnection(offset: number): Connection {
    const ends = this._readEnds(offset);
    const proxied = this._proxied(offset);
    return proxied === undefined ? ends : { ...ends, proxied };
  }

  /** Number `i` of a header table; the i-th field has four: name start, name end, value start, value end. */
  tableEntry(tableOffset: number, wide: boolean, i: number): number {
    return wide ? this.view.getUint32(tableOffset + i * 4, LE) : this.view.getUint16(tableOffset + i * 2, LE);
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

  /** A batch of its own with some of the records, without their bodies. */
  compact(indexes: readonly number[]): Batch {
    const align = (offset: number) => (offset + 7) & ~7;
    const parts = (at: number) => {
      const width = (this.flags(at) & flags.wideOffsets) !== 0 ? 16 : 8;
      return [
        // [field that holds the offset, bytes]
        [recordLayout.connectionOffset, connectionSize],
        [recordLayout.headersOffset, this.headersCount(at) * width],
        [recordLayout.trailersOffset, this.trailersCount(at) * width],
        [recordLayout.headOffset, this.view.getUint32(at + recordLayout.headLength, LE)],
        [recordLayout.trailerOffset, this.view.getUint32(at + recordLayout.trailerLength, LE)],
      ] as const;
    };
    let size = headerSize + indexes.length * recordSize;
    for (const index of indexes) for (const [, length] of parts(this.recordAt(index))) size += align(length);

    const buffer = new ArrayBuffer(size);
    const view = new DataView(buffer);
    const bytes = Buffer.from(buffer);
    view.setUint32(headerLayout.recordCount, indexes.length, LE);
    view.setUint32(headerLayout.recordsOffset, headerSize, LE);
    let to = headerSize;
    let arena = headerSize + indexes.length * recordSize;
    for (const index of indexes) {
      const at = this.recordAt(index);
      this.bytes.copy(bytes, to, at, at + recordSize);
      for (const [field, length] of parts(at)) {
        const from = this.view.getUint32(at + field, LE);
        this.bytes.copy(bytes, arena, from, from + length);
        view.setUint32(to + field, arena, LE);
        arena += align(length);
      }
      view.setUint16(to + recordLayout.flags, this.flags(at) & ~flags.bodyKept, LE);
      view.setUint32(to + recordLayout.bodyKeptLength, 0, LE);
      view.setUint32(to + recordLayout.bodyBuffer, 0, LE);
      to += recordSize;
    }
    return new Batch({ buffer }, this.context);
  }
}

interface SlicingBuffer extends Buffer {
  latin1Slice(start: number, end: number): string;
}

/** `buffer.toString('latin1')` without its argument handling, which costs as much as a short string. */
const latin1: (bytes: Buffer, start: number, end: number) => string =
  'latin1Slice' in Buffer.prototype
    ? (bytes, start, end) => (bytes as SlicingBuffer).latin1Slice(start, end)
    : (bytes, start, end) => bytes.toString('latin1', start, end);
