import { formatAddress } from './address.js';
import { connectionLayout, headerLayout, LE } from './layout.js';
import type { ConnectionProcess } from './system/connection-process.js';

/** Stands for the VLAN id of a connection outside of any. */
const noVlan = 0xffff;

/** One end of a TCP connection. */
export interface Endpoint {
  /** IPv4 in dotted form, or IPv6 as RFC 5952 writes it. */
  readonly address: string;
  readonly port: number;
}

/** The TCP connection that carried a message. */
export interface Connection {
  /** 1, 2, … in the order of the first packet seen; unique within a tap. With several capture threads unique, and nothing more. */
  readonly id: number;
  readonly client: Endpoint;
  readonly server: Endpoint;
  /**
   * What a PROXY header at its start told (PROXY protocol 1 and 2): who really speaks with whom. Absent when there was none, or
   * none with addresses.
   */
  readonly proxied?: { readonly source: Endpoint; readonly destination: Endpoint };
  /**
   * With `processes`: the process of this machine that has the socket, if it could be found out. See docs/processes.md.
   */
  readonly process?: ConnectionProcess;
}

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

  /** Holds nothing for the consumer. */
  get empty(): boolean {
    return this.length === 0;
  }
  /** Everything this batch keeps alive. */
  get byteLength(): number {
    return this.bytes.byteLength;
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
      id: this._connectionId(offset),
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
  protected _connectionId(offset: number): number {
    return this.view.getFloat64(offset + connectionLayout.id, LE);
  }
  /** When its first packet was captured. */
  protected _openTimeNs(offset: number): bigint {
    return this.view.getBigInt64(offset + connectionLayout.openTimeNs, LE);
  }
  /** Id of the outermost VLAN tag. */
  protected _vlan(offset: number): number | undefined {
    const vlan = this.view.getUint16(offset + connectionLayout.vlan, LE);
    return vlan === noVlan ? undefined : vlan;
  }
  protected _handshakeNs(offset: number): number {
    return this.view.getUint32(offset + connectionLayout.handshakeUs, LE) * 1000;
  }
  protected _handshakeSeen(offset: number): boolean {
    return this.view.getUint8(offset + connectionLayout.handshakeSeen) !== 0;
  }
}
