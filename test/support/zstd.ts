/** Zstandard (RFC 8878) without a compressor. */

/** Frames of one raw block. */
export function zstd(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 100_000) {
    const block = bytes.subarray(at, at + 100_000);
    const header = (block.length << 3) | 1;
    parts.push(Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x48, header & 255, (header >> 8) & 255, header >> 16), block);
  }
  return Buffer.concat(parts);
}

/** A frame of raw and run-length blocks. */
export function zstdFrame(
  blocks: (Uint8Array | { byte: number; times: number })[],
  { checksum = false, window = 0x58 } = {},
): Buffer {
  const parts = [Buffer.of(0x28, 0xb5, 0x2f, 0xfd, checksum ? 4 : 0, window)];
  blocks.forEach((block, i) => {
    const last = i === blocks.length - 1 ? 1 : 0;
    const raw = block instanceof Uint8Array;
    const header = ((raw ? block.length : block.times) << 3) | (raw ? 0 : 2) | last;
    parts.push(
      Buffer.of(header & 255, (header >> 8) & 255, header >> 16),
      raw ? Buffer.from(block) : Buffer.of(block.byte),
    );
  });
  if (checksum) parts.push(Buffer.of(1, 2, 3, 4));
  return Buffer.concat(parts);
}
