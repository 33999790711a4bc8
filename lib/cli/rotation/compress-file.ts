import { createReadStream, createWriteStream } from 'node:fs';
import { lutimes, rm, stat, unlink } from 'node:fs/promises';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Compression } from './options.js';
import { zstdCompressor } from './zstd-compressor.js';

/**
 * Puts a compressed file in the place of one, under the same name with the extension behind it, with the same mode and
 * time of modification.
 * A file that cannot be compressed stays.
 * @throws what the system says
 */
export async function compressFile(path: string, compression: Compression, replace: boolean): Promise<string> {
  const compressed = `${path}.${compression}`;
  const { atimeMs, mtimeMs, mode } = await stat(path);
  // What is there may be a link, which is not to be followed.
  if (replace) await rm(compressed, { force: true });
  try {
    const target = createWriteStream(compressed, { flags: 'wx', mode: mode & 0o777 });
    await pipeline(createReadStream(path), await compressor(compression), target);
    await lutimes(compressed, atimeMs / 1000, mtimeMs / 1000);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await unlink(compressed).catch(() => {});
    throw error;
  }
  await unlink(path);
  return compressed;
}

async function compressor(compression: Compression): Promise<Transform> {
  return compression === 'gz' ? createGzip() : zstdCompressor();
}
