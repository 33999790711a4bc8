/** Compressed capture files, as streams of what is inside. */
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { CaptureError } from './errors.js';
import { ZstdDecoder } from './zstd.js';

/** zstd's own limit without --long. */
const maxWindowBytes = 128 * 1024 * 1024;

/**
 * The uncompressed bytes of a `.gz` or `.zst` file, told by its first bytes; undefined when it is neither, cannot be read
 * (whoever opens it then says why) or is not an ordinary file (opening a pipe can block).
 */
export function openCompressed(path: string): AsyncIterable<Uint8Array> | undefined {
  const magic = Buffer.alloc(4);
  try {
    if (!statSync(path).isFile()) return undefined;
    const file = openSync(path, 'r');
    try {
      readSync(file, magic, 0, 4, 0);
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
  if (magic[0] === 0x1f && magic[1] === 0x8b) return gunzip(path);
  const number = magic.readUInt32LE(0);
  if (number === 0xfd2fb528 || (number & 0xfffffff0) >>> 0 === 0x184d2a50) return unzstd(path);
  return undefined;
}

async function* gunzip(path: string): AsyncIterable<Uint8Array> {
  // Gunzip goes on with the next member of a file of several (RFC 1952, 2.2). It is read empty after each write, because a stream
  // that fails throws away what it has decoded and nobody has read yet. What one write decodes to is bounded by its size (a
  // thousandfold), so that it need not bound it itself, and each write completes.
  const decoder = createGunzip({ chunkSize: 256 * 1024, ...{ highWaterMark: 2 ** 30 } });
  let wake = (): void => {};
  let failure: unknown;
  decoder.on('error', (error) => {
    failure = error;
    wake();
  });
  const settled = (start: (done: () => void) => void): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      if (failure === undefined) start(resolve);
      else resolve();
    });
  function* decoded(): Iterable<Buffer> {
    for (let part = decoder.read(); part !== null; part = decoder.read()) yield part as Buffer;
  }
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 32 * 1024 })) {
      await settled((done) => decoder.write(chunk, done));
      yield* decoded();
      if (failure !== undefined) throw failure;
    }
    await settled((done) => {
      decoder.once('end', done);
      // The end is only reached by reading to it.
      decoder.once('readable', () => decoder.read());
      decoder.end();
    });
    if (failure !== undefined) throw failure;
  } catch (error) {
    throw damaged(path, 'gzip', error);
  } finally {
    decoder.destroy();
  }
}

async function* unzstd(path: string): AsyncIterable<Uint8Array> {
  let parts: Uint8Array[] = [];
  const decoder = new ZstdDecoder(maxWindowBytes, (bytes) => parts.push(Uint8Array.from(bytes)));
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 64 * 1024 })) {
      try {
        decoder.push(chunk as Buffer);
      } finally {
        yield* parts;
        parts = [];
      }
    }
    if (!decoder.complete) throw new Error('it ends in the middle');
  } catch (error) {
    throw damaged(path, 'zstd', error);
  }
}

function damaged(path: string, format: string, error: unknown): CaptureError {
  const reason = error instanceof Error ? error.message : String(error);
  return new CaptureError('ERR_FILE', `${path}: the ${format} data is damaged (${reason})`, { cause: error });
}
