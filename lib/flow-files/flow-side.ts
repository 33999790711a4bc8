/** One direction of a connection, and its files: one, unless much was missing in between. */
import type { Endpoint } from '../batch-buffer.js';
import type { FlowCounts, FlowGapCause, LinkAddresses } from '../flows/flow-records.js';
import type { NamedFlow } from './file-name.js';
import { FlowFile, type FlowFileSettings } from './flow-file.js';
import type { FlowFolder } from './flow-folder.js';

export interface FlowSideSettings extends FlowFileSettings {
  readonly newFileAfterGap: number;
}

export class FlowSide {
  readonly files: FlowFile[] = [];
  /** Messages that it carried so far. */
  messages = 0;
  /** Among all directions, in the order in which they were seen first. */
  number: number | undefined;
  #over = true;
  #link: LinkAddresses | undefined;
  #begun = false;

  /** @param onFailure called once for each file that is given up */
  constructor(
    private readonly flow: Omit<NamedFlow, 'number' | 'startTime' | 'link'>,
    private startTime: bigint | undefined,
    private readonly folder: FlowFolder | undefined,
    private readonly settings: FlowSideSettings,
    private readonly onFailure: (file: FlowFile, error: unknown) => void,
  ) {}

  /** The one that was written last. */
  get file(): FlowFile | undefined {
    return this.files.at(-1);
  }

  comesFrom({ address, port }: Endpoint): boolean {
    return this.flow.source.port === port && this.flow.source.address === address;
  }

  /** Of each event that brings bytes, or tells that they are missing, before it is added. */
  begin(event: { readonly linkAddresses: LinkAddresses | undefined }): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#link = event.linkAddresses;
  }

  add(offset: number, bytes: Uint8Array, time: bigint): void {
    this.#fileAt(offset, time).add(offset, bytes, time);
  }

  addGap(offset: number, length: number, cause: FlowGapCause, time: bigint): void {
    const file = this.#fileAt(offset, time);
    this.#watch(file, () => file.addHole(offset, length, cause));
    if (length >= this.settings.newFileAfterGap) this.#end();
  }

  flush(): void {
    const { file } = this;
    if (file !== undefined) this.#watch(file, () => file.flush());
  }

  finish(conflict: boolean, counts: FlowCounts | undefined): void {
    for (const file of this.files) file.conflict = conflict;
    const { file } = this;
    if (file !== undefined) file.counts = counts;
    this.#end();
  }

  /** Lets go what was opened to look for bodies. */
  close(): void {
    for (const file of this.files) this.#watch(file, () => this.folder?.close(file));
  }

  #end(): void {
    const { file } = this;
    if (this.#over || file === undefined) return;
    this.#over = true;
    this.#watch(file, () => {
      file.flush();
      file.finish();
    });
  }

  #fileAt(offset: number, time: bigint): FlowFile {
    const { file } = this;
    if (file !== undefined && !this.#over) return file;
    this.#over = false;
    this.startTime ??= time;
    const startTime = this.files.length === 0 ? this.startTime : time;
    const flow = { ...this.flow, link: this.#link, number: this.number ?? 0, startTime };
    const made = new FlowFile(flow, offset, this.folder, this.settings);
    this.files.push(made);
    return made;
  }

  #watch(file: FlowFile, write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!file.failed) this.onFailure(file, error);
      file.failed = true;
    }
  }
}
