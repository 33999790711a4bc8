/** What is done with files that are finished: compressed, and removed when there are too many. */
import { rm } from 'node:fs/promises';
import { compressFile } from './compress-file.js';
import type { RotationFlags } from './options.js';

export class FinishedFiles {
  readonly #flags: RotationFlags;
  readonly #force: boolean;
  /** Those that are there, the oldest first. */
  readonly #paths: string[] = [];
  /** One after the other, while the next one is being written. */
  #tidied: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(flags: RotationFlags, force: boolean) {
    this.#flags = flags;
    this.#force = force;
  }

  get last(): string | undefined {
    return this.#paths.at(-1);
  }

  /** @param last no file follows, which would count among those that are kept */
  add(path: string, last: boolean): void {
    this.#tidied = this.#tidied
      .then(() => this.#tidy(path, last ? 0 : 1))
      .catch((error) => {
        this.#failure ??= error;
      });
  }

  /** Resolves when all of them are as they shall be; rejects when one of them could not be made so. */
  async end(): Promise<void> {
    await this.#tidied;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #tidy(path: string, follow: number): Promise<void> {
    const { compression, maxFiles = Number.POSITIVE_INFINITY } = this.#flags;
    this.#paths.push(path);
    // Somebody else may have removed one already.
    while (this.#paths.length > maxFiles - follow) await rm(this.#paths.shift() as string, { force: true });
    if (compression === undefined || this.#paths.at(-1) !== path) return;
    this.#paths[this.#paths.length - 1] = await compressFile(path, compression, this.#force);
  }
}
