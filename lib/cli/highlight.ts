/** Marks what was looked for in text that is going to a terminal. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are control sequences
const sequences = /\x1b\[[\d;]*m/g;
const on = '\x1b[7m';
const off = '\x1b[27m';

/** @param painted text whose only control sequences are colours */
export function highlight(painted: string, wanted: RegExp): string {
  const plain = painted.replace(sequences, '');
  const borders = bordersOf(plain, wanted);
  if (borders.length === 0) return painted;
  let marked = '';
  let at = 0;
  let inside = false;
  let next = 0;
  const text = (part: string): void => {
    let from = 0;
    while (next < borders.length && (borders[next] as number) <= at + part.length) {
      const border = (borders[next++] as number) - at;
      marked += part.slice(from, border) + (inside ? off : on);
      inside = !inside;
      from = border;
    }
    marked += part.slice(from);
    at += part.length;
  };
  let from = 0;
  for (const { 0: sequence, index } of painted.matchAll(sequences)) {
    text(painted.slice(from, index));
    // What else is shown inverse ends here.
    marked += inside && sequence === off ? '' : sequence;
    from = index + sequence.length;
  }
  text(painted.slice(from));
  return marked;
}

/** Where matches begin and end, in turn. */
function bordersOf(plain: string, wanted: RegExp): number[] {
  const borders: number[] = [];
  for (const match of plain.matchAll(new RegExp(wanted.source, `${wanted.flags}g`))) {
    if (match[0] !== '') borders.push(match.index, match.index + match[0].length);
  }
  return borders;
}
