/**
 * A capture made of flow events: the same connections, without what reassembly has dealt with. capture() reads it as a stream, and so
 * gives the messages of the very bytes that flows() gave, from one pass over the source.
 */
import type { Endpoint } from '../batch-buffer.js';
import type { FlowEvent, FlowGap } from '../flows/flow-event.js';
import type { FlowConnection } from '../flows/flow-records.js';
import { bytesOfKey, keyOfText } from '../system/address-key.js';

/** LINKTYPE_ETHERNET, nanoseconds (draft-ietf-opsawg-pcap). */
const fileHeader = Buffer.from('4d3cb2a1' + '02000400' + '00000000' + '00000000' + '00000400' + '01000000', 'hex');
const recordLength = 16;
const ethernetLength = 18;
const tcpLength = 20;
/** Payload of a packet, so that its length has room in an IP header. */
const maxPayload = 32 * 1024;

/** TCP control bits (RFC 9293, 3.1). */
const fin = 1;
const syn = 2;
const rst = 4;
const ack = 16;

type Side = 0 | 1;

/** What the packets of a connection go on from. */
interface Progress {
  /** Record, Ethernet, IP and TCP header of each side's packets. */
  readonly headers: readonly [Buffer, Buffer];
  /** Sequence space used by each side; its SYN is the first of it. */
  readonly used: [number, number];
  /** Number of the connection among those with packets; 0 until it has one. */
  number: number;
}

export class FlowPackets {
  #packets: Buffer[] = [fileHeader];
  readonly #open = new Map<number, Progress>();
  #connections = 0;

  /** Returns the id that the connection gets from capture(), or 0 when nothing was said of it yet. */
  add(event: FlowEvent): number {
    const { connection, time } = event;
    if (event.kind === 'open') {
      const begun = begin(connection);
      this.#open.set(connection.id, begun);
      if (connection.handshakeSeen) {
        this.#packet(begun, 0, time, syn, 0);
        this.#packet(begun, 1, time, syn | ack, 0);
      }
      return begun.number;
    }
    const progress = this.#open.get(connection.id);
    if (progress === undefined) return 0;
    if (event.kind === 'close') {
      this.#open.delete(connection.id);
      const over = event.reason === 'finished' || event.reason === 'ended' || progress.number === 0;
      if (!over) this.#packet(progress, 0, time, rst | ack, progress.used[0]);
      return progress.number;
    }
    const side = event.direction === 'client-to-server' ? 0 : 1;
    switch (event.kind) {
      case 'data':
        this.#data(progress, side, time, event.bytes);
        break;
      case 'gap':
        this.#gap(progress, side, event);
        break;
      case 'end':
        this.#packet(progress, side, time, fin | ack, progress.used[side]);
        progress.used[side]++;
    }
    return progress.number;
  }

  /** The bytes of the capture since the last call. */
  take(): Buffer {
    const bytes = Buffer.concat(this.#packets);
    this.#packets = [];
    return bytes;
  }

  #data(progress: Progress, side: Side, time: bigint, bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += maxPayload) {
      const payload = bytes.subarray(at, at + maxPayload);
      this.#packet(progress, side, time, ack, progress.used[side], payload);
      progress.used[side] += payload.length;
    }
  }

  /** Bytes that were cut off are cut off here too. Others were never captured, and so there is no packet with them. */
  #gap(progress: Progress, side: Side, { length, cause, time }: FlowGap): void {
    if (cause === 'truncated') {
      for (let left = length; left > 0; left -= maxPayload) {
        const size = Math.min(left, maxPayload);
        this.#packet(progress, side, time, ack, progress.used[side], undefined, size);
        progress.used[side] += size;
      }
      return;
    }
    progress.used[side] += length;
  }

  #packet(
    progress: Progress,
    side: Side,
    time: bigint,
    flags: number,
    used: number,
    payload?: Buffer,
    wireLength = payload?.length ?? 0,
  ): void {
    if (progress.number === 0) progress.number = ++this.#connections;
    const header = progress.headers[side];
    const captured = payload?.length ?? 0;
    const packet = Buffer.allocUnsafe(header.length + captured);
    packet.set(header);
    if (payload !== undefined) packet.set(payload, header.length);

    packet.writeUInt32LE(Number(time / 1_000_000_000n) >>> 0, 0);
    packet.writeUInt32LE(Number(time % 1_000_000_000n) >>> 0, 4);
    packet.writeUInt32LE(packet.length - recordLength, 8);
    packet.writeUInt32LE(header.length - recordLength + wireLength, 12);

    const ip = recordLength + ethernetLength;
    const tcp = header.length - tcpLength;
    if (tcp - ip === 20) packet.writeUInt16BE(header.length - ip + wireLength, ip + 2);
    else packet.writeUInt16BE(tcpLength + wireLength, ip + 4);
    packet.writeUInt32BE(used % 2 ** 32, tcp + 4);
    if (flags & ack) packet.writeUInt32BE(progress.used[side === 0 ? 1 : 0] % 2 ** 32, tcp + 8);
    packet[tcp + 13] = flags;
    this.#packets.push(packet);
  }
}

/** Both sides have used one number of their sequence space, for the SYN, be it shown or not. */
function begin(connection: FlowConnection): Progress {
  const { id, client, server } = connection;
  // Connections with the same addresses and ports are told apart by a VLAN.
  const vlan = 1 + (id % 4094);
  return {
    headers: [headerOf(client, server, vlan), headerOf(server, client, vlan)],
    used: [1, 1],
    number: 0,
  };
}

function headerOf(source: Endpoint, destination: Endpoint, vlan: number): Buffer {
  const v6 = source.address.includes(':');
  const ip = v6 ? ipv6Header(source.address, destination.address) : ipv4Header(source.address, destination.address);
  const ethernet = Buffer.alloc(ethernetLength);
  ethernet.writeUInt16BE(0x8100, 12);
  ethernet.writeUInt16BE(vlan, 14);
  ethernet.writeUInt16BE(v6 ? 0x86dd : 0x0800, 16);
  const tcp = Buffer.alloc(tcpLength);
  tcp.writeUInt16BE(source.port, 0);
  tcp.writeUInt16BE(destination.port, 2);
  tcp[12] = (tcpLength / 4) << 4;
  tcp.writeUInt16BE(0xffff, 14);
  return Buffer.concat([Buffer.alloc(recordLength), ethernet, ip, tcp]);
}

function ipv4Header(source: string, destination: string): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(0x4000, 6);
  header[8] = 64;
  header[9] = 6;
  header.set(addressBytes(source).subarray(12), 12);
  header.set(addressBytes(destination).subarray(12), 16);
  return header;
}

function ipv6Header(source: string, destination: string): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header[6] = 6;
  header[7] = 64;
  header.set(addressBytes(source), 8);
  header.set(addressBytes(destination), 24);
  return header;
}

function addressBytes(address: string): Buffer {
  return bytesOfKey(keyOfText(address));
}
