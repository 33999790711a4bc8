/** What a measured program says that it saw, and whether that is what there was. */
import type { Truth } from './workloads/truth.js';

/** Each only where the program knows it. Everything but `messages` is about complete messages. */
export interface MessageCounts {
  /** Complete or not. */
  messages: number;
  requests?: number;
  responses?: number;
  bodyBytes?: number;
  headBytes?: number;
  headerFields?: number;
  digest?: number;
}

export type Counts = Partial<MessageCounts> & {
  packets?: number;
  dataBytes?: number;
  gapBytes?: number;
};

/** What the counts have to be; `messages` is only known beforehand where every message is intact. */
export function expectedCounts({ file, sent, complete, streamBytes, missingBytes }: Truth): Counts {
  const expected: Counts = { ...complete, packets: file.packets, dataBytes: streamBytes, gapBytes: missingBytes };
  if (missingBytes === 0) expected.messages = sent.requests + sent.responses;
  return expected;
}

/** The differences in words, '' when there are none. What only one of the two knows is not compared. */
export function compareCounts(counts: Counts, expected: Counts): string {
  const wrong: string[] = [];
  for (const name of Object.keys(expected) as (keyof Counts)[]) {
    const got = counts[name];
    if (got !== undefined && got !== expected[name]) wrong.push(`${name} ${got} instead of ${expected[name]}`);
  }
  return wrong.join(', ');
}
