/** Rows of aligned columns. */
import { sanitizeLine } from './terminal.js';

export interface Column {
  heading: string;
  /** Numbers. */
  right?: boolean;
}

/** Of the last column, however narrow the terminal is. */
const leastWidth = 20;

/**
 * The rows below their headings, safe to show. The last column is cut so that a line fits.
 * @param width of the terminal; undefined: nothing is cut
 */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[], width?: number): string {
  const safe = [columns.map(({ heading }) => heading), ...rows].map((row) => row.map((cell) => sanitizeLine(cell)));
  const widths = columns.map((_, column) => Math.max(...safe.map((row) => widthOf(row[column] ?? ''))));
  const last = columns.length - 1;
  const before = widths.slice(0, last).reduce((sum, one) => sum + one + 2, 0);
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(leastWidth, width - before);
  const lines = safe.map((row) => {
    const cells = row.map((cell, column) => {
      if (column === last) return fit(cell, room);
      const padding = ' '.repeat((widths[column] ?? 0) - widthOf(cell));
      return columns[column]?.right ? padding + cell : cell + padding;
    });
    return cells.join('  ').trimEnd();
  });
  return `${lines.join('\n')}\n`;
}

const graphemes = new Intl.Segmenter();
/** What terminals show in two cells: East Asian scripts and emoji. */
const wide =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})/u;

function widthOf(text: string): number {
  // Mostly ASCII, of which each is one.
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}

function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const { segment } of graphemes.segment(text)) {
    used += widthOf(segment);
    if (used > width) break;
    kept += segment;
  }
  return `${kept}…`;
}
