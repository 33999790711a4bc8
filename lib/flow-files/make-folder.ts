/** Making folders level by level: `recursive` of Node.js 20 never returns where a folder that is there takes no others, as in /proc. */
import { lstatSync, mkdirSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';

type StatsOf = (folder: string, options: { throwIfNoEntry: false }) => Stats | undefined;

/**
 * Makes a folder, and those above it that are not there.
 * @throws what the system says
 */
export function makeFolder(folder: string): void {
  try {
    makeOne(folder, statSync);
  } catch (error) {
    const parent = path.dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === folder) throw error;
    makeFolder(parent);
    makeOne(folder, statSync);
  }
}

/**
 * Makes the folders on a path inside of one that is there. Symbolic links among them are not followed.
 * @throws what the system says
 */
export function makeFoldersInside(folder: string, inside: string): void {
  let made = folder;
  for (const name of inside.split('/')) {
    made = path.join(made, name);
    makeOne(made, lstatSync);
  }
}

function makeOne(folder: string, statsOf: StatsOf): void {
  const isThere = () => statsOf(folder, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isThere()) return;
  try {
    mkdirSync(folder);
  } catch (error) {
    // Others may make the same one.
    if (isThere()) return;
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const what = lstatSync(folder).isSymbolicLink() ? 'a symbolic link, not a folder' : 'not a folder';
    throw Object.assign(new Error(`${folder} is ${what}`), { code: 'ENOTDIR', path: folder });
  }
}
