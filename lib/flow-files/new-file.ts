/** Making files that were not there. */

import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, rmSync, type Stats, unlinkSync } from 'node:fs';
import path from 'node:path';
import { makeFolder, makeFoldersInside } from './make-folder.js';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR, O_TRUNC } = constants;

export interface NewFile {
  fd: number;
  /** Inside of the folder. */
  name: string;
  /** Which of the names it is. */
  repeat: number;
}

/** Names whose number of repeats is remembered, so that not all of them are tried each time. */
const maxRemembered = 65_536;

export class NewFiles {
  readonly #folder: string;
  readonly #finishedSuffix: string;
  readonly #companion: string;
  /** Files older than this may be replaced. */
  readonly #replaceBefore: number;
  readonly #repeats = new Map<string, number>();

  /**
   * @param replace replace files that were there before now
   * @param finishedSuffix what the names of files get later; one that is taken with it is not free
   * @param companion what is behind the name of a file beside it, which is not free when that is taken; empty: there is none
   */
  constructor(folder: string, replace: boolean, finishedSuffix: string, companion = '') {
    this.#folder = folder;
    this.#finishedSuffix = finishedSuffix;
    this.#companion = companion;
    makeFolder(folder);
    this.#replaceBefore = replace ? timeOfFileSystem(folder) : Number.NEGATIVE_INFINITY;
  }

  /**
   * Makes a file with the first name that is free.
   * @param nameOf gives a different name for each number of repeats
   * @throws what the system says
   */
  create(nameOf: (repeat: number) => string): NewFile {
    const first = nameOf(0);
    for (let repeat = this.#repeats.get(first) ?? 0; ; repeat++) {
      const name = nameOf(repeat);
      const fd = this.#open(name);
      if (fd === undefined) continue;
      if (this.#companion !== '') rmSync(path.join(this.#folder, name + this.#companion), { force: true });
      this.#repeats.delete(first);
      this.#repeats.set(first, repeat + 1);
      if (this.#repeats.size > maxRemembered) this.#repeats.delete(this.#repeats.keys().next().value as string);
      return { fd, name, repeat };
    }
  }

  #open(name: string): number | undefined {
    const file = path.join(this.#folder, name);
    if (name.includes('/')) makeFoldersInside(this.#folder, path.dirname(name));
    for (const suffix of this.#reserved) if (this.#isTaken(file + suffix)) return undefined;
    try {
      return openSync(file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    return this.#mayReplace(lstatSync(file)) ? openSync(file, O_RDWR | O_TRUNC | O_NOFOLLOW) : undefined;
  }

  get #reserved(): string[] {
    const both = [this.#finishedSuffix, this.#companion, this.#companion && this.#companion + this.#finishedSuffix];
    return both.filter((suffix) => suffix !== '');
  }

  #isTaken(file: string): boolean {
    const there = lstatSync(file, { throwIfNoEntry: false });
    return there !== undefined && !this.#mayReplace(there);
  }

  /** Times of modification are set to those of packets; the time of change is the system's own. */
  #mayReplace(there: Stats): boolean {
    return there.isFile() && there.ctimeMs < this.#replaceBefore;
  }
}

/** What its clock, which goes by ticks, puts on a file that is made now. */
function timeOfFileSystem(folder: string): number {
  const probe = path.join(folder, `.${randomUUID()}`);
  const fd = openSync(probe, O_RDWR | O_CREAT | O_EXCL, 0o600);
  try {
    return fstatSync(fd).ctimeMs;
  } finally {
    closeSync(fd);
    unlinkSync(probe);
  }
}
