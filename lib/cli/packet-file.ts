/** `--write FILE`: the packets of the connections whose messages are shown. */
import { existsSync } from 'node:fs';
import type { CaptureError, WriteOptions, WriteStats } from '../index.js';
import { formatAmount } from './format.js';
import { createFile, ownerOnly } from './new-file.js';
import { FinishedFiles } from './rotation/finished-files.js';
import type { RotationFlags } from './rotation/options.js';
import { sanitizeLine } from './terminal.js';

export interface PacketFileOptions {
  rotation: RotationFlags;
  /** Files may be replaced. */
  force: boolean;
}

/** The library writes it; here is what becomes of it. */
export class PacketFile {
  /** Of the capture. */
  readonly options: WriteOptions;
  readonly #flags: PacketFileOptions;
  readonly #finished: FinishedFiles;
  #error: Error | undefined;
  #tell: ((error: Error) => void) | undefined;

  constructor(file: string, flags: PacketFileOptions) {
    const { rotation, force } = flags;
    this.#flags = flags;
    this.#finished = new FinishedFiles(rotation, force);
    this.options = {
      file,
      // One file was made, or may be replaced.
      replace: rotation.rotation === undefined || force,
      rotate: rotation.rotation,
      onFinished: (path, last) => this.#finished.add(path, last),
      onError: (error: CaptureError) => this.#fail(error),
    };
  }

  /**
   * Makes the file. Several are made one after the other.
   * @throws Error with one line that says what to do
   */
  async open(): Promise<void> {
    const { rotation, force } = this.#flags;
    if (rotation.rotation !== undefined) return;
    const { file } = this.options;
    const compressed = `${file}.${rotation.compression}`;
    if (rotation.compression !== undefined && !force && existsSync(compressed)) {
      throw new Error(`${compressed} exists: --force replaces it`);
    }
    await createFile(file, force, ownerOnly);
  }

  /** Resolves when what was written is as it shall be; the capture has to be over. */
  async end(): Promise<void> {
    await this.#finished.end().catch((error: Error) => this.#fail(error));
  }

  /** Called once, when nothing more can be written. */
  onFailure(tell: (error: Error) => void): void {
    this.#tell = tell;
  }

  get failed(): boolean {
    return this.#error !== undefined;
  }

  #fail(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#tell?.(error);
  }

  /** It was told already. */
  isFailure(error: unknown): boolean {
    return this.#error !== undefined && (error as Error | undefined)?.message === this.#error.message;
  }

  report({ files, packets, connections, packetsLetGo }: WriteStats): string[] {
    const last = sanitizeLine(this.#finished.last ?? this.options.file);
    const file = files > 1 ? `${formatAmount(files, 'file')} until ${last}` : last;
    const lines = this.failed
      ? []
      : [`wrote ${formatAmount(packets, 'packet')} of ${formatAmount(connections, 'connection')} to ${file}`];
    if (packetsLetGo > 0) {
      lines.push(`${formatAmount(packetsLetGo, 'packet')} not written to ${file}: too many waited for a match`);
    }
    return lines;
  }
}
