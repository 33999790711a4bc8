/** Milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

const maxUs = 3_600_000_000;

// Values below 2^bits have a bucket each; from there on each power of two has half as many, so that two digits are right.
const bits = 8;
const half = 1 << (bits - 1);
const bucketCount = (32 - bits + 2) * half;

function bucketOf(us: number): number {
  const shift = Math.max(0, 32 - bits - Math.clz32(us));
  return shift * half + (us >>> shift);
}

/** The greatest value of a bucket. */
function upperEnd(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / half) - 1);
  return (bucket - shift * half + 1) * 2 ** shift - 1;
}

/**
 * Percentiles of durations in bounded memory, 13 KB from the first one on: a histogram of microseconds with two significant digits,
 * so that they are right within 1 %. Longer ones than an hour count as an hour.
 */
export class Durations {
  #counts: Uint32Array | undefined;
  #count = 0;
  #longestUs = 0;

  add(ms: number | null): void {
    if (ms === null) return;
    this.#counts ??= new Uint32Array(bucketCount);
    const us = Math.min(maxUs, Math.max(1, Math.round(ms * 1000)));
    const bucket = bucketOf(us);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#count++;
    if (us > this.#longestUs) this.#longestUs = us;
  }

  /** null when there were none. */
  percentiles(): Percentiles | null {
    const counts = this.#counts;
    if (counts === undefined) return null;
    const ms = (percent: number): number => {
      let left = Math.max(1, Math.round((percent / 100) * this.#count));
      let bucket = 0;
      for (; bucket < bucketCount; bucket++) {
        left -= counts[bucket] as number;
        if (left <= 0) break;
      }
      // A bucket is told by its upper end, which may be beyond the longest.
      return Math.min(upperEnd(bucket), this.#longestUs) / 1000;
    };
    return { p50: ms(50), p90: ms(90), p99: ms(99) };
  }
}
