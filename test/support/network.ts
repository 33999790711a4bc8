/** A network that does to segments what networks and captures do, the same for the same seed. */
import { flag, type Segment } from './frame.js';
import { Random } from './random.js';

export interface NetworkOptions {
  seed: number;
  /** Share of segments that come late, by up to `reorderDistance` segments (default 8). */
  reorder?: number;
  reorderDistance?: number;
  /** Share of data segments that are sent again, later. */
  retransmit?: number;
  /** Share of data segments that are followed by one that overlaps them in part, with the same bytes. */
  overlap?: number;
  /** Share of data segments that are never captured although they arrived. */
  lose?: number;
  /** Share of segments that are captured twice in a row. */
  duplicate?: number;
  /** Share of data segments that are followed by one with the same place and other bytes. */
  conflict?: number;
  /** Which segments may be hit. Default: all but SYN, FIN and RST. */
  only?: (segment: Segment) => boolean;
}

/** Capture order and times that ascend; segments that were not touched are the same objects only where their time is. */
export function mangle(segments: readonly Segment[], options: NetworkOptions): Segment[] {
  const random = new Random(options.seed);
  const {
    reorder = 0,
    reorderDistance = 8,
    retransmit = 0,
    overlap = 0,
    lose = 0,
    duplicate = 0,
    conflict = 0,
  } = options;
  const fair = options.only ?? ((segment: Segment) => (segment.flags & (flag.syn | flag.fin | flag.rst)) === 0);
  // Position in capture order; a fraction puts a segment between two others.
  const placed: { segment: Segment; at: number }[] = [];
  const later = () => random.between(1, reorderDistance) + 0.5;
  segments.forEach((segment, index) => {
    if (!fair(segment)) {
      placed.push({ segment, at: index });
      return;
    }
    const data = segment.payload.length > 0;
    if (data && random.chance(lose)) return;
    const at = random.chance(reorder) ? index + later() : index;
    placed.push({ segment, at });
    if (random.chance(duplicate)) placed.push({ segment, at: at + 0.1 });
    if (!data) return;
    // What repeats a segment comes after it: the first bytes are the true ones.
    if (random.chance(retransmit)) placed.push({ segment, at: at + later() });
    if (segment.payload.length > 2 && random.chance(overlap)) {
      const from = random.between(1, segment.payload.length - 1);
      const part = random.chance(0.5) ? cut(segment, from, segment.payload.length) : cut(segment, 0, from);
      placed.push({ segment: part, at: at + later() });
    }
    if (random.chance(conflict)) {
      const payload = Buffer.from(segment.payload.map((byte) => byte ^ 1));
      placed.push({ segment: { ...segment, payload, forged: true }, at: at + later() });
    }
  });
  placed.sort((a, b) => a.at - b.at);
  let last = 0n;
  return placed.map(({ segment }) => {
    const timeNs = segment.timeNs > last ? segment.timeNs : last + 1000n;
    last = timeNs;
    return timeNs === segment.timeNs ? segment : { ...segment, timeNs };
  });
}

/** The part of a segment from one payload byte to before another. */
export function cut(segment: Segment, from: number, to: number): Segment {
  return {
    ...segment,
    payload: segment.payload.subarray(from, to),
    sequence: (segment.sequence + from) >>> 0,
    offset: segment.offset + from,
  };
}

/** A data segment as several, at the given payload positions; they may overlap: `[[0, 10], [5, 20]]`. */
export function split(segment: Segment, ranges: [number, number][]): Segment[] {
  return ranges.map(([from, to]) => cut(segment, from, to));
}
