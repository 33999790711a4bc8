import { inspect } from 'node:util';
import { closest } from './closest.js';
import { CaptureError } from './errors.js';

/** Throws a CaptureError `ERR_OPTION` unless it is an object with these properties only. */
export function checkOptions(options: unknown, names: readonly string[], caller: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw badOption(`${caller} takes an object of options, not ${inspect(options, { depth: 0 })}`);
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const meant = closest(name, names);
    const advice = meant === undefined ? `The options are ${names.join(', ')}` : `Did you mean '${meant}'?`;
    throw badOption(`${caller} has no option '${name.slice(0, 60)}'. ${advice}`);
  }
}

/** A whole number of at least `least`, or `byDefault`. */
export function wholeNumber(name: string, value: unknown, byDefault: number, least: number): number {
  if (value === undefined) return byDefault;
  if (!Number.isInteger(value) || (value as number) < least) {
    throw badOption(`${name} must be a whole number from ${least}, not ${inspect(value, { depth: 0 })}`);
  }
  return value as number;
}

export function badOption(message: string): CaptureError {
  return new CaptureError('ERR_OPTION', message);
}
