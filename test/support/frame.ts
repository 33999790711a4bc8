/** From a TCP segment to the bytes of a captured packet: TCP, IP and link layer with right checksums. */
import { isIPv6 } from 'node:net';

/** The end that sends: 0 is the client, 1 the server. */
export type Side = 0 | 1;

export interface Endpoint {
  address: string;
  port: number;
}

/** One TCP segment on its way, with what a test must know about it. */
export interface Segment {
  /** Client and server of its connection. */
  ends: readonly [Endpoint, Endpoint];
  side: Side;
  timeNs: bigint;
  sequence: number;
  acknowledgment: number;
  flags: number;
  window: number;
  payload: Buffer;
  /** Stream offset of the first payload byte: 0 is the byte after the SYN. */
  offset: number;
  /** Its payload was changed on purpose: not what the sender said. */
  forged?: boolean;
}

/** TCP control bits (RFC 9293, 3.1). */
export const flag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;

/** LINKTYPE_ values (https://www.tcpdump.org/linktypes.html). */
export const linkType = {
  null: 0,
  ethernet: 1,
  raw: 101,
  loop: 108,
  sll: 113,
  ipv4: 228,
  ipv6: 229,
  sll2: 276,
} as const;
export type Link = keyof typeof linkType;

export interface Framing {
  link: Link;
  /** VLAN ids, outermost first; Ethernet and Linux cooked v1. Two of them make 802.1ad outside of 802.1Q. */
  vlans?: number[];
  /** `zero`: as checksum offload leaves them. Default `right`. */
  checksums?: 'right' | 'zero';
  /** IPv4 total length 0, as segmentation offload leaves it. */
  zeroLength?: boolean;
  /** Ethernet frames are padded to 60 bytes, with bytes that are not zero. Default true. */
  pad?: boolean;
  /** null: byte order of the protocol family. Default little-endian. */
  bigEndian?: boolean;
}

/** RFC 1071 over `bytes`, on top of `sum`, not yet complemented. */
function addUp(bytes: Uint8Array, sum: number): number {
  let total = sum;
  for (let i = 0; i + 1 < bytes.length; i += 2) total += ((bytes[i] as number) << 8) | (bytes[i + 1] as number);
  if (bytes.length % 2) total += (bytes[bytes.length - 1] as number) << 8;
  return total;
}

function complement(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

/** The 4 or 16 bytes of an IP address. */
export function addressBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const [front = '', back] = address.split('::');
  const words = (part: string) => part.split(':').filter((word) => word !== '');
  const left = words(front);
  const right = back === undefined ? [] : words(back);
  const all = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  const bytes = Buffer.alloc(16);
  all.forEach((word, i) => {
    bytes.writeUInt16BE(Number.parseInt(word, 16), i * 2);
  });
  return bytes;
}

function tcp(segment: Segment, source: Endpoint, target: Endpoint): Buffer {
  const options = segment.flags & flag.syn ? Buffer.from([2, 4, 5, 0xa8, 1, 3, 3, 7]) : Buffer.alloc(0);
  const header = Buffer.alloc(20);
  header.writeUInt16BE(source.port, 0);
  header.writeUInt16BE(target.port, 2);
  header.writeUInt32BE(segment.sequence, 4);
  header.writeUInt32BE(segment.acknowledgment, 8);
  header[12] = ((20 + options.length) / 4) << 4;
  header[13] = segment.flags;
  header.writeUInt16BE(segment.window, 14);
  return Buffer.concat([header, options, segment.payload]);
}

let identification = 0;

/** The IP packet around a segment. */
export function ipPacket(segment: Segment, framing: Partial<Framing> = {}): Buffer {
  const source = segment.ends[segment.side];
  const target = segment.ends[segment.side === 0 ? 1 : 0];
  const sourceBytes = addressBytes(source.address);
  const targetBytes = addressBytes(target.address);
  const body = tcp(segment, source, target);
  if ((framing.checksums ?? 'right') === 'right') {
    const pseudo = addUp(targetBytes, addUp(sourceBytes, 6 + body.length));
    body.writeUInt16BE(complement(addUp(body, pseudo)), 16);
  }
  if (sourceBytes.length === 16) {
    const header = Buffer.alloc(40);
    header.writeUInt32BE(0x60000000, 0);
    header.writeUInt16BE(framing.zeroLength ? 0 : body.length, 4);
    header[6] = 6;
    header[7] = 64;
    sourceBytes.copy(header, 8);
    targetBytes.copy(header, 24);
    return Buffer.concat([header, body]);
  }
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(framing.zeroLength ? 0 : 20 + body.length, 2);
  header.writeUInt16BE(identification++ & 0xffff, 4);
  header.writeUInt16BE(0x4000, 6);
  header[8] = 64;
  header[9] = 6;
  sourceBytes.copy(header, 12);
  targetBytes.copy(header, 16);
  if ((framing.checksums ?? 'right') === 'right') header.writeUInt16BE(complement(addUp(header, 0)), 10);
  return Buffer.concat([header, body]);
}

/** Of an end: `02:00:00:00:00:01` is the client's. */
function linkAddress(side: Side): number[] {
  return [2, 0, 0, 0, 0, side + 1];
}

function ethernet(ip: Buffer, etherType: number, segment: Segment, framing: Framing): Buffer {
  const addresses = Buffer.from([...linkAddress(segment.side === 0 ? 1 : 0), ...linkAddress(segment.side)]);
  const types = etherTypes(etherType, framing);
  const padding = framing.pad === false ? 0 : Math.max(0, 60 - addresses.length - types.length - ip.length);
  return Buffer.concat([addresses, types, ip, Buffer.alloc(padding, 0x50)]);
}

/** The type of what follows, behind the tags of the VLANs. */
function etherTypes(etherType: number, { vlans = [] }: Framing): Buffer {
  const types = Buffer.alloc(4 * vlans.length + 2);
  vlans.forEach((vlan, i) => {
    types.writeUInt16BE(vlans.length > 1 && i === 0 ? 0x88a8 : 0x8100, 4 * i);
    types.writeUInt16BE(vlan, 4 * i + 2);
  });
  types.writeUInt16BE(etherType, 4 * vlans.length);
  return types;
}

/** The captured bytes of a segment. */
export function frame(segment: Segment, framing: Framing): Buffer {
  const ip = ipPacket(segment, framing);
  const v6 = (ip[0] as number) >> 4 === 6;
  const etherType = v6 ? 0x86dd : 0x0800;
  switch (framing.link) {
    case 'ethernet':
      return ethernet(ip, etherType, segment, framing);
    case 'raw':
    case 'ipv4':
    case 'ipv6':
      return ip;
    case 'null':
    case 'loop': {
      const family = Buffer.alloc(4);
      // 30 is AF_INET6 of macOS, 2 is AF_INET everywhere; LOOP is always big-endian.
      if (framing.link === 'loop' || framing.bigEndian) family.writeUInt32BE(v6 ? 30 : 2);
      else family.writeUInt32LE(v6 ? 30 : 2);
      return Buffer.concat([family, ip]);
    }
    case 'sll': {
      const header = Buffer.alloc(14);
      header.writeUInt16BE(segment.side === 0 ? 4 : 0, 0);
      header.writeUInt16BE(1, 2);
      header.writeUInt16BE(6, 4);
      header.set(linkAddress(segment.side), 6);
      return Buffer.concat([header, etherTypes(etherType, framing), ip]);
    }
    case 'sll2': {
      const header = Buffer.alloc(20);
      header.writeUInt16BE(etherType, 0);
      header.writeUInt32BE(1, 4);
      header.writeUInt16BE(1, 8);
      header[10] = segment.side === 0 ? 4 : 0;
      header[11] = 6;
      header.set(linkAddress(segment.side), 12);
      return Buffer.concat([header, ip]);
    }
  }
}
