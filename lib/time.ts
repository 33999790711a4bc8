/** Times of messages: nanoseconds since the Unix epoch. */

/** Whole milliseconds, rounded down; exact, also before 1970. */
export function toMs(ns: bigint): number {
  const ms = Number(ns / 1_000_000n);
  return ns < 0n && ns % 1_000_000n !== 0n ? ms - 1 : ms;
}

let cachedSecond = Number.NaN;
let cachedText = '';

/** ISO 8601 in UTC with nine fractional digits. Most times share their second with the one before. */
export function formatTime(ns: bigint): string {
  let second = Number(ns / 1_000_000_000n);
  let restNs = Number(ns % 1_000_000_000n);
  if (restNs < 0) {
    restNs += 1_000_000_000;
    second -= 1;
  }
  if (second !== cachedSecond) {
    cachedText = new Date(second * 1000).toISOString().slice(0, 20);
    cachedSecond = second;
  }
  return `${cachedText}${String(restNs).padStart(9, '0')}Z`;
}
