/** Checks of arguments, with the errors of the async iterator helpers proposal. */
import { isAbortSignal } from '../abort-signal.js';

export function checkFunction(value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`${String(value)} is not a function`);
}

/** A number of values: an integer from 0, or Infinity. */
export function toCount(value: number): number {
  const count = Math.trunc(Number(value));
  if (!(count >= 0)) throw new RangeError(`${String(value)} must be 0 or more`);
  return count;
}

/** Most that a timer takes: some 24 days. */
const maxMs = 2 ** 31 - 1;

export function checkMs(value: number): void {
  if (!(value >= 0 && value <= maxMs)) throw new RangeError(`${value} must be 0 to ${maxMs} ms`);
}

export function checkSignal(value: unknown): void {
  if (!isAbortSignal(value)) throw new TypeError(`${String(value)} is neither an AbortSignal nor a number`);
}
