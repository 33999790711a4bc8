import { createReadStream, createWriteStream } from 'node:fs';
import { lutimes, rm, stat, unlink } from 'node:fs/promises';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import type { Compression } from './options.js';

/** Not in the types of the oldest Node.js. */
const { createZstdCompress } = zlib as { createZstdCompress?: () => Transform };

/**
 * Puts a compressed file in the place of one, under the same name with the extension behind it, with the same time of modification.
 * A file that cannot be compressed stays.
 * @throws what the system says
 */
export async function compressFile(path: string, compression: Compression, replace: boolean): Promise<string> {
  const compressed = `${path}.${compression}`;
  const { atimeMs, mtimeMs } = await stat(path);
  // What is there may be a link, which is not to be followed.
  if (replace) await rm(compressed, { force: true });
  try {
    const target = createWriteStream(compressed, { flags: 'wx' });
    await pipeline(createReadStream(path), compressor(compression), target);
    await lutimes(compressed, atimeMs / 1000, mtimeMs / 1000);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await unlink(compressed).catch(() => {});
    throw error;
  }
  await unlink(path);
  return compressed;
}

function compressor(compression: Compression): Transform {
  if (compression === 'gz') return zlib.createGzip();
  if (createZstdCompress === undefined) throw new Error('zst needs Node.js 22.15 or later');
  return createZstdCompress();
}
