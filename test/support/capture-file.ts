/** Writers of capture files: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng). */
import { type Framing, frame, linkType, type Segment } from './frame.js';

export interface CapturedPacket {
  timeNs: bigint;
  data: Buffer;
  /** Length on the wire; default that of `data`. */
  wireLength?: number;
  linkType: number;
  /** pcapng: index of the interface. Default 0. */
  interfaceId?: number;
}

/** Segments as packets of one link layer. */
export function toPackets(segments: readonly Segment[], framing: Framing, interfaceId = 0): CapturedPacket[] {
  return segments.map((segment) => ({
    timeNs: segment.timeNs,
    data: frame(segment, framing),
    linkType: linkType[framing.link],
    interfaceId,
  }));
}

class Fields {
  readonly #parts: Buffer[] = [];
  constructor(readonly bigEndian: boolean) {}

  u16(value: number): this {
    const part = Buffer.alloc(2);
    if (this.bigEndian) part.writeUInt16BE(value);
    else part.writeUInt16LE(value);
    return this.bytes(part);
  }

  u32(value: number): this {
    const part = Buffer.alloc(4);
    if (this.bigEndian) part.writeUInt32BE(value >>> 0);
    else part.writeUInt32LE(value >>> 0);
    return this.bytes(part);
  }

  bytes(part: Uint8Array): this {
    this.#parts.push(Buffer.from(part.buffer, part.byteOffset, part.byteLength));
    return this;
  }

  /** Zeros up to a multiple of four bytes. */
  align(length: number): this {
    return this.bytes(Buffer.alloc((4 - (length % 4)) % 4));
  }

  end(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

export interface PcapOptions {
  /** Time stamps in nanoseconds (magic 0xa1b23c4d) instead of microseconds. */
  nanoseconds?: boolean;
  bigEndian?: boolean;
  /** Packets are cut to it. Default 262144. */
  snaplen?: number;
  /** Default: that of the first packet, Ethernet when there is none. */
  linkType?: number;
}

export function pcap(packets: readonly CapturedPacket[], options: PcapOptions = {}): Buffer {
  const { nanoseconds = false, bigEndian = false, snaplen = 262144 } = options;
  const fields = new Fields(bigEndian);
  fields
    .u32(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4)
    .u16(2)
    .u16(4)
    .u32(0)
    .u32(0)
    .u32(snaplen);
  fields.u32(options.linkType ?? packets[0]?.linkType ?? linkType.ethernet);
  for (const packet of packets) {
    const data = packet.data.subarray(0, snaplen);
    const second = packet.timeNs / 1_000_000_000n;
    const fraction = (packet.timeNs % 1_000_000_000n) / (nanoseconds ? 1n : 1000n);
    fields
      .u32(Number(second))
      .u32(Number(fraction))
      .u32(data.length)
      .u32(packet.wireLength ?? packet.data.length);
    fields.bytes(data);
  }
  return fields.end();
}

export interface PcapngInterface {
  linkType: number;
  /** Decimal digits of a second: 6 (the default) or 9; `2^n` as 0x80 | n. */
  resolution?: number;
  /** Seconds added to every time stamp (if_tsoffset). */
  offsetSeconds?: number;
  snaplen?: number;
}

export interface PcapngOptions {
  bigEndian?: boolean;
  interfaces: PcapngInterface[];
  /** Blocks that a reader must step over are strewn in: name resolution, statistics, a custom one. */
  otherBlocks?: boolean;
}

function block(type: number, body: Buffer, bigEndian: boolean): Buffer {
  const padded = body.length + ((4 - (body.length % 4)) % 4);
  return new Fields(bigEndian)
    .u32(type)
    .u32(padded + 12)
    .bytes(body)
    .align(body.length)
    .u32(padded + 12)
    .end();
}

/** One section; concatenate several for a file of several. */
export function pcapng(packets: readonly CapturedPacket[], options: PcapngOptions): Buffer {
  const { bigEndian = false, interfaces, otherBlocks = false } = options;
  const make = () => new Fields(bigEndian);
  const blocks = [
    block(0x0a0d0d0a, make().u32(0x1a2b3c4d).u16(1).u16(0).u32(0xffffffff).u32(0xffffffff).end(), bigEndian),
  ];
  const addInterface = (one: PcapngInterface) => {
    const fields = make()
      .u16(one.linkType)
      .u16(0)
      .u32(one.snaplen ?? 0);
    if (one.resolution !== undefined)
      fields
        .u16(9)
        .u16(1)
        .bytes(Buffer.from([one.resolution, 0, 0, 0]));
    if (one.offsetSeconds !== undefined) {
      const seconds = Buffer.alloc(8);
      if (bigEndian) seconds.writeBigInt64BE(BigInt(one.offsetSeconds));
      else seconds.writeBigInt64LE(BigInt(one.offsetSeconds));
      fields.u16(14).u16(8).bytes(seconds);
    }
    blocks.push(block(1, fields.u16(0).u16(0).end(), bigEndian));
  };
  // An interface is declared just before its first packet: readers must not want them all at the start.
  let declared = 0;
  packets.forEach((packet, index) => {
    const id = packet.interfaceId ?? 0;
    while (declared <= id) addInterface(interfaces[declared++] as PcapngInterface);
    const one = interfaces[id] as PcapngInterface;
    const resolution = one.resolution ?? 6;
    const perSecond = resolution & 0x80 ? 1n << BigInt(resolution & 0x7f) : 10n ** BigInt(resolution);
    const sinceOffset = packet.timeNs - BigInt(one.offsetSeconds ?? 0) * 1_000_000_000n;
    const time = (sinceOffset * perSecond) / 1_000_000_000n;
    const data = one.snaplen ? packet.data.subarray(0, one.snaplen) : packet.data;
    const fields = make()
      .u32(id)
      .u32(Number(time >> 32n))
      .u32(Number(time & 0xffffffffn))
      .u32(data.length)
      .u32(packet.wireLength ?? packet.data.length)
      .bytes(data)
      .align(data.length);
    blocks.push(block(6, fields.end(), bigEndian));
    if (otherBlocks && index % 7 === 3) {
      blocks.push(block(4, make().u16(0).u16(0).end(), bigEndian));
      blocks.push(block(5, make().u32(0).u32(0).u32(0).end(), bigEndian));
      blocks.push(block(0xbad, make().u32(32473).bytes(Buffer.from('odd')).end(), bigEndian));
    }
  });
  while (declared < interfaces.length) addInterface(interfaces[declared++] as PcapngInterface);
  return Buffer.concat(blocks);
}
