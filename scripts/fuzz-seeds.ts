/**
 * Writes seeds for the fuzz targets: from the traffic that the tests generate, and from ../shared/corpus/pcaps when it is there.
 *
 *   node --import tsx scripts/fuzz-seeds.ts FOLDER   (FOLDER/STAGE/…)
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CapturedPacket, pcap, pcapng, toPackets } from '../test/support/capture-file.js';
import type { Conversation } from '../test/support/conversation.js';
import { flag, linkType, type Segment } from '../test/support/frame.js';
import { mangle } from '../test/support/network.js';
import { traffic } from '../test/support/traffic.js';

const root = fileURLToPath(new URL('../', import.meta.url));
/** Longer inputs cost more runs than they find. */
const maxBytes = 64 * 1024;

function save(folder: string, stage: string, name: string, bytes: Buffer): void {
  mkdirSync(join(folder, stage), { recursive: true });
  writeFileSync(join(folder, stage, name), bytes);
}

/** Steps of http_fuzz.cc: options, then side, length and bytes of each payload. */
function httpSteps(payloads: { side: number; payload: Buffer }[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0])];
  for (const { side, payload } of payloads)
    parts.push(Buffer.from([side, payload.length >> 8, payload.length & 0xff]), payload);
  return Buffer.concat(parts);
}

/** Steps of tcp_fuzz.cc that give these segments of one connection. */
function tcpSteps(conversation: Conversation, segments: readonly Segment[]): Buffer {
  const own = segments.filter((segment) => segment.ends === conversation.ends);
  const first = [0, 1].map(
    (side) => conversation.segments.find((segment) => segment.side === side && segment.flags & flag.syn)?.sequence ?? 0,
  );
  const sent = [0, 0];
  const parts: Buffer[] = [Buffer.from([0])];
  const number = (value: number) => {
    const bytes = Buffer.from([0xff, 0, 0, 0, 0]);
    bytes.writeUInt32BE(value >>> 0, 1);
    return bytes;
  };
  for (const { side, flags, sequence, acknowledgment, payload } of own) {
    const other = side === 0 ? 1 : 0;
    const length = payload.length % 4096;
    const aside = sequence - (first[side] as number) - (sent[side] as number);
    const ackAside = flags & flag.ack ? acknowledgment - (first[other] as number) - (sent[other] as number) : 0;
    const how = (flags & 0x1f) | (length ? 0x20 : 0) | (aside ? 0x40 : 0) | (ackAside ? 0x80 : 0);
    parts.push(Buffer.from([side << 2, how]));
    if (length) parts.push(number(length));
    if (aside) parts.push(number(aside));
    if (ackAside) parts.push(number(ackAside));
    if (!aside) sent[side] = (sent[side] as number) + length + (flags & (flag.syn | flag.fin) ? 1 : 0);
  }
  return Buffer.concat(parts);
}

const linkTypes: number[] = [
  ...(
    /linkTypes\[\] = \{([^}]*)\}/.exec(readFileSync(join(root, 'native/fuzz/decode_fuzz.cc'), 'utf8'))?.[1] ?? ''
  ).matchAll(/\d+/g),
].map(Number);

/** Steps of decode_fuzz.cc. */
function decodeSteps(packets: readonly { data: Buffer }[], type: number): Buffer | undefined {
  const index = linkTypes.indexOf(type);
  if (index < 0) return undefined;
  const parts: Buffer[] = [Buffer.from([index])];
  for (const { data } of packets.slice(0, 12))
    parts.push(Buffer.from([0, data.length >> 8, data.length & 0xff]), data.subarray(0, 0xffff));
  return Buffer.concat(parts);
}

/** Packets of a little-endian or big-endian pcap file; none of other files. */
function packetsOf(file: Buffer): { data: Buffer; type: number }[] {
  const little = file.length >= 24 && [0xa1b2c3d4, 0xa1b23c4d].includes(file.readUInt32LE(0));
  const big = file.length >= 24 && [0xa1b2c3d4, 0xa1b23c4d].includes(file.readUInt32BE(0));
  if (!little && !big) return [];
  const u32 = (at: number) => (little ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const packets = [];
  for (let at = 24; at + 16 <= file.length; ) {
    const length = u32(at + 8);
    if (length > 0xffff || at + 16 + length > file.length) break;
    packets.push({ data: file.subarray(at + 16, at + 16 + length), type: u32(20) & 0xffff });
    at += 16 + length;
  }
  return packets;
}

/** Payloads of the first connection on Ethernet, IPv4 and TCP without anything unusual. */
function payloadsOf(packets: readonly { data: Buffer; type: number }[]): { side: number; payload: Buffer }[] {
  const payloads = [];
  let ports: string | undefined;
  for (const { data, type } of packets) {
    if (type !== 1 || data.length < 54 || data.readUInt16BE(12) !== 0x0800 || data[14] !== 0x45 || data[23] !== 6)
      continue;
    const [from, to] = [data.readUInt16BE(34), data.readUInt16BE(36)];
    const pair = [from, to].sort((a, b) => a - b).join();
    const payload = data.subarray(34 + ((data[46] as number) >> 4) * 4, 14 + data.readUInt16BE(16));
    if (payload.length === 0 || payload.length > 0xffff) continue;
    ports ??= pair;
    if (pair === ports) payloads.push({ side: from > to ? 0 : 1, payload });
  }
  return payloads;
}

function fromTraffic(folder: string): void {
  for (let seed = 1; seed <= 12; seed++) {
    const { conversations, segments } = traffic({
      seed,
      conversations: 2,
      exchanges: 3,
      maxBodyBytes: 900,
      mss: seed % 4 === 0 ? 100 : 1448,
      v6: seed % 3 === 0,
      wrap: seed % 2 === 0,
    });
    const captured =
      seed % 2
        ? mangle(segments, { seed, reorder: 0.1, retransmit: 0.1, overlap: 0.1, lose: 0.05, conflict: 0.05 })
        : segments;
    const link = (['ethernet', 'sll', 'sll2', 'null', 'raw', 'loop'] as const)[seed % 6] ?? 'ethernet';
    const packets: CapturedPacket[] = toPackets(captured, {
      link,
      ...(seed % 5 === 0 ? { link: 'ethernet', vlans: [3, 4] } : {}),
    });
    const type = packets[0]?.linkType ?? linkType.ethernet;
    const file =
      seed % 3 === 1
        ? pcapng(packets, {
            bigEndian: seed % 2 === 0,
            interfaces: [{ linkType: type, resolution: 9 }],
            otherBlocks: true,
          })
        : pcap(packets, { bigEndian: seed % 2 === 0, nanoseconds: seed % 4 === 0 });
    save(folder, 'source', `traffic-${seed}`, file.subarray(0, maxBytes));
    // The last byte chooses options.
    save(folder, 'pipeline', `traffic-${seed}`, Buffer.concat([file.subarray(0, maxBytes), Buffer.from([seed * 21])]));
    const steps = decodeSteps(packets, type);
    if (steps) save(folder, 'decode', `traffic-${seed}`, steps);
    for (const conversation of conversations) {
      const name = `traffic-${seed}-${conversation.ends[0].port}`;
      const own = segments.filter((segment) => segment.ends === conversation.ends && segment.payload.length > 0);
      save(folder, 'http', name, httpSteps(own));
      save(folder, 'tcp', name, tcpSteps(conversation, captured));
    }
  }
}

function fromCorpus(folder: string, corpus: string): void {
  for (const name of readdirSync(corpus)) {
    const path = join(corpus, name);
    if (!statSync(path).isFile()) continue;
    const file = readFileSync(path);
    save(folder, 'source', name, file.subarray(0, maxBytes));
    save(folder, 'pipeline', name, Buffer.concat([file.subarray(0, maxBytes), Buffer.from([0])]));
    const packets = packetsOf(file);
    const steps = packets[0] && decodeSteps(packets, packets[0].type);
    if (steps) save(folder, 'decode', name, steps);
    const payloads = payloadsOf(packets).slice(0, 40);
    if (payloads.length) save(folder, 'http', name, httpSteps(payloads).subarray(0, maxBytes));
  }
}

const folder = process.argv[2];
if (!folder) throw new Error('usage: fuzz-seeds FOLDER');
fromTraffic(folder);
const corpus = join(root, '../shared/corpus/pcaps');
if (existsSync(corpus)) fromCorpus(folder, corpus);
for (const stage of readdirSync(folder)) console.log(`${stage}: ${readdirSync(join(folder, stage)).length} seeds`);
