/** The option `write`. */
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { badOption, checkOptions, wholeNumber } from '../check-options.js';
import type { CaptureError } from '../errors.js';
import type { NativeWrite } from '../native.js';

export interface WriteOptions {
  /** The pcapng file. Made when somebody iterates, readable for its owner alone. */
  file: string;
  /** Replace the file if it exists. Default false: `ERR_FILE`. */
  replace?: boolean | undefined;
  /**
   * Bytes of packets that may wait until it is known whether their connection matches, from 1 MiB: some in memory, the rest in a file
   * without a name beside `file`. Beyond that the oldest go, and those that are still undecided are not written, but counted. Default 1 GiB.
   */
  maxSpoolBytes?: number | undefined;
  /** Told at once when nothing can be written any more. Messages go on, and the iterator throws the same error at its end. */
  onError?: ((error: CaptureError) => void) | undefined;
}

export interface ResolvedWrite {
  readonly native: NativeWrite;
  readonly onError: ((error: CaptureError) => void) | undefined;
}

const names: readonly (keyof WriteOptions)[] = ['file', 'replace', 'maxSpoolBytes', 'onError'];
const MiB = 1024 * 1024;

/**
 * @param source the capture file that is read, `''` for none
 * @throws CaptureError `ERR_OPTION`
 */
export function resolveWrite(value: unknown, source: string): ResolvedWrite | undefined {
  if (value === undefined) return undefined;
  const options = (typeof value === 'string' ? { file: value } : value) as WriteOptions;
  checkOptions(options, names, 'write');
  const { file, replace = false, onError } = options;
  const maxSpoolBytes = wholeNumber('write.maxSpoolBytes', options.maxSpoolBytes, 1024 * MiB, MiB);
  if (typeof file !== 'string' || file === '' || file.includes('\0')) {
    throw badOption("write must be the path of a file, or an object such as { file: 'matched.pcapng' }");
  }
  if (typeof replace !== 'boolean') throw badOption('write.replace must be true or false');
  if (onError !== undefined && typeof onError !== 'function') throw badOption('write.onError must be a function');
  if (source !== '' && isSameFile(file, source)) {
    throw badOption(`write names ${file}, which is the file that is read`);
  }
  return { native: { file, replace, maxSpoolBytes, spoolDirectory: spoolDirectoryOf(file) }, onError };
}

/** Where there is room for the one there should be room for the other. */
function spoolDirectoryOf(file: string): string {
  const folder = path.dirname(path.resolve(file));
  return /^\/(dev|proc)(\/|$)/.test(folder) ? tmpdir() : folder;
}

function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((file) => statSync(file, { throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
