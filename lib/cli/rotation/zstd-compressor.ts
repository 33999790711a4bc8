/** Compresses to Zstandard (RFC 8878): with Node.js where it can, else with the library that npm installs for it. */
import { createRequire } from 'node:module';
import { Transform } from 'node:stream';
import zlib from 'node:zlib';

/** Not in the types of the oldest Node.js, which does not have it: 22.15 was the first. */
const { createZstdCompress } = zlib as { createZstdCompress?: () => Transform };

/** Bytes that are compressed at a time, each into a frame of its own; a file may have several (RFC 8878, 3). */
const frameBytes = 1024 * 1024;

const library = '@hpcc-js/wasm-zstd';

/** Why it cannot; undefined when it can. */
export function whyNoZstd(): string | undefined {
  if (createZstdCompress !== undefined) return undefined;
  try {
    createRequire(import.meta.url).resolve(library);
    return undefined;
  } catch {
    return `zst needs the package ${library}, or Node.js 22.15 or later, this is ${process.version}; gz goes without`;
  }
}

export async function zstdCompressor(): Promise<Transform> {
  if (createZstdCompress !== undefined) return createZstdCompress();
  const compress = await loadLibrary();
  let pending: Buffer[] = [];
  let length = 0;
  const take = (): Uint8Array => {
    const frame = compress(Buffer.concat(pending, length));
    pending = [];
    length = 0;
    return frame;
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      pending.push(chunk);
      length += chunk.length;
      done(null, length < frameBytes ? undefined : take());
    },
    flush(done) {
      // A file of nothing is a frame of nothing.
      done(null, take());
    },
  });
}

async function loadLibrary(): Promise<(bytes: Uint8Array) => Uint8Array> {
  const { Zstd } = await import('@hpcc-js/wasm-zstd');
  const zstd = await Zstd.load();
  return (bytes) => zstd.compress(bytes);
}
