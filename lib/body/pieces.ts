/** A body as chunks. */
import type { OpenBody, Piece } from './open-body.js';

/** What of a body came with its message. */
export interface FirstPart {
  readonly bytes: Buffer;
  /** Bytes behind them for which there was no room. */
  readonly missing: number;
}

/** What came with the message, then what follows. Call `open.claim()` before, and `open.release()` unless it is read to its end. */
export async function* piecesOf(first: FirstPart, open: OpenBody | undefined): AsyncGenerator<Piece, void> {
  try {
    if (first.bytes.length > 0) yield first.bytes;
    if (first.missing > 0) yield first.missing;
    while (open !== undefined) {
      const piece = await open.next();
      if (piece === undefined) return;
      yield piece;
    }
  } finally {
    open?.release();
  }
}

/** The bytes before the first hole. */
export async function* untilGap(pieces: AsyncIterable<Piece>): AsyncGenerator<Buffer, void> {
  for await (const piece of pieces) {
    if (typeof piece === 'number') return;
    yield piece;
  }
}

/** All bytes, as if there were no holes. */
export async function* overGaps(pieces: AsyncIterable<Piece>): AsyncGenerator<Buffer, void> {
  for await (const piece of pieces) {
    if (typeof piece !== 'number') yield piece;
  }
}

export interface Collected {
  readonly bytes: Buffer;
  /** There were more bytes than that. */
  readonly cut: boolean;
}

/** The chunks as one, at most `maxBytes` of them. */
export async function collect(chunks: AsyncIterable<Buffer>, maxBytes: number): Promise<Collected> {
  const collected: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    collected.push(chunk.subarray(0, maxBytes - length));
    length += chunk.length;
    if (length > maxBytes) break;
  }
  return { bytes: Buffer.concat(collected), cut: length > maxBytes };
}
