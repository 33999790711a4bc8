/** The option `write`. */
import { tmpdir } from 'node:os';
import path from 'node:path';
import { badOption, checkOptions, wholeNumber } from '../check-options.js';
import type { CaptureError } from '../errors.js';
import type { NativeRotation, NativeWrite } from '../native.js';
import { lastNumberOf, numberedFile, numberedFilesOf } from '../numbered-files.js';
import { checkRotation, type Rotation } from '../rotation.js';
import { isSameFile } from '../same-file.js';

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
  /**
   * Files `day-0001.pcapng`, `day-0002.pcapng`, … for `day.pcapng`, each of them whole by itself. Numbers go on after those of files that
   * are there, unless these may be replaced. Default: one file.
   */
  rotate?: Rotation | undefined;
  /** Called with the path of each file that is complete; `last`: none follows it. */
  onFinished?: ((path: string, last: boolean) => void) | undefined;
  /** Told at once when nothing can be written any more. Messages go on, and the iterator throws the same error at its end. */
  onError?: ((error: CaptureError) => void) | undefined;
}

export interface ResolvedWrite {
  readonly native: NativeWrite;
  readonly onError: ((error: CaptureError) => void) | undefined;
  readonly onFinished: ((path: string, last: boolean) => void) | undefined;
  /** @param index 0, 1, … of the files in their order */
  pathOf(index: number): string;
}

const names: readonly (keyof WriteOptions)[] = ['file', 'replace', 'maxSpoolBytes', 'rotate', 'onFinished', 'onError'];
const MiB = 1024 * 1024;

/**
 * @param source the capture file that is read, `''` for none
 * @throws CaptureError `ERR_OPTION`
 */
export function resolveWrite(value: unknown, source: string): ResolvedWrite | undefined {
  if (value === undefined) return undefined;
  const options = (typeof value === 'string' ? { file: value } : value) as WriteOptions;
  checkOptions(options, names, 'write');
  const { file, replace = false, onError, onFinished } = options;
  const maxSpoolBytes = wholeNumber('write.maxSpoolBytes', options.maxSpoolBytes, 1024 * MiB, MiB);
  if (typeof file !== 'string' || file === '' || file.includes('\0')) {
    throw badOption("write must be the path of a file, or an object such as { file: 'matched.pcapng' }");
  }
  if (typeof replace !== 'boolean') throw badOption('write.replace must be true or false');
  for (const [name, hook] of Object.entries({ onError, onFinished })) {
    if (hook !== undefined && typeof hook !== 'function') throw badOption(`write.${name} must be a function`);
  }
  const rotate = checkRotation('write.rotate', options.rotate);
  const written = rotate === undefined ? [file] : numberedFilesOf(file);
  if (source !== '' && written.some((one) => isSameFile(one, source))) {
    throw badOption(`write names ${source}, which is the file that is read`);
  }
  const native: NativeWrite = { file, replace, maxSpoolBytes, spoolDirectory: spoolDirectoryOf(file) };
  if (rotate === undefined) return { native, onError, onFinished, pathOf: () => file };
  const firstNumber = replace ? 1 : lastNumberOf(file) + 1;
  native.rotation = nativeRotation(file, firstNumber, rotate);
  return { native, onError, onFinished, pathOf: (index) => numberedFile(file, firstNumber + index) };
}

function nativeRotation(file: string, firstNumber: number, { bytes = 0, ns = 0n }: Rotation): NativeRotation {
  const { dir, name, ext } = path.parse(file);
  return { stem: path.join(dir, name), ending: ext, firstNumber, bytes, ns: Number(ns) };
}

/** Where there is room for the one there should be room for the other. */
function spoolDirectoryOf(file: string): string {
  const folder = path.dirname(path.resolve(file));
  return /^\/(dev|proc)(\/|$)/.test(folder) ? tmpdir() : folder;
}
