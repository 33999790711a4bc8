import type { ByteBuffer } from './byte-buffer.js';

const nsPerSecond = 1_000_000_000n;

// Messages come in order of time: nearly always it is the second of the one before, and then one subtraction does.
let cachedStartNs = 0n;
let cachedText = '1970-01-01T00:00:00.';

/** Nanoseconds since the Unix epoch as `2022-11-12T04:59:00.123456789Z` (RFC 3339, UTC), with 9 or fewer fractional digits. */
export function appendTime(to: ByteBuffer, ns: bigint, fractionDigits: 6 | 9): void {
  let rest = Number(ns - cachedStartNs);
  if (rest < 0 || rest >= 1e9) {
    let second = ns / nsPerSecond;
    if (second * nsPerSecond > ns) second -= 1n;
    cachedStartNs = second * nsPerSecond;
    // 64 bits of nanoseconds are within the range of Date.
    cachedText = new Date(Number(second) * 1000).toISOString().slice(0, 20);
    rest = Number(ns - cachedStartNs);
  }
  to.ascii(cachedText);
  to.digits(fractionDigits === 9 ? rest : Math.floor(rest / 1000), fractionDigits);
  to.ascii('Z');
}
