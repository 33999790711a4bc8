/** A summary as a table. Its percentiles are those of the total time. */
import { checkOptions, wholeNumber } from '../check-options.js';
import { fit, toPrintable } from './printable.js';
import type { SummaryRow } from './summary.js';
import { shortBytes, shortMs } from './units.js';

export interface TableOptions {
  /** Characters a line; names of endpoints are cut to it. Default: no limit. */
  width?: number | undefined;
  /** Rows shown; a last line counts the others. Default: all. */
  limit?: number | undefined;
}

const headings = ['count', 'rate/s', 'errors', 'p50', 'p90', 'p99', 'bytes', 'endpoint'];
/** Of the endpoint, however narrow the terminal is. */
const leastNameWidth = 20;

/** @throws CaptureError `ERR_OPTION` */
export function formatTable(rows: readonly SummaryRow[], options: TableOptions = {}): string {
  checkOptions(options, ['width', 'limit'], 'table()');
  const width = wholeNumber('width', options.width, Number.POSITIVE_INFINITY, 1);
  const shown = rows.slice(0, wholeNumber('limit', options.limit, rows.length, 0));
  const cells = [headings, ...shown.map(cellsOf)];
  const numbers = cells.map((row) => row.slice(0, -1));
  const widths = headings.slice(0, -1).map((_, column) => Math.max(...numbers.map((row) => row[column]?.length ?? 0)));
  const nameWidth = Math.max(leastNameWidth, width - widths.reduce((sum, one) => sum + one + 2, 0));
  const lines = cells.map((row) => {
    const aligned = widths.map((one, column) => (row[column] ?? '').padStart(one));
    return [...aligned, fit(row.at(-1) ?? '', nameWidth)].join('  ');
  });
  const left = rows.slice(shown.length);
  if (left.length > 0) {
    const count = left.reduce((sum, row) => sum + row.count, 0);
    lines.push(`and ${left.length} more with ${count} exchange${count === 1 ? '' : 's'}`);
  }
  return `${lines.join('\n')}\n`;
}

function cellsOf(row: SummaryRow): string[] {
  return [
    String(row.count),
    row.rate >= 100 ? row.rate.toFixed(0) : row.rate.toPrecision(2),
    `${(row.errorShare * 100).toFixed(row.errorShare > 0 && row.errorShare < 0.1 ? 1 : 0)}%`,
    ...[row.total?.p50, row.total?.p90, row.total?.p99].map(shortMs),
    shortBytes(row.requestBytes + row.responseBytes),
    toPrintable(row.endpoint),
  ];
}
