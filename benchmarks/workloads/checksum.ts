/** The Internet checksum (RFC 1071), in pieces that can be added up. */

/** Bytes with the views that let their sum be taken a word at a time. `bytes` starts at an offset divisible by four. */
export interface Payload {
  bytes: Buffer;
  words: Uint32Array;
}

export function allocatePayload(length: number): Payload {
  const memory = new ArrayBuffer((length + 3) & ~3);
  return { bytes: Buffer.from(memory), words: new Uint32Array(memory) };
}

/** Sum of the big-endian 16-bit words of a range, an odd last byte padded with zero; not folded below 2^16. */
export function sumWords(payload: Payload, start: number, length: number): number {
  const { bytes } = payload;
  let sum = 0;
  let at = start;
  const end = start + length;
  if ((start & 3) === 0) {
    const { words } = payload;
    const lastWord = end >>> 2;
    for (let word = start >>> 2; word < lastWord; word++) sum += words[word] as number;
    // The words were loaded little-endian; the one's complement sum only needs its two bytes swapped (RFC 1071, 2B).
    const folded = fold(sum);
    sum = ((folded & 0xff) << 8) | (folded >>> 8);
    at = lastWord << 2;
  }
  for (; at + 1 < end; at += 2) sum += ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  if (at < end) sum += (bytes[at] as number) << 8;
  return sum;
}

/** Folds the carries into 16 bits. */
export function fold(sum: number): number {
  let high = Math.floor(sum / 0x1_0000);
  let folded = sum - high * 0x1_0000;
  while (high > 0) {
    folded += high % 0x1_0000;
    high = Math.floor(high / 0x1_0000) + (folded >>> 16);
    folded &= 0xffff;
  }
  return folded;
}
