import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import { compareCounts, expectedCounts } from '../benchmarks/counts.js';
import { formatTable } from '../benchmarks/table.js';
import { ensureWorkload } from '../benchmarks/workloads/cache.js';
import {
  addDigest,
  emptyTotals,
  type MessageTotals,
  messageDigest,
  workloadNames,
} from '../benchmarks/workloads/truth.js';
import { generateWorkload } from '../benchmarks/workloads/workloads.js';
import { capture } from '../lib/index.js';

const scale = 0.003;
const folder = mkdtempSync(join(tmpdir(), 'flowtap-workloads-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Segment {
  from: string;
  to: string;
  sequence: number;
  acknowledgment: number;
  flags: number;
  payload: Buffer;
}

/** One's complement sum of 16-bit words, the slow and plain way. */
function checksum(...parts: Buffer[]): number {
  let sum = 0;
  for (const part of parts)
    for (let at = 0; at < part.length; at++) sum += (part[at] as number) << (at % 2 === 0 ? 8 : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

/** Reads the TCP segments of a classic pcap of Ethernet and IPv4, and checks its lengths, times and checksums on the way. */
function* readSegments(file: Buffer): Generator<Segment> {
  assert.equal(file.readUInt32LE(0), 0xa1b2c3d4);
  assert.equal(file.readUInt32LE(20), 1, 'Ethernet');
  let lastMicros = 0;
  for (let at = 24; at < file.length; ) {
    const micros = file.readUInt32LE(at) * 1e6 + file.readUInt32LE(at + 4);
    assert.ok(micros > lastMicros, 'times ascend');
    lastMicros = micros;
    const length = file.readUInt32LE(at + 8);
    assert.equal(file.readUInt32LE(at + 12), length);
    const ip = file.subarray(at + 16 + 14, at + 16 + length);
    at += 16 + length;
    assert.equal(ip.readUInt16BE(2), ip.length);
    assert.equal(checksum(ip.subarray(0, 20)), 0xffff, 'IPv4 checksum');
    const transport = ip.subarray(20);
    const pseudoHeader = Buffer.concat([ip.subarray(12, 20), Buffer.from([0, ip[9] as number, 0, 0])]);
    pseudoHeader.writeUInt16BE(transport.length, 10);
    assert.equal(checksum(pseudoHeader, transport), 0xffff, 'TCP or UDP checksum');
    if (ip[9] !== 6) continue;
    yield {
      from: `${ip.subarray(12, 16).join('.')}:${transport.readUInt16BE(0)}`,
      to: `${ip.subarray(16, 20).join('.')}:${transport.readUInt16BE(2)}`,
      sequence: transport.readUInt32BE(4),
      acknowledgment: transport.readUInt32BE(8),
      flags: transport[13] as number,
      payload: transport.subarray((transport.readUInt8(12) >> 4) * 4),
    };
  }
}

/** Each direction's bytes, of a capture in which all segments are in order; fails when they are not. */
function collectStreams(file: Buffer): Map<string, Buffer> {
  const streams = new Map<string, { next: number; pieces: Buffer[] }>();
  for (const { from, to, sequence, acknowledgment, flags, payload } of readSegments(file)) {
    const key = `${from} ${to}`;
    if (flags & 0x02) {
      assert.ok(!streams.has(key), 'no connection begins twice');
      streams.set(key, { next: (sequence + 1) >>> 0, pieces: [] });
    } else {
      const stream = streams.get(key);
      assert.ok(stream, 'a connection begins with SYN');
      assert.equal(sequence, stream.next, 'segments follow each other');
      if (payload.length > 0) stream.pieces.push(payload);
      stream.next = (sequence + payload.length + (flags & 0x01)) >>> 0;
      assert.equal(acknowledgment, streams.get(`${to} ${from}`)?.next, 'everything that was received is acknowledged');
    }
  }
  return new Map([...streams].map(([key, { pieces }]) => [key, Buffer.concat(pieces)]));
}

/** The messages of one direction, framed by Content-Length. */
function countMessages(stream: Buffer, totals: MessageTotals): void {
  for (let at = 0; at < stream.length; ) {
    const headEnd = stream.indexOf('\r\n\r\n', at) + 4;
    const [startLine = '', ...fields] = stream.toString('latin1', at, headEnd - 4).split('\r\n');
    const lengths = fields.filter((field) => /^content-length:/i.test(field));
    const bodyBytes = Number(lengths[0]?.split(':')[1] ?? 0);
    const body = stream.subarray(headEnd, headEnd + bodyBytes);
    const [first = '', second = ''] = startLine.split(' ');
    const isRequest = !startLine.startsWith('HTTP/1.1 ');
    if (isRequest) totals.requests++;
    else totals.responses++;
    totals.bodyBytes += body.length;
    totals.headBytes += headEnd - at;
    totals.headerFields += fields.length;
    const digest = isRequest
      ? messageDigest('request', `${first} ${second}`, bodyBytes, crc32(body))
      : messageDigest('response', second, bodyBytes, crc32(body));
    totals.digest = addDigest(totals.digest, digest);
    at = headEnd + bodyBytes;
  }
}

describe('workloads of the benchmarks', () => {
  it('are the same for the same seed and differ for another', () => {
    const digestOf = (seed: number) => {
      const path = join(folder, 'seed.pcap');
      generateWorkload('hostile', path, scale, seed);
      return createHash('sha256').update(readFileSync(path)).digest('hex');
    };
    const first = digestOf(7);
    assert.equal(digestOf(7), first);
    assert.notEqual(digestOf(8), first);
  });

  for (const name of ['api', 'short', 'many'] as const) {
    it(`${name}: an independent reader finds what the truth says`, () => {
      const { path, truth } = ensureWorkload(name, scale, 1, folder);
      const file = readFileSync(path);
      const totals = emptyTotals();
      const streams = collectStreams(file);
      for (const stream of streams.values()) countMessages(stream, totals);
      assert.deepEqual(totals, truth.complete);
      assert.equal(streams.size, 2 * truth.connections);
      assert.equal(file.length, truth.file.bytes);
      assert.equal(
        [...streams.values()].reduce((sum, stream) => sum + stream.length, 0),
        truth.streamBytes,
      );
    });
  }

  it('hostile: the bytes that are in no segment are the missing ones', () => {
    const { path, truth } = ensureWorkload('hostile', 0.05, 1, folder);
    const { impaired, sent, complete } = truth;
    assert.ok(
      impaired.lost > 5 && impaired.reordered > 500 && impaired.retransmitted > 200 && impaired.overlapping > 100,
    );
    const incomplete = sent.requests + sent.responses - complete.requests - complete.responses;
    assert.ok(incomplete > 0 && incomplete <= impaired.lost);

    const ranges = new Map<string, [start: number, end: number][]>();
    const starts = new Map<string, number>();
    for (const { from, to, sequence, flags, payload } of readSegments(readFileSync(path))) {
      const key = `${from} ${to}`;
      if (flags & 0x02) starts.set(key, sequence + 1);
      const start = (sequence - (starts.get(key) ?? Number.NaN)) >>> 0;
      if (payload.length === 0) continue;
      const list = ranges.get(key) ?? [];
      ranges.set(key, list);
      list.push([start, start + payload.length]);
    }
    let seen = 0;
    for (const list of ranges.values()) {
      let end = 0;
      for (const [from, to] of list.sort((a, b) => a[0] - b[0])) {
        seen += Math.max(0, to - Math.max(from, end));
        end = Math.max(end, to);
      }
    }
    assert.equal(seen, truth.streamBytes);
  });

  it('are of a truth that adds up', () => {
    for (const name of workloadNames) {
      const { truth } = ensureWorkload(name, scale, 1, folder);
      assert.equal(truth.sent.requests, truth.sent.responses);
      assert.ok(truth.complete.requests > 0 && truth.complete.requests <= truth.sent.requests);
      if (name !== 'hostile') {
        assert.equal(truth.missingBytes, 0);
        assert.equal(truth.complete.responses, truth.sent.responses);
      }
      if (name !== 'noise' && name !== 'hostile' && name !== 'bulk')
        assert.equal(truth.complete.bodyBytes + truth.complete.headBytes, truth.streamBytes);
    }
  });

  for (const name of workloadNames) {
    it(`${name}: the library delivers exactly the complete messages`, async () => {
      const { path, truth } = ensureWorkload(name, name === 'hostile' ? 0.05 : scale, 1, folder);
      const totals = emptyTotals();
      for await (const message of capture({ file: path, port: truth.port })) {
        if (message.integrity !== 'complete') continue;
        const { head, headers, body } = message;
        assert.ok(body);
        if (message.kind === 'request') totals.requests++;
        else totals.responses++;
        totals.bodyBytes += message.bodyLength;
        totals.headBytes += head.length;
        totals.headerFields += headers.raw.length;
        const start = message.kind === 'request' ? `${message.method} ${message.target}` : `${message.status}`;
        totals.digest = addDigest(totals.digest, messageDigest(message.kind, start, message.bodyLength, crc32(body)));
      }
      assert.deepEqual(totals, truth.complete);
    });
  }
});

describe('benchmark checks', () => {
  it('tell a wrong count', () => {
    const { truth } = ensureWorkload('api', scale, 1, folder);
    const expected = expectedCounts(truth);
    const right = { packets: truth.file.packets, messages: truth.sent.requests + truth.sent.responses };
    assert.equal(compareCounts(right, expected), '');
    assert.match(
      compareCounts({ ...right, requests: truth.sent.requests - 1 }, expected),
      /^requests \d+ instead of \d+$/,
    );
  });

  it('print no speed for a row that failed', () => {
    const row = { id: 'pipeline', title: 'native pipeline', measure: () => Promise.reject(new Error('unused')) };
    const good = { row: { ...row, id: 'tcpflow', title: 'tcpflow' }, seconds: [9, 8, 10], peakKiB: 2048, failure: '' };
    const table = formatTable(
      [{ row, seconds: [1], peakKiB: 1024, failure: 'packets 1 instead of 2' }, good],
      9e6,
      90,
      [],
    );
    const [, , failed, measured] = table.split('\n');
    assert.match(failed as string, /FAILED: packets 1 instead of 2 \|( +\|)+$/);
    assert.match(measured as string, /9\.000 \(8\.000–10\.000\) \| +1\.00 \| +10\.0 \| +1\.00 \|/);
  });
});
