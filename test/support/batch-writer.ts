/** Writes batches as the addon does, for tests of the TypeScript side alone. */
import { connectionLayout, connectionSize, flags, headerSize, recordLayout, recordSize } from '../../lib/layout.js';
import type { NativeBatch } from '../../lib/native.js';

const LE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

export interface MessageSpec {
  id: number;
  /** Start line and headers, a character a byte. '\n' stands for CRLF, the empty line is added. */
  head: string;
  requestId?: number;
  body?: Uint8Array | string | undefined;
  /** Bytes of the body, when not all of them are in `body`. */
  bodyLength?: number;
  /** Puts the body in a buffer of its own. */
  separateBody?: boolean;
  /** As `head`. */
  trailer?: string;
  flags?: number;
  integrity?: number;
  missingBytes?: number;
  suspicious?: number;
  startTimeNs?: bigint;
  endTimeNs?: bigint;
  httpVersion?: number;
  connection?: ConnectionSpec;
  wide?: boolean;
}

export interface ConnectionSpec {
  id: number;
  client: Uint8Array;
  server: Uint8Array;
  clientPort: number;
  serverPort: number;
  ipVersion: 4 | 6;
  /** What a PROXY header told: 16-byte addresses and ports. */
  proxied?: {
    source: Uint8Array;
    destination: Uint8Array;
    sourcePort: number;
    destinationPort: number;
    ipVersion: 4 | 6;
  };
}

export const ipv4 = (a: number, b: number, c: number, d: number): Uint8Array =>
  Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d);

export const someConnection: ConnectionSpec = {
  id: 1,
  client: ipv4(10, 0, 0, 1),
  server: ipv4(10, 0, 0, 2),
  clientPort: 47106,
  serverPort: 8000,
  ipVersion: 4,
};

class Arena {
  readonly parts: Uint8Array[] = [];
  length: number;
  constructor(start: number) {
    this.length = start;
  }
  append(bytes: Uint8Array): number {
    const at = this.length;
    const padding = (8 - ((at + bytes.length) & 7)) & 7;
    this.parts.push(bytes, new Uint8Array(padding));
    this.length += bytes.length + padding;
    return at;
  }
}

const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));

/** Offsets of the fields of a section: name start, name end, value start, value end. */
function fieldTable(text: string, from: number): number[] {
  const table: number[] = [];
  let at = from;
  while (at < text.length && !text.startsWith('\r\n', at)) {
    let end = text.indexOf('\r\n', at);
    while (text[end + 2] === ' ' || text[end + 2] === '\t') end = text.indexOf('\r\n', end + 2);
    const colon = text.indexOf(':', at);
    const value = text.slice(colon + 1, end);
    const start = colon + 1 + (value.length - value.replace(/^[ \t]+/, '').length);
    table.push(at, colon, start, start + value.replace(/^[ \t]+|[ \t]+$/g, '').length);
    at = end + 2;
  }
  return table;
}

export function writeBatch(specs: readonly MessageSpec[]): NativeBatch {
  const recordsOffset = headerSize;
  const arena = new Arena(recordsOffset + specs.length * recordSize);
  const bodies: ArrayBuffer[] = [];
  const connections = new Map<number, number>();
  const records = specs.map((spec) => {
    const record = new DataView(new ArrayBuffer(recordSize));
    writeRecord(record, spec, arena, bodies, connections);
    return record;
  });
  const buffer = new ArrayBuffer(arena.length);
  const view = new DataView(buffer);
  view.setUint32(0, specs.length, LE);
  view.setUint32(4, recordsOffset, LE);
  view.setUint32(8, bodies.length, LE);
  const bytes = new Uint8Array(buffer);
  for (const [i, record] of records.entries()) bytes.set(new Uint8Array(record.buffer), recordsOffset + i * recordSize);
  let at = recordsOffset + specs.length * recordSize;
  for (const part of arena.parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bodies.length > 0 ? { buffer, bodies } : { buffer };
}

function writeRecord(
  record: DataView,
  spec: MessageSpec,
  arena: Arena,
  bodies: ArrayBuffer[],
  connections: Map<number, number>,
): void {
  const head = `${spec.head.replaceAll('\n', '\r\n')}\r\n\r\n`;
  const lineEnd = head.indexOf('\r\n');
  const line = head.slice(0, lineEnd);
  const isResponse = line.startsWith('HTTP/');
  const headers = fieldTable(head, lineEnd + 2);
  const trailer = spec.trailer === undefined ? '' : `${spec.trailer.replaceAll('\n', '\r\n')}\r\n\r\n`;
  const trailers = fieldTable(trailer, 0);
  const wide = spec.wide ?? false;
  let bits = (spec.flags ?? 0) | (wide ? flags.wideOffsets : 0);

  const u32 = (field: keyof typeof recordLayout, value: number) => record.setUint32(recordLayout[field], value, LE);
  const table = (numbers: number[]) => {
    const array = wide ? Uint32Array.from(numbers) : Uint16Array.from(numbers);
    return arena.append(new Uint8Array(array.buffer));
  };
  record.setFloat64(recordLayout.id, spec.id, LE);
  record.setFloat64(recordLayout.requestId, spec.requestId ?? 0, LE);
  record.setBigInt64(recordLayout.startTimeNs, spec.startTimeNs ?? 1_668_229_140_123_456_789n, LE);
  record.setBigInt64(recordLayout.endTimeNs, spec.endTimeNs ?? 1_668_229_140_123_456_790n, LE);
  record.setFloat64(recordLayout.missingBytes, spec.missingBytes ?? 0, LE);
  record.setUint8(recordLayout.kind, isResponse ? 2 : 1);
  record.setUint8(recordLayout.protocol, 1);
  record.setUint8(recordLayout.integrity, spec.integrity ?? 0);
  record.setUint8(recordLayout.httpVersion, spec.httpVersion ?? 0x11);
  if (isResponse) {
    record.setUint16(recordLayout.status, Number(line.slice(9, 12)), LE);
    u32('textOffset', 13);
    u32('textLength', Math.max(0, line.length - 13));
    if (line[9] === '1') bits |= flags.interim;
  } else {
    const method = line.indexOf(' ');
    const version = line.lastIndexOf(' ');
    u32('methodLength', method);
    u32('textOffset', method + 1);
    u32('textLength', version - method - 1);
    for (let i = 0; i < headers.length; i += 4) {
      if (head.slice(headers[i], headers[i + 1]).toLowerCase() === 'host') u32('hostIndex', i / 4 + 1);
    }
  }
  const connection = spec.connection ?? someConnection;
  let connectionOffset = connections.get(connection.id);
  if (connectionOffset === undefined) {
    connectionOffset = arena.append(writeConnection(connection));
    connections.set(connection.id, connectionOffset);
  }
  u32('connectionOffset', connectionOffset);
  u32('suspicious', spec.suspicious ?? 0);
  u32('headOffset', arena.append(latin1(head)));
  u32('headLength', head.length);
  u32('headersOffset', table(headers));
  u32('headersCount', headers.length / 4);
  u32('trailerOffset', arena.append(latin1(trailer)));
  u32('trailerLength', trailer.length);
  u32('trailersOffset', table(trailers));
  u32('trailersCount', trailers.length / 4);

  const body = typeof spec.body === 'string' ? Uint8Array.from(Buffer.from(spec.body)) : spec.body;
  record.setFloat64(recordLayout.bodyLength, spec.bodyLength ?? body?.length ?? 0, LE);
  if (body !== undefined) {
    bits |= flags.bodyKept;
    u32('bodyKeptLength', body.length);
    if (spec.separateBody) {
      bodies.push(Uint8Array.from(body).buffer);
      u32('bodyBuffer', bodies.length);
    } else {
      u32('bodyOffset', arena.append(body));
    }
  }
  record.setUint16(recordLayout.flags, bits, LE);
}

function writeConnection(spec: ConnectionSpec): Uint8Array {
  const bytes = new Uint8Array(connectionSize);
  const view = new DataView(bytes.buffer);
  view.setFloat64(connectionLayout.id, spec.id, LE);
  bytes.set(spec.client, connectionLayout.clientAddress);
  bytes.set(spec.server, connectionLayout.serverAddress);
  view.setUint16(connectionLayout.clientPort, spec.clientPort, LE);
  view.setUint16(connectionLayout.serverPort, spec.serverPort, LE);
  view.setUint16(connectionLayout.vlan, 0xffff, LE);
  view.setUint8(connectionLayout.ipVersion, spec.ipVersion);
  if (spec.proxied) {
    bytes.set(spec.proxied.source, connectionLayout.proxiedSource);
    bytes.set(spec.proxied.destination, connectionLayout.proxiedDestination);
    view.setUint16(connectionLayout.proxiedSourcePort, spec.proxied.sourcePort, LE);
    view.setUint16(connectionLayout.proxiedDestinationPort, spec.proxied.destinationPort, LE);
    view.setUint8(connectionLayout.proxiedIpVersion, spec.proxied.ipVersion);
  }
  return bytes;
}
