/** The folder that flow files are in: their names, and the descriptors of those that are being written. */
import { closeSync, constants, openSync } from 'node:fs';
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

  /** @param newFiles makes those in the folder */
  constructor(folder: string, template: NameTemplate, newFiles: NewFiles, maxOpenFiles: number) {
    this.#path = folder;
    this.#template = template;
    this.#newFiles = newFiles;
    this.#open = new OpenFiles(maxOpenFiles);
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
