/** The folder that flow files are in: their names, and the descriptors of those that are being written. */
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { NameTemplate } from './file-name.js';
import { type FlowFile, writeAll } from './flow-file.js';
import type { NewFiles } from './new-file.js';
import { OpenFiles } from './open-files.js';

export class FlowFolder {
  readonly #path: string;
  readonly #template: NameTemplate;
  readonly #newFiles: NewFiles;
  readonly #open: OpenFiles<FlowFile>;
  #removed = false;

  /** @param newFiles makes those in the folder */
  constructor(folder: string, template: NameTemplate, newFiles: NewFiles, maxOpenFiles: number) {
    this.#path = folder;
    this.#template = template;
    this.#newFiles = newFiles;
    this.#open = new OpenFiles(maxOpenFiles);
  }

  /** It is not there any more: nothing is to be written to it. */
  get removed(): boolean {
    return this.#removed;
  }

  /**
   * Removes it with everything in it.
   * @throws what the system says
   */
  remove(): void {
    this.#removed = true;
    this.#open.closeAll();
    rmSync(this.#path, { recursive: true, force: true });
  }

  /** Path of a file from where the process is. */
  pathOf(name: string): string {
    return path.join(this.#path, name);
  }

  /**
   * For reading and writing, until the next call. The first makes the file.
   * @throws what the system says
   */
  descriptorOf(file: FlowFile): number {
    return this.#open.of(file, () => {
      if (file.name !== undefined) {
        return openSync(this.pathOf(file.name), constants.O_RDWR | constants.O_NOFOLLOW);
      }
      const { fd, name } = this.#newFiles.create((repeat) => this.#template.format(file.flow, repeat));
      file.name = name;
      return fd;
    });
  }

  /** @throws what the system says */
  close(file: FlowFile): void {
    this.#open.close(file);
  }

  /** @throws what the system says */
  closeAll(): void {
    this.#open.closeAll();
  }

  /**
   * Adds to a file beside that of a flow.
   * @throws what the system says
   */
  appendBeside(name: string, text: string): void {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
    const fd = this.#open.withRoom(() =>
      openSync(this.pathOf(name), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o666),
    );
    try {
      writeAll(fd, Buffer.from(text), null);
    } finally {
      closeSync(fd);
    }
  }

  /**
   * Writes a file that is whole.
   * @throws what the system says
   */
  writeFile(nameOf: (repeat: number) => string, bytes: Uint8Array): string {
    const { fd, name } = this.#open.withRoom(() => this.#newFiles.create(nameOf));
    try {
      writeAll(fd, bytes, 0);
    } finally {
      closeSync(fd);
    }
    return name;
  }
}
