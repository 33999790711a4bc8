import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import zlib from 'node:zlib';
import { openCompressed } from '../lib/compressed.js';

const folder = mkdtempSync(path.join(tmpdir(), 'flowtap-compressed-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array): string {
  const where = path.join(folder, name);
  writeFileSync(where, bytes);
  return where;
}

async function inside(where: string): Promise<Buffer> {
  const stream = openCompressed(where);
  assert.ok(stream);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const content = Buffer.from(
  Array.from({ length: 700_000 }, (_, i) => ((i * i) >> 7) ^ (Math.imul(i, 0x9e3779b1) >>> 24)),
);

/** Frames of raw blocks. */
function zstd(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 100_000) {
    const block = bytes.subarray(at, at + 100_000);
    const header = (block.length << 3) | 1;
    parts.push(Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x48, header & 255, (header >> 8) & 255, header >> 16), block);
  }
  return Buffer.concat(parts);
}

test('gzip, with several members, and zstd, with several frames', async () => {
  const members = [zlib.gzipSync(content.subarray(0, 300_000)), zlib.gzipSync(content.subarray(300_000))];
  assert.ok((await inside(file('a', Buffer.concat(members)))).equals(content));
  assert.ok((await inside(file('b', zstd(content)))).equals(content));
});

test('other files, none, and pipes are left to others', () => {
  assert.equal(openCompressed(file('c', Buffer.of(0xd4, 0xc3, 0xb2, 0xa1))), undefined);
  assert.equal(openCompressed(file('d', Buffer.alloc(0))), undefined);
  assert.equal(openCompressed(path.join(folder, 'none')), undefined);
  assert.equal(openCompressed(folder), undefined);
  const pipe = path.join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  assert.equal(openCompressed(pipe), undefined);
});

test('damage is ERR_FILE after what came before', async () => {
  for (const [name, bytes] of [
    ['gzip', zlib.gzipSync(content).subarray(0, -5000)],
    ['zstd', zstd(content).subarray(0, -5000)],
    ['zstd', Buffer.concat([zstd(content), Buffer.from('garbage!')])],
  ] as const) {
    const stream = openCompressed(file('damaged', bytes));
    assert.ok(stream);
    let length = 0;
    await assert.rejects(
      async () => {
        for await (const chunk of stream) length += chunk.length;
      },
      { code: 'ERR_FILE', message: new RegExp(`the ${name} data is damaged`) },
    );
    assert.ok(length >= 600_000, `${name}: ${length}`);
  }
});

test('leaving early lets go of the file', async () => {
  const stream = openCompressed(file('e', zlib.gzipSync(content)));
  assert.ok(stream);
  for await (const chunk of stream) {
    assert.ok(chunk.length > 0);
    break;
  }
});
