/** Compressed captures, and what is inside. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { CaptureError } from './errors.js';
import { ZstdDecoder } from './zstd.js';

/** zstd's own limit without --long. */
const maxWindowBytes = 128 * 1024 * 1024;

/** Handed to a decoder at a time, so that what it makes of it is bounded: gzip compresses at most a thousandfold, zstd thirty thousandfold. */
const maxGzipBytes = 32 * 1024;
const maxZstdBytes = 2 * 1024;

type Format = 'gzip' | 'zstd';
const magicBytes = 4;

function formatOf(head: Uint8Array): Format | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.length < magicBytes) return undefined;
  const magic = new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  return magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50 ? 'zstd' : undefined;
}

/** False also when there is none; whoever opens it then says why. */
export function isRegularFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** False also when it cannot be read (whoever opens it then says why) or is not an ordinary file (opening a pipe can block). */
export function isCompressedFile(path: string): boolean {
  const magic = Buffer.alloc(magicBytes);
  try {
    if (!isRegularFile(path)) return false;
    const file = openSync(path, 'r');
    try {
      return formatOf(magic.subarray(0, readSync(file, magic, 0, magicBytes, 0))) !== undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}

/**
 * What is inside of a gzip or zstd stream, told by its first bytes; any other stream as it is.
 * @param name for messages
 * @throws CaptureError `ERR_FILE` when it is damaged, behind what came before the damage
 */
export async function* decompress(stream: AsyncIterable<Uint8Array>, name: string): AsyncIterable<Uint8Array> {
  const chunks = stream[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < magicBytes) {
    const { done, value } = await chunks.next();
    if (done) break;
    // Copied: the stream may use its memory again.
    head = Buffer.concat([head, value]);
  }
  const whole = startingWith(head, chunks);
  switch (formatOf(head)) {
    case 'gzip':
      yield* gunzip(whole, name);
      break;
    case 'zstd':
      yield* unzstd(whole, name);
      break;
    case undefined:
      yield* whole;
  }
}

async function* startingWith(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

async function* partsOf(stream: AsyncIterable<Uint8Array>, maxBytes: number): AsyncIterable<Uint8Array> {
  for await (const chunk of stream)
    for (let at = 0; at < chunk.length; at += maxBytes) yield chunk.subarray(at, at + maxBytes);
}

async function* gunzip(stream: AsyncIterable<Uint8Array>, name: string): AsyncIterable<Uint8Array> {
  // Gunzip goes on with the next member of a file of several (RFC 1952, 2.2). It is read empty after each write, because a stream
  // that fails throws away what it has decoded and nobody has read yet. What one write decodes to is bounded by its size, so that it
  // need not bound it itself, and each write completes.
  const decoder = createGunzip({ chunkSize: 256 * 1024, ...{ highWaterMark: 2 ** 30 } });
  let wake = (): void => {};
  let failure: unknown;
  decoder.on('error', (error) => {
    failure = damaged(name, 'gzip', error);
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
    for await (const part of partsOf(stream, maxGzipBytes)) {
      await settled((done) => decoder.write(part, done));
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
  } finally {
    decoder.destroy();
  }
}

async function* unzstd(stream: AsyncIterable<Uint8Array>, name: string): AsyncIterable<Uint8Array> {
  let decoded: Uint8Array[] = [];
  const decoder = new ZstdDecoder(maxWindowBytes, (bytes) => decoded.push(Uint8Array.from(bytes)));
  for await (const part of partsOf(stream, maxZstdBytes)) {
    let failure: CaptureError | undefined;
    try {
      // A copy: fzstd keeps what it cannot decode yet, and the stream may use its memory again.
      decoder.push(new Uint8Array(part));
    } catch (error) {
      failure = damaged(name, 'zstd', error);
    }
    yield* decoded;
    decoded = [];
    if (failure) throw failure;
  }
  if (!decoder.complete) throw damaged(name, 'zstd', new Error('it ends in the middle'));
}

function damaged(name: string, format: Format, error: unknown): CaptureError {
  const reason = error instanceof Error ? error.message : String(error);
  return new CaptureError('ERR_FILE', `${name}: the ${format} data is damaged (${reason})`, { cause: error });
}
