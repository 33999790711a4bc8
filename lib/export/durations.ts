import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

const maxUs = 3_600_000_000;

/**
 * Percentiles of durations in bounded memory, about 34 KB from the first one on: a histogram of microseconds with two significant digits,
 * so that they are right within 1 %. Longer ones than an hour count as an hour.
 */
export class Durations {
  #histogram: RecordableHistogram | undefined;
  #longestUs = 0;

  add(ms: number | null): void {
    if (ms === null) return;
    this.#histogram ??= createHistogram({ lowest: 1, highest: maxUs, figures: 2 });
    const us = Math.min(maxUs, Math.max(1, Math.round(ms * 1000)));
    this.#histogram.record(us);
    if (us > this.#longestUs) this.#longestUs = us;
  }

  /** null when there were none. */
  percentiles(): Percentiles | null {
    const histogram = this.#histogram;
    if (histogram === undefined) return null;
    // A bucket is told by its upper end, which may be beyond the longest.
    const ms = (percent: number) => Math.min(histogram.percentile(percent), this.#longestUs) / 1000;
    return { p50: ms(50), p90: ms(90), p99: ms(99) };
  }
}
