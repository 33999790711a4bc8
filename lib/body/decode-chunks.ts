/** Content codings undone chunk by chunk, so that what was sent can be read before the body is over. */
import type { Transform } from 'node:stream';
import zlib from 'node:zlib';
import { CaptureError } from '../errors.js';
import { ZstdDecoder } from '../zstd.js';
import { type Coding, hasZlibHeader, maxZstdWindowBytes } from './content-coding.js';

/** Undoes the codings, given in the order in which they were applied. What was cut off ends without an error. Throws ERR_DECODE. */
export function decodeChunks(chunks: AsyncIterable<Buffer>, codings: readonly Coding[]): AsyncIterable<Buffer> {
  return codings.reduceRight((decoded, coding) => undo(coding, decoded), chunks);
}

async function* undo(coding: Coding, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  try {
    if (coding === 'zstd') yield* unzstd(chunks);
    else if (coding === 'deflate') yield* through(startingWith(zlibHeaderBytes, chunks), inflaterOf);
    else yield* through(chunks, coding === 'gzip' ? gunzipper : unbrotlier);
  } catch (error) {
    if (error instanceof CaptureError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CaptureError('ERR_DECODE', `The body is not valid ${coding} (${reason})`, { cause: error });
  }
}

const zlibHeaderBytes = 2;
const zlibOptions = { finishFlush: zlib.constants.Z_SYNC_FLUSH };
const gunzipper = () => zlib.createGunzip(zlibOptions);
const inflaterOf = (first: Buffer) =>
  hasZlibHeader(first) ? zlib.createInflate(zlibOptions) : zlib.createInflateRaw(zlibOptions);
const unbrotlier = () => zlib.createBrotliDecompress({ finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH });

/** The same chunks, the first with at least so many bytes where there are so many. */
async function* startingWith(minBytes: number, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let first: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (first === undefined) {
      yield chunk;
      continue;
    }
    first = Buffer.concat([first, chunk]);
    if (first.length < minBytes) continue;
    yield first;
    first = undefined;
  }
  if (first !== undefined && first.length > 0) yield first;
}

/** Everything a chunk decodes to is handed on before the next chunk is asked for, and no more of it is decoded than is read. */
async function* through(
  chunks: AsyncIterable<Buffer>,
  decoderFor: (first: Buffer) => Transform,
): AsyncGenerator<Buffer, void> {
  let decoding: Decoding | undefined;
  try {
    for await (const chunk of chunks) {
      if (chunk.length === 0) continue;
      decoding ??= new Decoding(decoderFor(chunk));
      yield* decoding.write(chunk);
      // What follows the end of the coded data is none of it.
      if (decoding.over) return;
    }
    if (decoding) yield* decoding.end();
  } finally {
    decoding?.destroy();
  }
}

/** A decoder of node:zlib, one chunk at a time. */
class Decoding {
  readonly #decoder: Transform;
  #failure: unknown;
  #over = false;
  #wake = (): void => {};

  constructor(decoder: Transform) {
    this.#decoder = decoder;
    decoder.on('error', (error) => {
      this.#failure = error;
      this.#wake();
    });
    decoder.on('end', () => {
      this.#over = true;
      this.#wake();
    });
    decoder.on('readable', () => this.#wake());
  }

  get over(): boolean {
    return this.#over;
  }

  write(chunk: Buffer): AsyncGenerator<Buffer, void> {
    let written = false;
    this.#decoder.write(chunk, () => {
      written = true;
      this.#wake();
    });
    return this.#readUntil(() => written);
  }

  end(): AsyncGenerator<Buffer, void> {
    this.#decoder.end();
    return this.#readUntil(() => false);
  }

  destroy(): void {
    this.#decoder.destroy();
  }

  async *#readUntil(done: () => boolean): AsyncGenerator<Buffer, void> {
    for (;;) {
      for (let part = this.#decoder.read(); part !== null; part = this.#decoder.read()) yield part as Buffer;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#over || done()) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** A block of four bytes may decode to 128 KiB: what is decoded at once is bounded by what is given at once. */
const maxZstdBytes = 512;

async function* unzstd(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let decoded: Buffer[] = [];
  // The decoder keeps using its memory for the next block.
  const decoder = new ZstdDecoder(maxZstdWindowBytes, (part) => decoded.push(Buffer.from(part)));
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += maxZstdBytes) {
      let failure: unknown;
      try {
        decoder.push(chunk.subarray(at, at + maxZstdBytes));
      } catch (error) {
        failure = error;
      }
      yield* decoded;
      decoded = [];
      if (failure !== undefined) throw failure;
    }
  }
}
