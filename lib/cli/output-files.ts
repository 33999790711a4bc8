/** The files that flags name: looked at before the first of them is made. */
import { type BigIntStats, fstatSync, statSync } from 'node:fs';
import path from 'node:path';
import { expandNames } from './capture-files.js';
import { UsageError } from './exit.js';
import type { CaptureFlags } from './flags.js';

interface Target {
  flag: string;
  file: string;
  /** Undefined where there is none yet. */
  stat: BigIntStats | undefined;
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
  for (const { flag, file, stat } of targets) {
    if (!stat?.isFile()) continue;
    if (inputs.some((input) => isSameInode(stat, input)))
      throw new UsageError(`${flag} names ${file}, which is the file that is read`);
  }
  if (flags.outputs.force) return;
  for (const { file, stat, renamed } of targets) {
    if (stat?.isFile() && !renamed) throw new Error(`${file} exists: --force replaces it`);
  }
}

function targetsOf({ outputs, rotation, tcpflow: { write: flows } }: CaptureFlags): Target[] {
  const report = flows && (flows.report ?? path.join(flows.folder, 'report.xml'));
  const named: [flag: string, file: string | undefined, renamed: boolean][] = [
    ['--har', outputs.har, rotation.rotation !== undefined || rotation.compression !== undefined],
    ['--write', outputs.write, false],
    ['--report', report, false],
  ];
  return named.flatMap(([flag, file, renamed]) =>
    file === undefined ? [] : { flag, file, stat: statOf(file), renamed },
  );
}

async function inputsOf({ read, readSeveral }: CaptureFlags): Promise<BigIntStats[]> {
  if (read === undefined) return [];
  if (read === '-') return [fstatSync(0, { bigint: true })];
  const names = readSeveral === undefined ? [read] : await expandNames(readSeveral);
  return names.flatMap((name) => statOf(name) ?? []);
}

function isSame(one: Target, other: Target): boolean {
  if (path.resolve(one.file) === path.resolve(other.file)) return true;
  // /dev/null takes everything.
  return one.stat?.isFile() === true && other.stat !== undefined && isSameInode(one.stat, other.stat);
}

function isSameInode(one: BigIntStats, other: BigIntStats): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

function statOf(file: string): BigIntStats | undefined {
  try {
    return statSync(file, { bigint: true, throwIfNoEntry: false });
  } catch {
    // Whoever opens it says why it cannot be.
    return undefined;
  }
}
