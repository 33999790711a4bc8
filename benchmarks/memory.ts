/**
 * Peak memory under attack: a SYN flood, and connections that are sent out of order for ever. Traffic is made on the fly, and read by a
 * capture in a process of its own.
 *
 *   node --import tsx benchmarks/memory.ts [--sources N] [--segments N] [NAME...]
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type CaptureOptions, capture } from '../lib/index.js';

const flag = { syn: 2, ack: 16 };
const mib = 1024 * 1024;
const blockBytes = 256 * 1024;

/** Writes packets of Ethernet, IPv4 and TCP into blocks of a capture file. */
class Writer {
  #block = Buffer.alloc(blockBytes);
  #at = 0;
  /** Nanoseconds. */
  time = 1_700_000_000_000_000_000n;

  header(): Buffer {
    const header = Buffer.alloc(24);
    header.writeUInt32LE(0xa1b23c4d, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(262144, 16);
    header.writeUInt32LE(1, 20);
    return header;
  }

  fits(payloadBytes: number): boolean {
    return this.#at + 16 + 54 + payloadBytes <= blockBytes;
  }

  take(): Buffer {
    const block = this.#block.subarray(0, this.#at);
    this.#block = Buffer.alloc(blockBytes);
    this.#at = 0;
    return block;
  }

  packet(
    source: number,
    target: number,
    ports: number,
    sequence: number,
    acknowledgment: number,
    bits: number,
    payload: Uint8Array,
  ): void {
    const block = this.#block;
    let at = this.#at;
    const length = 54 + payload.length;
    block.writeUInt32LE(Number(this.time / 1_000_000_000n), at);
    block.writeUInt32LE(Number(this.time % 1_000_000_000n), at + 4);
    block.writeUInt32LE(length, at + 8);
    block.writeUInt32LE(length, at + 12);
    at += 16;
    block.fill(2, at, at + 12);
    block.writeUInt16BE(0x0800, at + 12);
    at += 14;
    block.writeUInt32BE((0x45000000 | (40 + payload.length)) >>> 0, at);
    block.writeUInt32BE(0, at + 4);
    block.writeUInt32BE(0x40060000, at + 8);
    block.writeUInt32BE(source >>> 0, at + 12);
    block.writeUInt32BE(target >>> 0, at + 16);
    at += 20;
    block.writeUInt32BE(ports >>> 0, at);
    block.writeUInt32BE(sequence >>> 0, at + 4);
    block.writeUInt32BE(acknowledgment >>> 0, at + 8);
    block.writeUInt32BE(0x50000000 | (bits << 16) | 0xffff, at + 12);
    block.writeUInt32BE(0, at + 16);
    block.set(payload, at + 20);
    this.#at = at + 20 + payload.length;
  }
}

const none = Buffer.alloc(0);
const server = 0x0a000001;
const request = Buffer.from('GET /still/here HTTP/1.1\r\nHost: example.test\r\n\r\n');
const response = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');

/** Keep-alive connections that were there before. */
class Established {
  readonly #sent: [number, number][] = [];
  requests = 0;

  constructor(readonly count: number) {
    for (let i = 0; i < count; i++) this.#sent.push([1, 1]);
  }

  *open(writer: Writer): Generator<Buffer> {
    for (let i = 0; i < this.count; i++) {
      if (!writer.fits(0)) yield writer.take();
      const { client, toServer, toClient } = this.#ends(i);
      writer.packet(client, server, toServer, 0, 0, flag.syn, none);
      writer.packet(server, client, toClient, 0, 1, flag.syn | flag.ack, none);
      writer.packet(client, server, toServer, 1, 1, flag.ack, none);
    }
    yield* this.talk(writer);
  }

  *talk(writer: Writer): Generator<Buffer> {
    for (let i = 0; i < this.count; i++) {
      if (!writer.fits(1000)) yield writer.take();
      const { client, toServer, toClient } = this.#ends(i);
      const sent = this.#sent[i] as [number, number];
      writer.packet(client, server, toServer, sent[0], sent[1], flag.ack, request);
      sent[0] += request.length;
      writer.packet(server, client, toClient, sent[1], sent[0], flag.ack, response);
      sent[1] += response.length;
      writer.time += 1000n;
      this.requests++;
    }
  }

  #ends(i: number) {
    const port = 10_000 + (i % 50_000);
    return { client: 0x0b000000 + i, toServer: (port << 16) | 80, toClient: (80 << 16) | port };
  }
}

const established = new Established(1000);

/** SYNs of as many sources, a microsecond apart; in between, those who were there go on. */
function* synFlood(sources: number): Generator<Buffer> {
  const writer = new Writer();
  yield writer.header();
  yield* established.open(writer);
  const talkEvery = Math.max(1, Math.floor(sources / 20));
  for (let i = 0; i < sources; i++) {
    if (!writer.fits(0)) yield writer.take();
    // Scattered, all different.
    const source = Math.imul(i, 2654435761) >>> 0;
    writer.packet(source, server, ((1024 + (i % 60_000)) << 16) | 80, i, 0, flag.syn, none);
    writer.time += 1000n;
    if ((i + 1) % talkEvery === 0) yield* established.talk(writer);
  }
  yield writer.take();
}

/** Every segment stands one segment further ahead than the next byte: there is always a hole before it, and nothing fills it. */
function* outOfOrder(segments: number, connections: number): Generator<Buffer> {
  const writer = new Writer();
  yield writer.header();
  yield* established.open(writer);
  const payload = Buffer.alloc(1448, 0x78);
  const talkEvery = Math.max(1, Math.floor(segments / 20));
  for (let i = 0; i < segments; i++) {
    if (!writer.fits(payload.length)) yield writer.take();
    const turn = Math.floor(i / connections);
    const at = 1 + payload.length + turn * 2 * payload.length;
    writer.packet(0x0c000000 + (i % connections), server, (30_000 << 16) | 80, at, 1, flag.ack, payload);
    writer.time += 1000n;
    if ((i + 1) % talkEvery === 0) yield* established.talk(writer);
  }
  yield writer.take();
}

/** Heads that never end, of 20,000 connections at a time, 50 KB each. */
function* endlessHeads(): Generator<Buffer> {
  const writer = new Writer();
  yield writer.header();
  yield* established.open(writer);
  const connections = 20_000;
  const line = Buffer.from(`X-Field: ${'a'.repeat(1400)}\r\n`);
  const start = Buffer.concat([Buffer.from('GET / HTTP/1.1\r\n'), line]);
  for (let turn = 0; turn < 36; turn++) {
    const payload = turn === 0 ? start : line;
    const at = turn === 0 ? 1 : 1 + start.length + (turn - 1) * line.length;
    for (let i = 0; i < connections; i++) {
      if (!writer.fits(payload.length)) yield writer.take();
      writer.packet(0x0c000000 + i, server, (30_000 << 16) | 80, at, 1, flag.ack, payload);
      writer.time += 1000n;
    }
    yield* established.talk(writer);
  }
  yield writer.take();
}

interface Scenario {
  traffic: (counts: { sources: number; segments: number }) => Generator<Buffer>;
  options: Partial<CaptureOptions>;
}

const scenarios: Record<string, Scenario> = {
  'nothing but those who were there': { traffic: () => synFlood(0), options: {} },
  'SYN flood': { traffic: ({ sources }) => synFlood(sources), options: {} },
  'SYN flood, maxConnections 100,000': {
    traffic: ({ sources }) => synFlood(sources),
    options: { maxConnections: 100_000 },
  },
  'out of order for ever, 1 connection': { traffic: ({ segments }) => outOfOrder(segments, 1), options: {} },
  'out of order for ever, 10,000 connections': { traffic: ({ segments }) => outOfOrder(segments, 10_000), options: {} },
  'out of order for ever, 10,000 connections, maxBufferedBytes 32 MiB': {
    traffic: ({ segments }) => outOfOrder(segments, 10_000),
    options: { maxBufferedBytes: 32 * mib },
  },
  'heads that never end, 20,000 connections': { traffic: () => endlessHeads(), options: {} },
};

/** One scenario in this process; prints a line of JSON. */
async function run(name: string, counts: { sources: number; segments: number }): Promise<void> {
  const { traffic, options } = scenarios[name] as Scenario;
  const tap = capture({ ...options, stream: blocks(traffic(counts)) });
  let messages = 0;
  for await (const message of tap) if (message.integrity === 'complete') messages++;
  const { packets, tcp } = tap.stats();
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  const { connectionsEvicted, evictedBytes, missingBytes } = tcp;
  const expected = established.requests * 2;
  console.log(
    JSON.stringify({
      packets: packets.received,
      peakMiB,
      messages,
      expected,
      connectionsEvicted,
      evictedBytes,
      missingBytes,
    }),
  );
}

async function* blocks(traffic: Generator<Buffer>): AsyncGenerator<Buffer> {
  for (const block of traffic) yield block;
}

const { values, positionals } = parseArgs({
  options: {
    sources: { type: 'string', default: '10000000' },
    segments: { type: 'string', default: '1000000' },
    scenario: { type: 'string' },
  },
  allowPositionals: true,
});
const counts = { sources: Number(values.sources), segments: Number(values.segments) };
if (values.scenario !== undefined) await run(values.scenario, counts);
else {
  const names = Object.keys(scenarios).filter(
    (name) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
  );
  let failed = false;
  for (const name of names) {
    const started = performance.now();
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [
        '--import',
        'tsx',
        fileURLToPath(import.meta.url),
        ...['--scenario', name],
        ...['--sources', values.sources],
        ...['--segments', values.segments],
      ],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`${name}: ${stderr}`);
    const result = JSON.parse(stdout);
    const followed = result.messages === result.expected;
    if (!followed) failed = true;
    console.log(
      `${name}: peak ${result.peakMiB.toFixed(0)} MiB, ${result.packets} packets in ${((performance.now() - started) / 1000).toFixed(1)} s; ` +
        `${result.messages} of ${result.expected} messages of those who were there${followed ? '' : ' (SOME ARE MISSING)'}; ` +
        `evicted ${result.connectionsEvicted} connections, ${result.evictedBytes} bytes; missing ${result.missingBytes} bytes`,
    );
  }
  if (failed) process.exitCode = 1;
}
