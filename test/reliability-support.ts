/** What surrounds HTTP on real networks: fragments, tunnels, other protocols, damage; and what counters must say of it. */
import assert from 'node:assert/strict';
import type { CaptureStats } from '../lib/index.js';
import type { CapturedPacket } from './support/capture-file.js';
import type { Conversation, Said } from './support/conversation.js';
import { addressBytes, ipPacket, linkType, type Segment } from './support/frame.js';
import { mangle } from './support/network.js';
import { Random } from './support/random.js';
import { traffic } from './support/traffic.js';

const etherTypeOf = (ip: Buffer) => ((ip[0] as number) >> 4 === 6 ? 0x86dd : 0x0800);

/** An Ethernet frame; the MAC addresses tell nothing. */
export function ethernetFrame(etherType: number, content: Buffer, vlans: readonly number[] = []): Buffer {
  const header = Buffer.alloc(14 + 4 * vlans.length, 2);
  vlans.forEach((vlan, i) => {
    header.writeUInt16BE(vlans.length > 1 && i === 0 ? 0x88a8 : 0x8100, 12 + 4 * i);
    header.writeUInt16BE(vlan, 14 + 4 * i);
  });
  header.writeUInt16BE(etherType, 12 + 4 * vlans.length);
  return Buffer.concat([header, content]);
}

function checksum4(header: Buffer): void {
  header.writeUInt16BE(0, 10);
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += header.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  header.writeUInt16BE(~sum & 0xffff, 10);
}

/** An IPv4 packet around anything. */
export function ipv4(protocol: number, content: Buffer, ends: readonly [string, string]): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + content.length, 2);
  header[8] = 64;
  header[9] = protocol;
  addressBytes(ends[0]).copy(header, 12);
  addressBytes(ends[1]).copy(header, 16);
  checksum4(header);
  return Buffer.concat([header, content]);
}

export function udp(from: number, to: number, content: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(from, 0);
  header.writeUInt16BE(to, 2);
  header.writeUInt16BE(8 + content.length, 4);
  return Buffer.concat([header, content]);
}

let nextIdentification = 1;

/** The fragments of an IP packet, cut at multiples of 8 bytes (RFC 791, 3.2; RFC 8200, 4.5); the packet itself when it is too short. */
export function fragment(ip: Buffer, pieceBytes: number): Buffer[] {
  const v6 = etherTypeOf(ip) === 0x86dd;
  const head = v6 ? 40 : 20;
  const payload = ip.subarray(head);
  const step = Math.max(8, pieceBytes & ~7);
  if (payload.length <= step) return [ip];
  const identification = nextIdentification++;
  const pieces: Buffer[] = [];
  for (let at = 0; at < payload.length; at += step) {
    const more = at + step < payload.length;
    const part = payload.subarray(at, at + step);
    const header = Buffer.from(ip.subarray(0, head));
    if (v6) {
      const extension = Buffer.alloc(8);
      extension[0] = header[6] as number;
      extension.writeUInt16BE(at | (more ? 1 : 0), 2);
      extension.writeUInt32BE(identification, 4);
      header[6] = 44;
      header.writeUInt16BE(8 + part.length, 4);
      pieces.push(Buffer.concat([header, extension, part]));
    } else {
      header.writeUInt16BE(20 + part.length, 2);
      header.writeUInt16BE(identification & 0xffff, 4);
      header.writeUInt16BE((more ? 0x2000 : 0) | (at / 8), 6);
      checksum4(header);
      pieces.push(Buffer.concat([header, part]));
    }
  }
  return pieces;
}

export function shuffle<T>(random: Random, list: T[]): T[] {
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.between(0, i);
    [list[i], list[j]] = [list[j] as T, list[i] as T];
  }
  return list;
}

/** An IP packet in a frame of Ethernet, perhaps in a tunnel; the same for all packets of one `index`. */
export function inTunnel(ip: Buffer, index: number): Buffer {
  const outer: [string, string] = ['192.0.2.1', '192.0.2.2'];
  const type = etherTypeOf(ip);
  switch (index % 6) {
    case 1:
      return ethernetFrame(type, ip, [100 + (index % 50)]);
    case 2:
      return ethernetFrame(type, ip, [7, 100 + (index % 50)]);
    case 3: {
      const gre = Buffer.alloc(4);
      gre.writeUInt16BE(type, 2);
      return ethernetFrame(0x0800, ipv4(47, Buffer.concat([gre, ip]), outer));
    }
    case 4:
      return ethernetFrame(0x0800, ipv4(type === 0x0800 ? 4 : 41, ip, outer));
    case 5: {
      const vxlan = Buffer.from([8, 0, 0, 0, 0, 0, index & 0xff, 0]);
      return ethernetFrame(0x0800, ipv4(17, udp(50_000, 4789, Buffer.concat([vxlan, ethernetFrame(type, ip)])), outer));
    }
    default:
      return ethernetFrame(type, ip);
  }
}

/** Packets that carry no HTTP: other protocols, quoted TCP, and whatever a broken device sends. */
export function noise(random: Random, like: Segment): Buffer {
  const ends: [string, string] = ['198.51.100.1', '198.51.100.2'];
  const ip = ipPacket(like);
  switch (random.between(0, 9)) {
    case 0:
      return ethernetFrame(0x0806, random.bytes(28)); // ARP
    case 1:
      return ethernetFrame(0x0800, ipv4(17, udp(53, 5353, random.bytes(random.between(0, 200))), ends));
    case 2: // ICMP that quotes TCP
      return ethernetFrame(
        0x0800,
        ipv4(1, Buffer.concat([Buffer.from([3, 1, 0, 0, 0, 0, 0, 0]), ip.subarray(0, 48)]), ends),
      );
    case 3:
      return ethernetFrame(random.between(0x0600, 0xffff), random.bytes(random.between(0, 100)));
    case 4:
      return random.bytes(random.between(0, 80));
    case 5:
      return ethernetFrame(0x0800, random.bytes(random.between(0, 60)));
    case 6: {
      // An IHL that lies.
      const broken = Buffer.from(ip);
      broken[0] = 0x40 | random.between(0, 15);
      return ethernetFrame(etherTypeOf(ip), broken);
    }
    case 7: // cut by the device, and it does not say so
      return ethernetFrame(etherTypeOf(ip), ip.subarray(0, random.between(0, Math.min(60, ip.length))));
    case 8: {
      // A fragment whose others never come.
      const pieces = fragment(ip, 16);
      return ethernetFrame(etherTypeOf(ip), random.pick(pieces));
    }
    default:
      return ethernetFrame(0x0800, ipv4(6, random.bytes(random.between(0, 40)), ends));
  }
}

export const asPacket = (timeNs: bigint, data: Buffer): CapturedPacket => ({
  timeNs,
  data,
  linkType: linkType.ethernet,
});

/** Which bytes of each direction the captured segments hold. */
export class Seen {
  readonly #spans = new Map<Conversation['ends'], [[number, number][], [number, number][]]>();

  constructor(segments: readonly Segment[]) {
    for (const segment of segments) {
      if (segment.forged || segment.payload.length === 0) continue;
      const spans = this.#spans.get(segment.ends) ?? [[], []];
      this.#spans.set(segment.ends, spans);
      spans[segment.side].push([segment.offset, segment.offset + segment.payload.length]);
    }
    for (const sides of this.#spans.values()) for (const spans of sides) spans.sort((a, b) => a[0] - b[0]);
  }

  /** The runs of bytes that are missing from a message, relative to its start. */
  holes({ conversation, side, start, end }: Said): [number, number][] {
    const holes: [number, number][] = [];
    let at = start;
    for (const [from, to] of this.#spans.get(conversation.ends)?.[side] ?? []) {
      if (from >= end) break;
      if (from > at) holes.push([at - start, from - start]);
      at = Math.max(at, to);
    }
    if (at < end) holes.push([at - start, end - start]);
    return holes;
  }
}

/** What holds between any two packets. */
export function checkAccounts({ packets, tcp, http, delivery }: CaptureStats): void {
  assert.equal(packets.decoded + packets.notTcp + packets.malformed + packets.unsupported, packets.received, 'packets');
  assert.ok(packets.fragments <= packets.notTcp, 'fragments');
  assert.equal(tcp.segments + tcp.notSelected, packets.decoded, 'segments');
  assert.equal(
    tcp.deliveredBytes + tcp.duplicateBytes + tcp.conflictingBytes + tcp.evictedBytes + tcp.bufferedBytes,
    tcp.payloadBytes,
    'payload bytes',
  );
  assert.ok(tcp.lateBytes <= tcp.evictedBytes, 'late bytes');
  assert.ok(tcp.connectionsClosed <= tcp.connectionsOpened, 'connections');
  assert.ok(tcp.connectionsExpired + tcp.connectionsEvicted <= tcp.connectionsClosed, 'connections by reason');
  assert.ok(http.bodyBytes + http.skippedBytes + http.tunnelBytes <= tcp.deliveredBytes, 'bytes of HTTP');
  assert.ok(http.bodyBytesCut <= http.bodyBytes, 'body bytes');
  assert.equal(http.requests + http.responses, http.messagesStarted, 'requests and responses');
  assert.equal(http.messagesFinished + http.messagesOpen, http.messagesStarted, 'messages');
  assert.equal(
    delivery.messagesDelivered + delivery.messagesDropped + delivery.messagesHeld,
    http.messagesFinished,
    'finished messages',
  );
}

/** What is left when all is over: nothing. */
export function checkEnd({ tcp, http, delivery }: CaptureStats): void {
  assert.equal(tcp.bufferedBytes, 0, 'bufferedBytes');
  assert.equal(tcp.connectionsOpened, tcp.connectionsClosed, 'open connections');
  assert.equal(http.messagesOpen, 0, 'messagesOpen');
  assert.equal(http.pendingBytes, 0, 'pendingBytes');
  assert.equal(delivery.messagesHeld, 0, 'messagesHeld');
}

/** Random traffic with everything in it that networks and captures do. */
export function hostile(seed: number): CapturedPacket[] {
  const random = new Random(seed);
  const { segments } = traffic({
    seed,
    conversations: random.between(2, 8),
    exchanges: random.between(3, 15),
    v6: random.chance(0.3),
    wrap: random.chance(0.3),
    pipelined: random.pick([0, 0.3, 0.7]),
  });
  const rate = () => random.pick([0, 0.02, 0.2]);
  const captured = mangle(segments, {
    seed,
    reorder: rate(),
    reorderDistance: random.pick([3, 8, 60]),
    retransmit: rate(),
    overlap: rate(),
    lose: rate(),
    duplicate: rate(),
    conflict: rate(),
  });
  const [fragmented, noisy, cut, flipped, tunnelled] = [rate(), rate(), rate(), rate() / 4, random.chance(0.5)];
  return captured.flatMap((segment) => {
    const ip = ipPacket(segment);
    const pieces = random.chance(fragmented) ? shuffle(random, fragment(ip, random.pick([24, 300, 1000]))) : [ip];
    if (pieces.length > 1 && random.chance(0.1)) pieces.pop();
    const frames = pieces.map((piece) =>
      tunnelled
        ? inTunnel(piece, segment.ends[0].port)
        : ethernetFrame((piece[0] as number) >> 4 === 6 ? 0x86dd : 0x0800, piece),
    );
    while (random.chance(noisy)) frames.push(noise(random, segment));
    return frames.map((data) => {
      const packet = asPacket(segment.timeNs, Buffer.from(data));
      if (data.length > 0 && random.chance(flipped)) {
        const at = random.between(0, data.length - 1);
        packet.data[at] = (packet.data[at] as number) ^ (1 << random.between(0, 7));
      }
      if (random.chance(cut)) {
        packet.wireLength = data.length;
        packet.data = packet.data.subarray(0, random.between(0, data.length));
      }
      return packet;
    });
  });
}
