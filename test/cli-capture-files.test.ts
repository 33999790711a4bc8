import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { CaptureFiles } from '../lib/cli/capture-files.js';
import { WholeRecords } from '../lib/cli/whole-records.js';
import { flowtap, flowtapHere, pcapOf } from './cli-support.js';
import { temporaryFolder } from './support/environment.js';
import { zstd } from './support/zstd.js';

const response = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const whole = pcapOf([
  ['/a', '/b', '/c'].map((target) => ({ request: `GET ${target} HTTP/1.1\r\nHost: example.test\r\n\r\n`, response })),
]);

/** The capture in pieces of so many packets, each a file of its own. */
function pieces(packets: number): Buffer[] {
  const header = whole.subarray(0, 24);
  const files: Buffer[][] = [];
  for (let at = 24, count = 0; at < whole.length; count++) {
    const end = at + 16 + whole.readUInt32LE(at + 8);
    if (count % packets === 0) files.push([header]);
    files.at(-1)?.push(whole.subarray(at, end));
    at = end;
  }
  return files.map((parts) => Buffer.concat(parts));
}

const folders = temporaryFolder();

function folderOf(files: readonly Buffer[], suffix = ''): string {
  const folder = mkdtempSync(path.join(folders, 'files-'));
  files.forEach((bytes, i) => {
    writeFileSync(path.join(folder, `day-${i}.pcap${suffix}`), bytes);
  });
  return folder;
}

/** The same packets as pcapng. */
function pcapngOf(pcap: Buffer): Buffer {
  const block = (type: number, body: Buffer): Buffer => {
    const length = 12 + Math.ceil(body.length / 4) * 4;
    const bytes = Buffer.alloc(length);
    bytes.writeUInt32LE(type, 0);
    bytes.writeUInt32LE(length, 4);
    body.copy(bytes, 8);
    bytes.writeUInt32LE(length, length - 4);
    return bytes;
  };
  const ethernet = Buffer.from([1, 0, 0, 0, 0, 0, 4, 0]);
  const blocks = [block(0x0a0d0d0a, Buffer.from('4d3c2b1a01000000ffffffffffffffff', 'hex')), block(1, ethernet)];
  for (const { us, packet } of packetsOf(pcap)) {
    const fields = Buffer.alloc(20);
    fields.writeUInt32LE(Number(us >> 32n), 4);
    fields.writeUInt32LE(Number(us & 0xffffffffn), 8);
    fields.writeUInt32LE(packet.length, 12);
    fields.writeUInt32LE(packet.length, 16);
    blocks.push(block(6, Buffer.concat([fields, packet])));
  }
  return Buffer.concat(blocks);
}

function* packetsOf(pcap: Buffer): Generator<{ us: bigint; packet: Buffer }> {
  for (let at = 24; at < pcap.length; at += 16 + pcap.readUInt32LE(at + 8)) {
    const us = BigInt(pcap.readUInt32LE(at)) * 1_000_000n + BigInt(pcap.readUInt32LE(at + 4));
    yield { us, packet: pcap.subarray(at + 16, at + 16 + pcap.readUInt32LE(at + 8)) };
  }
}

/** The same packets in the other byte order. */
function swapped(pcap: Buffer): Buffer {
  const bytes = Buffer.from(pcap);
  bytes.subarray(0, 4).swap32();
  bytes.subarray(4, 8).swap16();
  bytes.subarray(8, 24).swap32();
  for (let at = 24; at < pcap.length; at += 16 + pcap.readUInt32LE(at + 8)) bytes.subarray(at, at + 16).swap32();
  return bytes;
}

/** The same an hour later, by other ports, so that they are other connections. */
function laterThan(pcap: Buffer): Buffer {
  const bytes = Buffer.from(pcap);
  for (const { packet } of packetsOf(bytes)) {
    const at = packet.readUInt16BE(34) === 8000 ? 36 : 34;
    packet.writeUInt16BE(packet.readUInt16BE(at) + 1000, at);
  }
  for (let at = 24; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 8))
    bytes.writeUInt32LE(bytes.readUInt32LE(at) + 3600, at);
  return bytes;
}

const expected = async (): Promise<string> => {
  const folder = folderOf([whole]);
  return (await flowtapHere(['-r', path.join(folder, 'day-0.pcap'), '--json'])).stdout;
};

test('connections go on from one file to the next', async () => {
  const folder = folderOf(pieces(4));
  const names = pieces(4).flatMap((_, i) => ['-r', path.join(folder, `day-${i}.pcap`)]);
  const { code, stdout, stderr } = await flowtapHere([...names, '--json']);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, await expected());
  assert.match(stderr, /^flowtap: reading .*day-0\.pcap, .*day-1\.pcap/);
});

test('a glob names them in order', async () => {
  const folder = folderOf(pieces(3));
  assert.equal((await flowtapHere(['-r', path.join(folder, 'day-?.pcap'), '--json'])).stdout, await expected());
  assert.equal((await flowtapHere(['-r', path.join(folder, '*'), '--json'])).stdout, await expected());
});

test('a file whose name is a glob is that file', async () => {
  const folder = temporaryFolder();
  writeFileSync(path.join(folder, 'day*.pcap'), whole);
  writeFileSync(path.join(folder, 'day2.pcap'), 'no capture');
  assert.equal((await flowtapHere(['-r', path.join(folder, 'day*.pcap'), '--json'])).stdout, await expected());
});

test('gzip', async () => {
  const folder = folderOf(
    pieces(5).map((bytes) => gzipSync(bytes)),
    '.gz',
  );
  assert.equal((await flowtapHere(['-r', path.join(folder, '*.gz'), '--json'])).stdout, await expected());
});

test('what cannot be joined is told before anything is done', async () => {
  const other = Buffer.from(whole);
  other.writeUInt32LE(101, 20);
  for (const [second, words] of [
    [other, /day-1\.pcap .*link type: mergecap/],
    [pcapngOf(whole), /day-1\.pcap .*format.*: mergecap/],
    [Buffer.from('short'), /day-1\.pcap is no capture file/],
    [Buffer.alloc(100, 'x'), /day-1\.pcap is no capture file/],
  ] as const) {
    const folder = folderOf([whole, second]);
    const har = path.join(folder, 'x.har');
    const { code, stdout, stderr } = await flowtapHere(['-r', path.join(folder, 'day-*.pcap'), '--json', '--har', har]);
    assert.equal(code, 1);
    assert.match(stderr, words);
    assert.equal(stdout, '');
    assert.equal(existsSync(har), false);
  }
});

test('a missing file and a folder are told before anything is done', async () => {
  const folder = folderOf([whole]);
  const first = path.join(folder, 'day-0.pcap');
  mkdirSync(path.join(folder, 'day-1.pcap'));
  for (const [name, words] of [
    ['none.pcap', /^flowtap: .*none\.pcap: there is no such file\n$/],
    ['day-1.pcap', /^flowtap: .*day-1\.pcap is a folder\n$/],
  ] as const) {
    const { code, stdout, stderr } = await flowtapHere(['-r', first, '-r', path.join(folder, name), '--json']);
    assert.equal(code, 1);
    assert.match(stderr, words);
    assert.equal(stdout, '');
  }
});

test('a file that was cut off does not take along what is behind it', async () => {
  for (const form of [(bytes: Buffer) => bytes, pcapngOf]) {
    for (const cut of [1, 4, 60]) {
      // In the middle of a conversation, so that nothing is lost but the last packet, an acknowledgment.
      const [first = whole, second = whole] = pieces(9).map(form);
      const folder = folderOf([first.subarray(0, -cut), second]);
      const { code, stdout, stderr } = await flowtapHere(['-r', path.join(folder, '*'), '--json']);
      assert.equal(stdout.split('\n').length, 7, stderr);
      assert.match(stderr, /day-0\.pcap is cut off: its last \d+ bytes are left out\n/);
      assert.match(stderr, /6 messages/);
      assert.equal(code, 1);
    }
  }
});

test('cut off between two packets is not cut off', async () => {
  const folder = folderOf(pieces(5).map(pcapngOf));
  const { code, stdout } = await flowtapHere(['-r', path.join(folder, '*'), '--json']);
  assert.equal(code, 0);
  assert.equal(stdout, await expected());
});

test('a file that is empty, damaged, or of which the compressed data ends early', async () => {
  const damaged = Buffer.concat([whole, Buffer.alloc(64, 0xff)]);
  for (const [first, words, messages] of [
    [Buffer.alloc(0), /day-0\.pcap is empty\n/, 6],
    [gzipSync(whole).subarray(0, 12), /day-0\.pcap: the gzip data is damaged .*: from there on it is left out\n/, 6],
    [damaged, /day-0\.pcap is damaged at byte \d+: from there on it is left out\n/, 12],
    [gzipSync(whole).subarray(0, -4), /day-0\.pcap: the gzip data is damaged .*: from there on it is left out\n/, 12],
  ] as const) {
    const folder = folderOf([first, laterThan(whole)]);
    const { code, stdout, stderr } = await flowtapHere(['-r', path.join(folder, '*'), '--json']);
    assert.match(stderr, words);
    assert.equal(stdout.split('\n').length - 1, messages, stderr);
    assert.equal(code, 1);
  }
});

test('zstd, also beside what is not compressed', async () => {
  const [first = whole, ...others] = pieces(5);
  const folder = folderOf([zstd(first), ...others]);
  const { code, stdout, stderr } = await flowtapHere(['-r', path.join(folder, '*'), '--json']);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, await expected());
});

test('pipes, compressed or not', async () => {
  const folder = folderOf(pieces(9));
  const wrapper = ['bash', '-c', 'exec "$@" -r <(cat "$0/day-0.pcap") -r <(gzip -c "$0/day-1.pcap") --json', folder];
  const { code, stdout, stderr } = await flowtap(['--no-color'], { wrapper });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, await expected());
});

test('nothing is told of a pipe that nobody wants to read any more', { timeout: 30_000 }, async () => {
  const pipe = path.join(folderOf([]), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const lines: string[] = [];
  const files = await CaptureFiles.open([pipe, pipe], { keepOpen: false, say: (line) => lines.push(line) });
  const reading = files[Symbol.asyncIterator]().next();
  const writer = await open(pipe, 'w');
  files.destroy();
  await writer.close();
  assert.equal((await reading).done, true);
  assert.deepEqual(lines, []);
});

test('records are told however they are cut into chunks', () => {
  for (const bytes of [whole, swapped(whole), pcapngOf(whole)]) {
    for (const length of [1, 7, 61, 1000, bytes.length]) {
      const records = WholeRecords.of(bytes.subarray(0, 24));
      assert.ok(records);
      const parts: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += length) parts.push(records.push(bytes.subarray(at, at + length)));
      assert.equal(records.damaged, false);
      assert.equal(records.rest, 0);
      assert.deepEqual(Buffer.concat(parts), bytes);
    }
  }
});

test('nothing matches; standard input is one capture', async () => {
  assert.match((await flowtapHere(['-r', '/nowhere-at-all/*.pcap'])).stderr, /nowhere-at-all/);
  const { code, stderr } = await flowtapHere(['-r', '-', '-r', 'x.pcap']);
  assert.equal(code, 2);
  assert.match(stderr, /-r - excludes other files/);
});
