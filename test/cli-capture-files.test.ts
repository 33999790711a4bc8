import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { flowtapHere, pcapOf } from './cli-support.js';
import { temporaryFolder } from './support/environment.js';

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

function folderOf(files: readonly Buffer[], suffix = ''): string {
  const folder = temporaryFolder();
  files.forEach((bytes, i) => {
    writeFileSync(path.join(folder, `day-${i}.pcap${suffix}`), bytes);
  });
  return folder;
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

test('what cannot be joined is told, behind what came before', async () => {
  const other = Buffer.from(whole);
  other.writeUInt32LE(101, 20);
  for (const [second, words] of [
    [other, /link type: mergecap/],
    [Buffer.from('short'), /no capture file/],
  ] as const) {
    const folder = folderOf([whole, second]);
    const { code, stdout, stderr } = await flowtapHere(['-r', path.join(folder, 'day-*.pcap'), '--json']);
    assert.equal(code, 1);
    assert.match(stderr, words);
    assert.equal(stdout, await expected());
  }
});

test('nothing matches; standard input is one capture', async () => {
  assert.match((await flowtapHere(['-r', '/nowhere-at-all/*.pcap'])).stderr, /nowhere-at-all/);
  const { code, stderr } = await flowtapHere(['-r', '-', '-r', 'x.pcap']);
  assert.equal(code, 2);
  assert.match(stderr, /-r - excludes other files/);
});
