/** When an output goes on in a new file or folder. */
import { inspect } from 'node:util';
import { badOption, checkOptions, wholeNumber } from './check-options.js';

/** At least one of them. */
export interface Rotation {
  /** When it has so many bytes, from 1. */
  bytes?: number | undefined;
  /** When something is so much later than the first in it: nanoseconds of packet time, from 1. */
  ns?: bigint | undefined;
}

/** @throws CaptureError `ERR_OPTION` */
export function checkRotation(name: string, rotation: Rotation | undefined): Rotation | undefined {
  if (rotation === undefined) return undefined;
  checkOptions(rotation, ['bytes', 'ns'], name);
  const { bytes, ns } = rotation;
  wholeNumber(`${name}.bytes`, bytes, 1, 1);
  if (ns !== undefined && (typeof ns !== 'bigint' || ns < 1n || ns >= 2n ** 53n)) {
    throw badOption(`${name}.ns must be a bigint from 1n, not ${inspect(ns)}`);
  }
  if (bytes === undefined && ns === undefined) throw badOption(`${name} takes bytes, ns, or both`);
  return rotation;
}
