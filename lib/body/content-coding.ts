/** Content codings of a whole body (RFC 9110, 8.4). */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { CaptureError } from '../errors.js';
import { ZstdDecoder } from '../zstd.js';

/** As many codings as curl takes; more are an attack. */
const maxCodings = 5;

/** Window that a Zstandard frame may need in HTTP (RFC 9659, 3). */
export const maxZstdWindowBytes = 8 * 1024 * 1024;

export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd';

const codingNames: ReadonlyMap<string, Coding | 'identity'> = new Map<string, Coding | 'identity'>([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
  ['zstd', 'zstd'],
  ['identity', 'identity'],
]);

/** The codings in the order in which they were applied. Throws ERR_DECODE when one is unknown. */
export function parseContentEncoding(contentEncoding: string): Coding[] {
  const codings: Coding[] = [];
  for (const part of contentEncoding.split(',')) {
    const name = part.trim().toLowerCase();
    if (name === '') continue;
    const coding = codingNames.get(name);
    if (coding === undefined) {
      throw new CaptureError(
        'ERR_DECODE',
        `Content-Encoding '${printable(name)}' is not one of gzip, deflate, br, zstd; the property body has the bytes as sent`,
      );
    }
    if (coding !== 'identity') codings.push(coding);
  }
  if (codings.length > maxCodings) {
    throw new CaptureError(
      'ERR_DECODE',
      `${codings.length} content codings on top of each other; at most ${maxCodings} are undone`,
    );
  }
  return codings;
}

/** True when there is something to undo. */
export function isContentEncoded(contentEncoding: string | null): contentEncoding is string {
  return (
    contentEncoding !== null && contentEncoding.trim() !== '' && contentEncoding.trim().toLowerCase() !== 'identity'
  );
}

// A body that ends early, because it was cut or the sender stopped, gives what is there, as in browsers and curl.
const zlibOptions = (maxBytes: number) => ({ finishFlush: zlib.constants.Z_SYNC_FLUSH, maxOutputLength: maxBytes });
const brotliOptions = (maxBytes: number) => ({
  flush: zlib.constants.BROTLI_OPERATION_FLUSH,
  finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH,
  maxOutputLength: maxBytes,
});

const gunzip = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.gunzip);
const inflate = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.inflate);
const inflateRaw = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.inflateRaw);
const brotliDecompress = promisify<zlib.InputType, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress);

/** Undoes the content codings. Rejects with ERR_DECODE. */
export async function decodeContent(body: Buffer, contentEncoding: string, maxBytes: number): Promise<Buffer> {
  let bytes = body;
  for (const coding of parseContentEncoding(contentEncoding).reverse()) {
    if (bytes.length === 0) break;
    try {
      bytes = await decodeOne(bytes, coding, maxBytes);
    } catch (error) {
      throw decodeError(error, coding, maxBytes);
    }
  }
  return bytes;
}

/** decodeContent() without leaving the thread. Throws ERR_DECODE. */
export function decodeContentSync(body: Buffer, contentEncoding: string, maxBytes: number): Buffer {
  let bytes = body;
  for (const coding of parseContentEncoding(contentEncoding).reverse()) {
    if (bytes.length === 0) break;
    try {
      bytes = decodeOneSync(bytes, coding, maxBytes);
    } catch (error) {
      throw decodeError(error, coding, maxBytes);
    }
  }
  return bytes;
}

async function decodeOne(bytes: Buffer, coding: Coding, maxBytes: number): Promise<Buffer> {
  switch (coding) {
    case 'gzip':
      return gunzip(bytes, zlibOptions(maxBytes));
    case 'deflate':
      if (!hasZlibHeader(bytes)) return inflateRaw(bytes, zlibOptions(maxBytes));
      try {
        return await inflate(bytes, zlibOptions(maxBytes));
      } catch (error) {
        if (isTooLarge(error)) throw error;
        return inflateRaw(bytes, zlibOptions(maxBytes)).catch(() => Promise.reject(error));
      }
    case 'br':
      return brotliDecompress(bytes, brotliOptions(maxBytes));
    case 'zstd':
      return unzstd(bytes, maxBytes);
  }
}

function decodeOneSync(bytes: Buffer, coding: Coding, maxBytes: number): Buffer {
  switch (coding) {
    case 'gzip':
      return zlib.gunzipSync(bytes, zlibOptions(maxBytes));
    case 'deflate':
      if (!hasZlibHeader(bytes)) return zlib.inflateRawSync(bytes, zlibOptions(maxBytes));
      try {
        return zlib.inflateSync(bytes, zlibOptions(maxBytes));
      } catch (error) {
        if (isTooLarge(error)) throw error;
        try {
          return zlib.inflateRawSync(bytes, zlibOptions(maxBytes));
        } catch {
          throw error;
        }
      }
    case 'br':
      return zlib.brotliDecompressSync(bytes, brotliOptions(maxBytes));
    case 'zstd':
      return unzstd(bytes, maxBytes);
  }
}

/** 'deflate' means the zlib format, but some senders leave its wrapper out (RFC 9110, 8.4.1.2); its header tells (RFC 1950, 2.2). */
export function hasZlibHeader(bytes: Buffer): boolean {
  const [cmf = 0, flg = 0] = bytes;
  return (cmf & 0x0f) === 8 && cmf >> 4 <= 7 && (flg & 0x20) === 0 && ((cmf << 8) | flg) % 31 === 0;
}

class TooLarge extends Error {}

function unzstd(bytes: Buffer, maxBytes: number): Buffer {
  const parts: Uint8Array[] = [];
  let length = 0;
  const decoder = new ZstdDecoder(maxZstdWindowBytes, (part) => {
    length += part.length;
    if (length > maxBytes) throw new TooLarge();
    // The decoder keeps using its memory for the next block.
    parts.push(Uint8Array.from(part));
  });
  decoder.push(bytes);
  return Buffer.concat(parts, length);
}

function isTooLarge(error: unknown): boolean {
  return error instanceof TooLarge || (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_BUFFER_TOO_LARGE';
}

function decodeError(error: unknown, coding: Coding, maxBytes: number): CaptureError {
  const message = isTooLarge(error)
    ? `The decoded body exceeds maxDecodedBytes (${maxBytes}); raise it to read such bodies, the property body has the bytes as sent`
    : `The body is not valid ${coding} (${error instanceof Error ? error.message : String(error)}); the property body has the bytes as sent`;
  return new CaptureError('ERR_DECODE', message, { cause: error });
}

function printable(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return short.replace(/[^\x20-\x7e…]/g, '?');
}
