/** A folder of flow files with its report. With `rotate` there are several, one after the other. */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { CaptureError } from '../errors.js';
import type { ConnectionProcess } from '../system/connection-process.js';
import type { BodyBytes } from './body-bytes.js';
import type { FlowFile } from './flow-file.js';
import { indexSuffix } from './flow-file.js';
import type { ResolvedFlowFileOptions } from './flow-file-options.js';
import { type FlowFileTotals, noTotals } from './flow-file-totals.js';
import { FlowFolder } from './flow-folder.js';
import { FlowReport } from './flow-report.js';
import { makeFolder } from './make-folder.js';
import { NewFiles } from './new-file.js';
import type { OneByOne } from './one-by-one.js';

export interface VolumeContext {
  readonly options: ResolvedFlowFileOptions;
  /** Of all volumes; what one of them adds to its own is added here too. */
  readonly totals: FlowFileTotals;
  /** What is done with files when they are finished. */
  readonly finishing: OneByOne;
  /** Of all volumes, if they have one together. */
  readonly report: FlowReport | undefined;
  /** @param name what could not be written */
  onFailure(name: string, error: unknown): void;
}

export class FlowVolume {
  readonly path: string;
  readonly folder: FlowFolder | undefined;
  /** When its first connection began. */
  beginsAt: bigint | undefined;
  /** Of flows and bodies. */
  bytes = 0;
  readonly #context: VolumeContext;
  readonly #report: FlowReport | undefined;
  readonly #ownReport: FlowReport | undefined;
  readonly #totals = noTotals();
  #connections = 0;
  #open = 0;
  #most = 0;
  /** Connections of which something may still come. */
  #waiting = 0;
  #left = false;

  /**
   * @param isNew the folder may not be there yet
   * @throws CaptureError `ERR_FILE`
   */
  constructor(folder: string, context: VolumeContext, isNew: boolean) {
    this.path = folder;
    this.#context = context;
    if (isNew) makeNew(folder);
    try {
      this.folder = this.#beginFolder();
      this.#ownReport = context.report === undefined ? this.#beginReport() : undefined;
    } catch (error) {
      if (isNew) rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    this.#report = context.report ?? this.#ownReport;
    this.#count('folders');
  }

  #beginFolder(): FlowFolder | undefined {
    const { template, force, finishedSuffix, maxOpenFiles, files, sides } = this.#context.options;
    if (!files) return undefined;
    try {
      const newFiles = new NewFiles(this.path, force, finishedSuffix, sides.index ? indexSuffix : '');
      return new FlowFolder(this.path, template, newFiles, maxOpenFiles);
    } catch (error) {
      throw cannotWrite(this.path, error);
    }
  }

  #beginReport(): FlowReport | undefined {
    const { options } = this.#context;
    return beginReport(options, this.path, (name, error) => this.#fail(name, error));
  }

  /** A connection that has its files here. */
  connect(time: bigint): void {
    this.beginsAt ??= time;
    this.#connections++;
    this.#waiting++;
    this.#open++;
    this.#most = Math.max(this.#most, this.#open);
  }

  /** It is over. Messages of it may still come. */
  disconnect(): void {
    this.#open--;
  }

  /** Nothing more comes of a connection; these were its files. */
  retire(files: readonly FlowFile[], process: ConnectionProcess | undefined): void {
    for (const file of files) {
      file.process = process;
      this.#count('flows');
      this.#count('bytes', file.bytes);
      this.#count('missingBytes', file.missingBytes);
      this.#count('cutBytes', file.cut);
      if (this.#context.options.onFinished === undefined) this.#addToReport(file);
      else this.#context.finishing.add(() => this.#handOver(file));
    }
    this.#waiting--;
    this.#finishIfOver();
  }

  /** The next one cannot be made: as if this one had just begun. */
  stay(time: bigint): void {
    this.bytes = 0;
    this.beginsAt = time;
  }

  /** No connection begins here any more. */
  leave(): void {
    this.#left = true;
    this.#finishIfOver();
  }

  /** With everything in it. */
  remove(): void {
    try {
      this.folder?.remove();
    } catch (error) {
      this.#fail(this.path, error);
    }
  }

  /** A body that the flow carried, in a file of its own. */
  writeBody(
    file: FlowFile,
    number: number,
    extension: string,
    { bytes, note }: BodyBytes,
    at: () => number | undefined,
  ) {
    if (this.folder === undefined || this.folder.removed || file.name === undefined) return;
    const base = `${file.name}-HTTPBODY-${String(number).padStart(3, '0')}`;
    const { digest } = this.#context.options.sides;
    try {
      const name = this.folder.writeFile((repeat) => `${base}${repeat === 0 ? '' : `c${repeat}`}${extension}`, bytes);
      file.bodies.push({
        name,
        size: bytes.length,
        fileOffset: at(),
        digest: digest === undefined ? undefined : createHash(digest).update(bytes).digest('hex'),
        note,
      });
      this.#count('bodies');
      this.bytes += bytes.length;
    } catch (error) {
      this.#fail(base, error);
    }
  }

  onFileFailure(file: FlowFile, error: unknown): void {
    this.#fail(file.name ?? (error as NodeJS.ErrnoException).path ?? this.path, error);
  }

  flushReport(): void {
    if (!this.#isGone) this.#report?.flush();
  }

  get #isGone(): boolean {
    return this.folder?.removed ?? false;
  }

  #addToReport(file: FlowFile): void {
    if (!this.#isGone) this.#report?.add(file, (name) => path.join(this.path, name));
  }

  async #handOver(file: FlowFile): Promise<void> {
    const { onFinished } = this.#context.options;
    const take = async (name: string): Promise<string> => {
      if (this.#isGone || onFinished === undefined) return name;
      try {
        return path.relative(this.path, await onFinished(path.join(this.path, name)));
      } catch (error) {
        this.#fail(name, error);
        return name;
      }
    };
    for (const body of file.bodies) body.name = await take(body.name);
    if (file.name !== undefined) {
      if (this.#context.options.sides.index) await take(file.name + indexSuffix);
      file.name = await take(file.name);
    }
    this.#addToReport(file);
    this.flushReport();
  }

  #finishIfOver(): void {
    if (this.#left && this.#waiting === 0) this.#context.finishing.add(() => this.#finish());
  }

  #finish(): void {
    try {
      // Messages that came late may have opened files again.
      this.folder?.closeAll();
    } catch (error) {
      this.#fail(this.path, error);
    }
    const totals = { max_open_flows: this.#most, total_connections: this.#connections, ...reportTotals(this.#totals) };
    this.#ownReport?.end(totals);
  }

  #count(what: keyof FlowFileTotals, by = 1): void {
    this.#totals[what] += by;
    this.#context.totals[what] += by;
  }

  #fail(name: string, error: unknown): void {
    // What is removed need not be written.
    if (this.#isGone) return;
    this.#count('failed');
    this.#context.onFailure(name, error);
  }
}

/** @throws CaptureError `ERR_FILE` */
function makeNew(folder: string): void {
  try {
    makeFolder(path.dirname(folder));
    mkdirSync(folder);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/**
 * @param folder where it is, unless the options say otherwise
 * @throws CaptureError `ERR_FILE`
 */
export function beginReport(
  { report, force, settings, sides: { digest } }: ResolvedFlowFileOptions,
  folder: string,
  onFailure: (name: string, error: unknown) => void,
): FlowReport | undefined {
  if (report === false) return undefined;
  const file = report ?? path.join(folder, 'report.xml');
  try {
    return new FlowReport(file, { force, followLinks: report !== undefined, digest, settings }, onFailure);
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

/** As the report calls them. */
export function reportTotals({ flows, bytes, missingBytes, bodies, failed }: FlowFileTotals) {
  return {
    total_flows: flows,
    total_bytes: bytes,
    missing_bytes: missingBytes,
    total_bodies: bodies,
    failed_files: failed,
  };
}

export function cannotWrite(name: string, error: unknown): CaptureError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = code === 'EEXIST' ? 'it exists, and is not replaced unless force is set' : message;
  return new CaptureError('ERR_FILE', `Cannot write ${name}: ${reason}`, { cause: error });
}
