/**
 * Puts TCP segments and UDP datagrams into a capture file: Ethernet, IPv4, right checksums, TCP timestamps (so an MSS of 1448). With
 * impairments it loses, delays, repeats and overlaps some of them on the way.
 */
import type { CaptureFile } from './capture-file.js';
import { allocatePayload, fold, type Payload, sumWords } from './checksum.js';
import type { Random } from './random.js';

export const maxSegmentBytes = 1448;

export const fin = 0x01;
export const syn = 0x02;
export const push = 0x08;
export const ack = 0x10;

const ethernetBytes = 14;
const ipBytes = 20;
const headerBytes = ethernetBytes + ipBytes + 32;
const synHeaderBytes = ethernetBytes + ipBytes + 40;
const maxOverlapBytes = 256;

/** Shares of TCP segments that meet a mishap. */
export interface Impairments {
  reordered: number;
  retransmitted: number;
  /** Of segments with payload: captured with some bytes that were already sent. */
  overlapping: number;
  /** Of segments with payload: never captured, though the receiver acknowledges them. */
  lost: number;
}

/** One end of a connection. */
export class Endpoint {
  /** The header of a segment without options of a SYN; fixed fields are filled in. */
  readonly template = new Uint8Array(headerBytes);
  /** Sum of the fixed words that the TCP checksum covers. */
  readonly fixedSum: number;
  readonly fixedIpSum: number;
  sequence: number;
  /** What it has received of the other end: the next sequence number that it expects. */
  expected = 0;
  ipId: number;
  readonly timestampBase: number;
  echo = 0;
  /** Segments received since its last acknowledgment. */
  unacknowledged = 0;
  /** With impairments: the end of the segment sent last. */
  tail: Uint8Array | undefined;
  tailLost = false;

  constructor(address: number, port: number, peerAddress: number, peerPort: number, random: Random) {
    const header = this.template;
    writeMac(header, 0, peerAddress);
    writeMac(header, 6, address);
    header[12] = 0x08;
    header[14] = 0x45;
    header[20] = 0x40; // do not fragment
    header[22] = 64;
    header[23] = 6;
    write32(header, 26, address);
    write32(header, 30, peerAddress);
    write16(header, 34, port);
    write16(header, 36, peerPort);
    header[46] = 0x80; // data offset: 8 words
    write16(header, 48, 502);
    header[54] = 1;
    header[55] = 1;
    header[56] = 8;
    header[57] = 10;
    const addresses = (address >>> 16) + (address & 0xffff) + (peerAddress >>> 16) + (peerAddress & 0xffff);
    this.fixedIpSum = addresses + 0x4500 + 0x4000 + 0x4006;
    this.fixedSum = addresses + 6 + port + peerPort + 502 + 0x0101 + 0x080a;
    this.sequence = random.next();
    this.ipId = random.below(0x1_0000);
    this.timestampBase = random.below(0x4000_0000);
  }
}

interface Held {
  due: number;
  packet: Uint8Array;
}

export class Network {
  readonly file: CaptureFile;
  readonly impaired = { reordered: 0, retransmitted: 0, overlapping: 0, lost: 0 };
  /** Payload bytes of the segments that were sent, and of them those that are in no packet. */
  streamBytes = 0;
  missingBytes = 0;
  readonly #impairments: Impairments | undefined;
  readonly #random: Random;
  readonly #held: Held[] = [];
  readonly #scratch = allocatePayload(2 * maxSegmentBytes);

  constructor(file: CaptureFile, random: Random, impairments?: Impairments) {
    this.file = file;
    this.#random = random;
    this.#impairments = impairments;
  }

  /**
   * Sends one segment and moves `from.sequence` on. False when some of its payload is lost for ever.
   * Does not touch what the receiver expects: it receives everything, whatever was captured.
   */
  send(from: Endpoint, to: Endpoint, flags: number, payload?: Payload, start = 0, length = 0): boolean {
    let intact = true;
    if (this.#impairments === undefined) this.#write(from, flags, from.sequence, payload, start, length);
    else intact = this.#sendImpaired(this.#impairments, from, flags, payload, start, length);
    this.streamBytes += length;
    from.sequence = (from.sequence + length + (flags & (syn | fin) ? 1 : 0)) >>> 0;
    from.unacknowledged = 0;
    to.expected = from.sequence;
    to.echo = (from.timestampBase + this.file.elapsedMs) >>> 0;
    if (length > 0) to.unacknowledged++;
    return intact;
  }

  /** Sends one UDP datagram over IPv4. */
  datagram(
    address: number,
    port: number,
    peer: number,
    peerPort: number,
    payload: Payload,
    start: number,
    length: number,
  ) {
    const at = this.file.begin(ethernetBytes + ipBytes + 8 + length);
    const out = this.file.buffer;
    writeMac(out, at, peer);
    writeMac(out, at + 6, address);
    write16(out, at + 12, 0x0800);
    const ip = at + ethernetBytes;
    const id = this.#random.below(0x1_0000);
    const ipLength = ipBytes + 8 + length;
    const addresses = (address >>> 16) + (address & 0xffff) + (peer >>> 16) + (peer & 0xffff);
    write16(out, ip, 0x4500);
    write16(out, ip + 2, ipLength);
    write16(out, ip + 4, id);
    write16(out, ip + 6, 0x4000);
    write16(out, ip + 8, 0x4011);
    write16(out, ip + 10, ~fold(addresses + 0x4500 + ipLength + id + 0x4000 + 0x4011));
    write32(out, ip + 12, address);
    write32(out, ip + 16, peer);
    const udp = ip + ipBytes;
    write16(out, udp, port);
    write16(out, udp + 2, peerPort);
    write16(out, udp + 4, 8 + length);
    const sum = fold(addresses + 17 + 2 * (8 + length) + port + peerPort + sumWords(payload, start, length));
    write16(out, udp + 6, sum === 0xffff ? 0xffff : ~sum);
    out.set(payload.bytes.subarray(start, start + length), udp + 8);
  }

  /** Lets go of the packets that are still delayed. */
  finish(): void {
    while (this.#held.length > 0) this.#release(Number.POSITIVE_INFINITY);
  }

  #sendImpaired(
    shares: Impairments,
    from: Endpoint,
    flags: number,
    payload: Payload | undefined,
    start: number,
    length: number,
  ) {
    const random = this.#random;
    let intact = true;
    if (payload !== undefined && length > 0) {
      const fate = random.fraction();
      const lost = fate < shares.lost;
      if (lost) {
        this.impaired.lost++;
        this.missingBytes += length;
        intact = false;
      } else if (fate < shares.lost + shares.overlapping && from.tail !== undefined && from.tail.length > 0) {
        this.#writeOverlapping(from, flags, payload, start, length);
      } else {
        this.#writeDelayed(shares, from, flags, payload, start, length);
      }
      // One byte short of the whole segment, so that no overlap ever makes up for a lost one.
      const kept = Math.min(maxOverlapBytes, length - 1);
      from.tail = payload.bytes.subarray(start + length - kept, start + length).slice();
      from.tailLost = lost;
    } else {
      this.#writeDelayed(shares, from, flags, payload, start, length);
    }
    this.#release(this.file.packets);
    return intact;
  }

  #writeDelayed(
    shares: Impairments,
    from: Endpoint,
    flags: number,
    payload: Payload | undefined,
    start: number,
    length: number,
  ) {
    const random = this.#random;
    const before = this.file.packets;
    // A handshake waits for its round trip, so nothing overtakes a SYN.
    if ((flags & syn) === 0 && random.chance(shares.reordered)) {
      this.impaired.reordered++;
      this.#held.push({ due: before + random.between(1, 8), packet: this.#build(from, flags, payload, start, length) });
    } else {
      this.#write(from, flags, from.sequence, payload, start, length);
    }
    if (random.chance(shares.retransmitted)) {
      this.impaired.retransmitted++;
      const packet = this.#build(from, flags, payload, start, length);
      this.#held.push({ due: before + random.between(2, 24), packet });
    }
  }

  /** Either the segment itself begins earlier or, when that would make it too long, another one covers the seam. */
  #writeOverlapping(from: Endpoint, flags: number, payload: Payload, start: number, length: number): void {
    this.impaired.overlapping++;
    const tail = from.tail as Uint8Array;
    const back = this.#random.between(1, tail.length);
    if (from.tailLost) this.missingBytes -= back;
    let forward = length;
    if (back + length > maxSegmentBytes) {
      this.#write(from, flags, from.sequence, payload, start, length);
      forward = Math.min(length >>> 1, maxSegmentBytes - back);
    }
    const { bytes } = this.#scratch;
    bytes.set(tail.subarray(tail.length - back), 0);
    bytes.set(payload.bytes.subarray(start, start + forward), back);
    this.#write(from, flags, (from.sequence - back) >>> 0, this.#scratch, 0, back + forward);
  }

  #release(now: number): void {
    const held = this.#held;
    for (let index = 0; index < held.length; ) {
      const { due, packet } = held[index] as Held;
      if (due > now) {
        index++;
        continue;
      }
      held.splice(index, 1);
      this.file.append(packet);
    }
  }

  /** The packet as bytes of its own. */
  #build(from: Endpoint, flags: number, payload: Payload | undefined, start: number, length: number): Uint8Array {
    const header = flags & syn ? synHeaderBytes : headerBytes;
    const packet = new Uint8Array(header + length);
    this.#fill(packet, 0, from, flags, from.sequence, payload, start, length);
    return packet;
  }

  #write(
    from: Endpoint,
    flags: number,
    sequence: number,
    payload: Payload | undefined,
    start: number,
    length: number,
  ): void {
    const header = flags & syn ? synHeaderBytes : headerBytes;
    const at = this.file.begin(header + length);
    this.#fill(this.file.buffer, at, from, flags, sequence, payload, start, length);
  }

  #fill(
    out: Uint8Array,
    at: number,
    from: Endpoint,
    flags: number,
    sequence: number,
    payload: Payload | undefined,
    start: number,
    length: number,
  ): void {
    out.set(from.template, at);
    const isSyn = (flags & syn) !== 0;
    const tcpHeader = isSyn ? 40 : 32;
    const ipLength = ipBytes + tcpHeader + length;
    const id = (from.ipId + 1) & 0xffff;
    from.ipId = id;
    write16(out, at + 16, ipLength);
    write16(out, at + 18, id);
    write16(out, at + 24, ~fold(from.fixedIpSum + ipLength + id));
    const timestamp = (from.timestampBase + this.file.elapsedMs) >>> 0;
    const acknowledgment = flags & ack ? from.expected : 0;
    const echo = flags & ack ? from.echo : 0;
    write32(out, at + 38, sequence);
    write32(out, at + 42, acknowledgment);
    const control = ((tcpHeader / 4) << 12) | flags;
    write16(out, at + 46, control);
    let sum =
      from.fixedSum +
      tcpHeader +
      length +
      (sequence >>> 16) +
      (sequence & 0xffff) +
      (acknowledgment >>> 16) +
      (acknowledgment & 0xffff) +
      control +
      (timestamp >>> 16) +
      (timestamp & 0xffff) +
      (echo >>> 16) +
      (echo & 0xffff);
    if (isSyn) {
      // Maximum segment size, selective acknowledgments, timestamps, window scale (RFC 7323).
      sum += 0x0204 + 1460 + 0x0402 + 0x0103 + 0x0307 - 0x0101;
      write16(out, at + 54, 0x0204);
      write16(out, at + 56, 1460);
      write16(out, at + 58, 0x0402);
      write16(out, at + 60, 0x080a);
      write32(out, at + 62, timestamp);
      write32(out, at + 66, echo);
      write16(out, at + 70, 0x0103);
      write16(out, at + 72, 0x0307);
    } else {
      write32(out, at + 58, timestamp);
      write32(out, at + 62, echo);
    }
    if (payload !== undefined && length > 0) {
      sum += sumWords(payload, start, length);
      const to = at + headerBytes;
      if (start === 0 && length === payload.bytes.length) out.set(payload.bytes, to);
      else out.set(payload.bytes.subarray(start, start + length), to);
    }
    write16(out, at + 50, ~fold(sum));
  }
}

function write16(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 8;
  out[at + 1] = value;
}

function write32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}

/** A locally administered address made of the IPv4 address. */
function writeMac(out: Uint8Array, at: number, address: number): void {
  out[at] = 0x02;
  out[at + 1] = 0x42;
  write32(out, at + 2, address);
}
