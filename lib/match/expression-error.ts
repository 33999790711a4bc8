/** Errors in expressions, and how a command line shows where they are. */
import { CaptureError } from '../errors.js';

/** A CaptureError with `ERR_OPTION` that knows the place. */
export class ExpressionError extends CaptureError {
  /** Of the first character that is wrong, from 0; the length of the expression when something is missing at its end. */
  readonly position: number;
  /** Behind the last character that is wrong; `position` when something is missing. */
  readonly end: number;

  constructor(message: string, position: number, end: number) {
    super('ERR_OPTION', `${message} (at character ${position + 1} of the expression)`);
    this.position = position;
    this.end = end;
  }
}

const maxColumns = 100;

/**
 * The line of the expression that is wrong, and under it a caret at the place. Two lines, without a line feed at the end; characters
 * that are not printable are shown as `?`.
 */
export function caret(source: string, error: ExpressionError): string {
  const lineStart = source.lastIndexOf('\n', error.position - 1) + 1;
  const lineFeed = source.indexOf('\n', error.position);
  const lineEnd = lineFeed < 0 ? source.length : lineFeed;
  // The caret stays in sight when the line is long.
  const start = Math.max(lineStart, error.position - (maxColumns >> 1));
  const end = Math.min(lineEnd, start + maxColumns);
  const before = printable(source.slice(start, error.position));
  const behind = printable(source.slice(error.position, end));
  const wrong = [...printable(source.slice(error.position, Math.min(error.end, end)))].length;
  return `${before}${behind}\n${' '.repeat([...before].length)}^${'~'.repeat(Math.max(0, wrong - 1))}`;
}

function printable(text: string): string {
  return text.replaceAll('\t', ' ').replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '?');
}
