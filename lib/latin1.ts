interface SlicingBuffer extends Buffer {
  latin1Slice(start: number, end: number): string;
}

/** `buffer.toString('latin1')` without its argument handling, which costs as much as a short string. */
export const latin1: (bytes: Buffer, start: number, end: number) => string =
  'latin1Slice' in Buffer.prototype
    ? (bytes, start, end) => (bytes as SlicingBuffer).latin1Slice(start, end)
    : (bytes, start, end) => bytes.toString('latin1', start, end);
