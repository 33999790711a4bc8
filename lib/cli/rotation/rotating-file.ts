/** An output whose file makes way for the next one when it is large or old enough. */
import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { createFile } from '../new-file.js';
import { compressFile } from './compress-file.js';
import { compressions, type RotationFlags } from './options.js';

/** What writes a file. Everything rejects when it cannot be written. */
export interface FileWriter {
  /** Resolves when everything that was given is written. */
  flush(): Promise<void>;
  /** Completes the file. */
  end(): Promise<void>;
}

export class RotatingFile<W extends FileWriter> {
  readonly #path: string;
  readonly #flags: RotationFlags;
  readonly #force: boolean;
  readonly #open: (path: string) => W;
  /** Finished ones that are there, the oldest first. */
  readonly #finished: string[] = [];
  #current: { writer: W; path: string; beginsAt: bigint | undefined } | undefined;
  /** Compresses and removes what is finished, one after the other, while the next one is being written. */
  #tidied: Promise<void> = Promise.resolve();
  #failure: unknown;
  #count = 0;
  /** Of the last file that was there before. */
  #numberBefore = 0;

  /** @param open begins to write a file that is there already */
  constructor(path: string, flags: RotationFlags, force: boolean, open: (path: string) => W) {
    this.#path = path;
    this.#flags = flags;
    this.#force = force;
    this.#open = open;
  }

  /** How many files there were. */
  get count(): number {
    return this.#count;
  }

  /** What was written last. */
  get lastPath(): string {
    const path = this.#current?.path ?? this.#finished.at(-1);
    return path ?? this.#path;
  }

  /**
   * Makes the first file. Numbers go on after those of files that are there, be they compressed, unless they may be replaced.
   * @throws Error with one line that says what to do
   */
  async open(): Promise<void> {
    if (this.#flags.rotation !== undefined && !this.#force) this.#numberBefore = await highestNumber(this.#path);
    await this.#begin();
  }

  /**
   * Writes something, into a new file when it is time for one.
   * @param time of what is written, in nanoseconds since the Unix epoch
   */
  async write(time: bigint, write: (writer: W) => Promise<void>): Promise<void> {
    let current = this.#current ?? (await this.#begin());
    if (await this.#isFull(current, time)) {
      await this.#finish(1);
      current = await this.#begin();
    }
    current.beginsAt ??= time;
    await write(current.writer);
  }

  /** Completes the last file; resolves when all of them are as they shall be. */
  async end(): Promise<void> {
    await this.#finish(0);
    await this.#tidied;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #begin() {
    const number = this.#numberBefore + this.#count + 1;
    const path = this.#flags.rotation === undefined ? this.#path : numbered(this.#path, number);
    const { compression } = this.#flags;
    const compressed = `${path}.${compression}`;
    if (compression !== undefined && !this.#force && existsSync(compressed)) {
      throw new Error(`${compressed} exists: --force replaces it`);
    }
    await createFile(path, this.#force);
    this.#count++;
    this.#current = { writer: this.#open(path), path, beginsAt: undefined };
    return this.#current;
  }

  /** Not of an empty one: what is larger than a file may be has one for itself. */
  async #isFull({ writer, path, beginsAt }: { writer: W; path: string; beginsAt: bigint | undefined }, time: bigint) {
    const { bytes, ns } = this.#flags.rotation ?? {};
    if (beginsAt === undefined) return false;
    if (ns !== undefined && time - beginsAt >= ns) return true;
    if (bytes === undefined) return false;
    await writer.flush();
    return (await stat(path)).size >= bytes;
  }

  /** @param follow files that come after it, and count among those that are kept */
  async #finish(follow: number): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    await current.writer.end();
    this.#tidied = this.#tidied
      .then(() => this.#tidy(current.path, follow))
      .catch((error) => {
        this.#failure ??= error;
      });
  }

  async #tidy(path: string, follow: number): Promise<void> {
    const { compression, maxFiles = Number.POSITIVE_INFINITY } = this.#flags;
    this.#finished.push(path);
    // Somebody else may have removed one already.
    while (this.#finished.length > maxFiles - follow) await rm(this.#finished.shift() as string, { force: true });
    if (compression === undefined || this.#finished.at(-1) !== path) return;
    this.#finished[this.#finished.length - 1] = await compressFile(path, compression, this.#force);
  }
}

/** `day-0001.har` for `day.har`. */
function numbered(file: string, number: number): string {
  const { dir, name, ext } = path.parse(file);
  return path.join(dir, `${name}-${String(number).padStart(4, '0')}${ext}`);
}

/** Of the files that {@link numbered} names; 0 when there are none. */
async function highestNumber(file: string): Promise<number> {
  const { dir, name, ext } = path.parse(file);
  // A folder that cannot be listed may take files all the same.
  const names = await readdir(dir || '.').catch((): string[] => []);
  let highest = 0;
  for (const one of names) {
    if (!one.startsWith(`${name}-`)) continue;
    const [, digits, rest] = /^(\d{4,15})(.*)$/s.exec(one.slice(name.length + 1)) ?? [];
    if (rest === ext || compressions.some((compression) => rest === `${ext}.${compression}`)) {
      highest = Math.max(highest, Number(digits));
    }
  }
  return highest;
}
