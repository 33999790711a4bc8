/** Writes a classic pcap file (microseconds, Ethernet) through one large buffer. */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Random } from './random.js';

const flushBytes = 8 << 20;
const recordHeaderBytes = 16;
const maxPacketBytes = 65_536;

export class CaptureFile {
  /** Packets are built in place: see `begin`. */
  readonly buffer = new Uint8Array(flushBytes + recordHeaderBytes + maxPacketBytes);
  packets = 0;
  bytes = 0;
  readonly #descriptor: number;
  readonly #random: Random;
  readonly #meanGapMicros: number;
  #length = 0;
  #seconds = 1_700_000_000;
  #micros = 0;

  constructor(path: string, random: Random, meanGapMicros: number) {
    this.#descriptor = openSync(path, 'w');
    this.#random = random;
    this.#meanGapMicros = meanGapMicros;
    const view = new DataView(this.buffer.buffer);
    view.setUint32(0, 0xa1b2c3d4, true);
    view.setUint16(4, 2, true);
    view.setUint16(6, 4, true);
    view.setUint32(16, 262_144, true);
    view.setUint32(20, 1, true);
    this.#length = 24;
  }

  /** Milliseconds since the capture began, for TCP timestamps. */
  get elapsedMs(): number {
    return (this.#seconds - 1_700_000_000) * 1000 + Math.floor(this.#micros / 1000);
  }

  /** Starts a record for a packet of `length` bytes and returns where in `buffer` the packet goes. */
  begin(length: number): number {
    if (this.#length >= flushBytes) this.#flush();
    this.#micros += 1 + this.#random.below(2 * this.#meanGapMicros - 1);
    if (this.#micros >= 1_000_000) {
      this.#micros -= 1_000_000;
      this.#seconds++;
    }
    const { buffer } = this;
    let at = this.#length;
    writeLe32(buffer, at, this.#seconds);
    writeLe32(buffer, at + 4, this.#micros);
    writeLe32(buffer, at + 8, length);
    writeLe32(buffer, at + 12, length);
    at += recordHeaderBytes;
    this.#length = at + length;
    this.packets++;
    return at;
  }

  /** Adds a packet that is complete already. */
  append(packet: Uint8Array): void {
    this.buffer.set(packet, this.begin(packet.length));
  }

  close(): void {
    this.#flush();
    closeSync(this.#descriptor);
  }

  #flush(): void {
    for (let from = 0; from < this.#length; )
      from += writeSync(this.#descriptor, this.buffer, from, this.#length - from);
    this.bytes += this.#length;
    this.#length = 0;
  }
}

function writeLe32(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value;
  buffer[at + 1] = value >>> 8;
  buffer[at + 2] = value >>> 16;
  buffer[at + 3] = value >>> 24;
}
