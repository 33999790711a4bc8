import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import zlib from 'node:zlib';
import { decompress, isCompressedFile } from '../lib/compressed.js';
import { zstd } from './support/zstd.js';

const folder = mkdtempSync(path.join(tmpdir(), 'flowtap-compressed-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array): string {
  const where = path.join(folder, name);
  writeFileSync(where, bytes);
  return where;
}

/** In pieces whose memory is used again. */
async function* piecesOf(bytes: Uint8Array, length: number): AsyncIterable<Uint8Array> {
  const memory = Buffer.alloc(length);
  for (let at = 0; at < bytes.length; at += length) {
    const piece = bytes.subarray(at, at + length);
    memory.set(piece);
    yield memory.subarray(0, piece.length);
    memory.fill(0xee);
  }
}

async function inside(bytes: Uint8Array, pieceLength = 60_000): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of decompress(piecesOf(bytes, pieceLength), 'it')) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const content = Buffer.from(
  Array.from({ length: 700_000 }, (_, i) => ((i * i) >> 7) ^ (Math.imul(i, 0x9e3779b1) >>> 24)),
);

test('gzip, with several members, and zstd, with several frames', async () => {
  const members = [zlib.gzipSync(content.subarray(0, 300_000)), zlib.gzipSync(content.subarray(300_000))];
  assert.ok((await inside(Buffer.concat(members))).equals(content));
  assert.ok((await inside(zstd(content))).equals(content));
});

test('in pieces of one byte, and all at once', async () => {
  const few = content.subarray(0, 3000);
  for (const bytes of [zlib.gzipSync(few), zstd(few), few])
    for (const length of [1, bytes.length]) assert.ok((await inside(bytes, length)).equals(few));
});

test('what is not compressed, or shorter than any magic number, stays as it is', async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.of(0x28, 0xb5), Buffer.of(1, 2, 3, 4), content])
    assert.ok((await inside(bytes)).equals(bytes));
});

test('files are told by their first bytes; none, folders and pipes are left to others', () => {
  assert.equal(isCompressedFile(file('a', zlib.gzipSync(content))), true);
  assert.equal(isCompressedFile(file('b', zstd(content))), true);
  assert.equal(isCompressedFile(file('c', Buffer.of(0xd4, 0xc3, 0xb2, 0xa1))), false);
  assert.equal(isCompressedFile(file('d', Buffer.alloc(0))), false);
  assert.equal(isCompressedFile(path.join(folder, 'none')), false);
  assert.equal(isCompressedFile(folder), false);
  const pipe = path.join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  assert.equal(isCompressedFile(pipe), false);
});

test('damage is ERR_FILE after what came before', async () => {
  for (const [name, bytes] of [
    ['gzip', zlib.gzipSync(content).subarray(0, -5000)],
    ['zstd', zstd(content).subarray(0, -5000)],
    ['zstd', Buffer.concat([zstd(content), Buffer.from('garbage!')])],
  ] as const) {
    let length = 0;
    await assert.rejects(
      async () => {
        for await (const chunk of decompress(piecesOf(bytes, 60_000), 'it')) length += chunk.length;
      },
      { code: 'ERR_FILE', message: new RegExp(`^it: the ${name} data is damaged`) },
    );
    assert.ok(length >= 600_000, `${name}: ${length}`);
  }
});

test('an error of the stream is passed on', async () => {
  const failure = new Error('the disk is gone');
  async function* failing(): AsyncIterable<Uint8Array> {
    yield zlib.gzipSync(content).subarray(0, 5000);
    throw failure;
  }
  await assert.rejects(
    async () => {
      for await (const _ of decompress(failing(), 'it'));
    },
    (error) => error === failure,
  );
});
