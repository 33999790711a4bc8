import { type BigIntStats, statSync } from 'node:fs';

/** Whether two paths lead to one file, by whatever name. Not when one of them leads nowhere. */
export function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map(statsOf);
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

/** Undefined also when it cannot be looked at: whoever opens it says why. */
function statsOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
