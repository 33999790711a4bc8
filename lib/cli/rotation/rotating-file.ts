/** An output whose file makes way for the next one when it is large or old enough. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { lastNumberOf, numberedFile } from '../../command-entry.js';
import { createFile } from '../new-file.js';
import { FinishedFiles } from './finished-files.js';
import type { RotationFlags } from './options.js';

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
  readonly #finished: FinishedFiles;
  #current: { writer: W; path: string; beginsAt: bigint | undefined } | undefined;
  #count = 0;
  /** Of the last file that was there before. */
  #numberBefore = 0;

  /** @param open begins to write a file that is there already */
  constructor(path: string, flags: RotationFlags, force: boolean, open: (path: string) => W) {
    this.#path = path;
    this.#flags = flags;
    this.#force = force;
    this.#open = open;
    this.#finished = new FinishedFiles(flags, force);
  }

  /** How many files there were. */
  get count(): number {
    return this.#count;
  }

  /** What was written last. */
  get lastPath(): string {
    const path = this.#current?.path ?? this.#finished.last;
    return path ?? this.#path;
  }

  /**
   * Makes the first file. Numbers go on after those of files that are there, be they compressed, unless they may be replaced.
   * @throws Error with one line that says what to do
   */
  async open(): Promise<void> {
    if (this.#flags.rotation !== undefined && !this.#force) this.#numberBefore = lastNumberOf(this.#path);
    await this.#begin();
  }

  /**
   * Writes something, into a new file when it is time for one.
   * @param time of what is written, in nanoseconds since the Unix epoch
   */
  async write(time: bigint, write: (writer: W) => Promise<void>): Promise<void> {
    let current = this.#current ?? (await this.#begin());
    if (await this.#isFull(current, time)) {
      await this.#finish(false);
      current = await this.#begin();
    }
    current.beginsAt ??= time;
    await write(current.writer);
  }

  /** Completes the last file; resolves when all of them are as they shall be. */
  async end(): Promise<void> {
    await this.#finish(true);
    await this.#finished.end();
  }

  async #begin() {
    const number = this.#numberBefore + this.#count + 1;
    const path = this.#flags.rotation === undefined ? this.#path : numberedFile(this.#path, number);
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

  async #finish(last: boolean): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    await current.writer.end();
    this.#finished.add(current.path, last);
  }
}
