/** The files that flags name: looked at before the first of them is made. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { isSameFile, numberedFilesOf } from '../command-entry.js';
import { expandNames } from './capture-files.js';
import { UsageError } from './exit.js';
import type { CaptureFlags } from './flags.js';

interface Target {
  flag: string;
  file: string;
  /** Those that there are of it. */
  there: string[];
  /** It is not made under this name, but with a number or an extension. */
  renamed: boolean;
}

/**
 * @throws UsageError when two flags name the same file, or one names a file that is read
 * @throws Error when there is a file that may not be replaced
 */
export async function checkOutputFiles(flags: CaptureFlags): Promise<void> {
  const targets = targetsOf(flags);
  for (const [i, one] of targets.entries()) {
    for (const other of targets.slice(0, i)) {
      if (isSame(one, other)) throw new UsageError(`${other.flag} and ${one.flag} name the same file, ${one.file}`);
    }
  }
  const inputs = await inputsOf(flags);
  for (const { flag, there } of targets) {
    for (const file of there) {
      if (inputs.some((input) => isSameFile(file, input)))
        throw new UsageError(`${flag} names ${file}, which is the file that is read`);
    }
  }
  if (flags.outputs.force) return;
  for (const { file, there, renamed } of targets) {
    if (there.length > 0 && !renamed) throw new Error(`${file} exists: --force replaces it`);
  }
}

function targetsOf({
  outputs,
  rotation: { rotation, compression },
  tcpflow: { write: flows },
}: CaptureFlags): Target[] {
  const ownReport = rotation === undefined ? path.join(flows?.folder ?? '', 'report.xml') : undefined;
  const report = flows && (flows.report ?? ownReport);
  const renamed = (rotation ?? compression) !== undefined;
  const named: [flag: string, file: string | undefined, renamed: boolean][] = [
    ['--har', outputs.har, renamed],
    ['--write', outputs.write, renamed],
    ['--report', report, false],
  ];
  return named.flatMap(([flag, file, isRenamed]) => {
    if (file === undefined) return [];
    const there = isRenamed && rotation !== undefined ? numberedFilesOf(file) : [file].filter(isFile);
    return { flag, file, there, renamed: isRenamed };
  });
}

async function inputsOf({ read, readSeveral }: CaptureFlags): Promise<string[]> {
  if (read === undefined) return [];
  if (read === '-') return ['/dev/stdin'];
  return readSeveral === undefined ? [read] : expandNames(readSeveral);
}

function isSame(one: Target, other: Target): boolean {
  if (path.resolve(one.file) === path.resolve(other.file)) return true;
  // /dev/null takes everything.
  return isFile(one.file) && isSameFile(one.file, other.file);
}

/** Whoever opens what cannot be looked at says why. */
function isFile(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return false;
  }
}
