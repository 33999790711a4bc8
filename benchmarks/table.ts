/** Figures as they are printed. */
import type { Row } from './rows.js';
import type { Target } from './targets.js';

export interface Result {
  row: Row;
  /** CPU seconds of each run. */
  seconds: number[];
  peakKiB: number;
  /** Why the result does not count. */
  failure: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Three significant digits or so. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '';
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function rate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return '';
  if (perSecond >= 1e6) return `${short(perSecond / 1e6)} M`;
  return perSecond >= 1e3 ? `${short(perSecond / 1e3)} k` : short(perSecond);
}

/** A Markdown table. Rates are per CPU second; `×` columns are CPU time of the other divided by that of the row. */
export function formatTable(
  results: readonly Result[],
  fileBytes: number,
  messages: number,
  targets: readonly Target[],
): string {
  const timeOf = (id: string) =>
    median(results.find(({ row, failure }) => row.id === id && failure === '')?.seconds ?? []);
  const tcpflow = timeOf('tcpflow');
  const reference = timeOf('pcap-aligned');
  const lines = [['', 'CPU s (min–max)', 'MB/s', 'messages/s', '× tcpflow', '× reference', 'peak MiB', 'target']];
  for (const { row, seconds, peakKiB, failure } of results) {
    if (failure !== '') {
      lines.push([row.title, `FAILED: ${failure}`, '', '', '', '', '', '']);
      continue;
    }
    const time = median(seconds);
    // Reading and reassembling alone see no messages.
    const seesMessages = !['read', 'pcap', 'pcap-aligned', 'source', 'decode', 'tcp', 'libtins'].includes(row.id);
    lines.push([
      row.title,
      `${time.toFixed(3)} (${Math.min(...seconds).toFixed(3)}–${Math.max(...seconds).toFixed(3)})`,
      short(fileBytes / 1e6 / time),
      seesMessages ? rate(messages / time) : '',
      short(tcpflow / time),
      short(reference / time),
      short(peakKiB / 1024),
      targets
        .filter((target) => target.row === row.id)
        .map(({ against, ratio }) => describe(against, ratio, timeOf(against) / time))
        .join(', '),
    ]);
  }
  return formatColumns(lines);
}

/** A Markdown table; the first line is the head. */
export function formatColumns(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] as string[]).map((_, column) => Math.max(...lines.map((line) => width(line, column))));
  const format = (line: readonly string[]) =>
    `| ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number))).join(' | ')} |`;
  const [head, ...body] = lines.map(format);
  const rule = `|${widths.map((count, column) => (column === 0 ? '-'.repeat(count + 2) : `${'-'.repeat(count + 1)}:`)).join('|')}|`;
  return [head, rule, ...body].join('\n');
}

/** A failure may be longer than its column. */
function width(line: readonly string[], column: number): number {
  const cell = line[column] as string;
  return cell.startsWith('FAILED') ? 0 : cell.length;
}

function describe(against: string, ratio: number, reached: number): string {
  const name = against === 'pcap-aligned' ? 'reference' : against;
  if (!Number.isFinite(reached)) return `≥ ${ratio}× ${name}`;
  return `≥ ${ratio}× ${name}: ${reached >= ratio ? 'met' : 'missed'}`;
}
