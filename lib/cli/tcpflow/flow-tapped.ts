/** `-o DIR` beside everything else: messages come from the same pass over the packets that the flow files come from. */
import path from 'node:path';
import {
  type BatchOptions,
  type CaptureInfo,
  type CaptureOptions,
  type CaptureStats,
  capture,
  type FlowBatch,
  FlowFileWriter,
  type FlowTap,
  flows,
  type MessageBatch,
  type Tap,
} from '../../index.js';
import type { CaptureFlags } from '../flags.js';
import { formatAmount } from '../format.js';
import { compressFile } from '../rotation/compress-file.js';
import { sanitizeLine } from '../terminal.js';
import type { FlowFileFlags } from './options.js';

/** What of a tap the command uses. */
export type CommandTap = Pick<Tap, 'ready' | 'info' | 'stats' | 'stop' | 'close' | 'batches'>;

/** Whole bodies are wanted in files; what is open at a time is bounded all the same, see maxBufferedBytes. */
const maxBodyBytes = 256 * 1024 * 1024;

/** Messages that wait keep what is known of their flows. */
const maxQueuedBytes = 4 * 1024 * 1024;

/** About messages; the others are about packets. */
const messageOptions = ['match', 'matchScope', 'body', 'maxBodyBytes'] as const satisfies (keyof CaptureOptions)[];

/** @throws Error with one line that says what to do */
export function makeWriter(
  { tcpflow, outputs: { force }, rotation: { compression, rotation, maxFiles } }: CaptureFlags,
  onError: (error: Error) => void,
): FlowFileWriter {
  const { folder, ...options } = tcpflow.write as FlowFileFlags;
  const finished = compression && {
    onFinished: (file: string) => compressFile(file, compression, force),
    finishedSuffix: `.${compression}`,
  };
  const rotate = options.files ? { rotate: rotation, maxFolders: maxFiles } : {};
  const settings = { output: folder };
  try {
    return new FlowFileWriter(folder, { ...options, ...finished, ...rotate, force, onError, settings });
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw error;
    throw new Error(`${options.report ?? path.join(folder, 'report.xml')} exists: --force replaces it`);
  }
}

/** What is in files is there as it was captured. */
export function describeFiles({ folder, files }: FlowFileFlags): string[] {
  return files ? [`secrets are in ${sanitizeLine(folder)} as captured`] : [];
}

/** `12 flows and 3 bodies in out` */
export function reportFiles(writer: FlowFileWriter, { folder, files, report }: FlowFileFlags): string[] {
  const { flows: count, bodies, failed, cutBytes, folders } = writer.totals;
  const inFolders = folders > 1 ? `${formatAmount(folders, 'folder')} until ${writer.folder}` : writer.folder;
  const where = sanitizeLine(files ? inFolders : (report ?? folder));
  const lines = [`${formatAmount(count, 'flow')} and ${formatAmount(bodies, 'body', 'bodies')} in ${where}`];
  if (cutBytes > 0) lines.push(`${formatAmount(cutBytes, 'byte')} of flows left out because of --max-flow`);
  if (failed > 0) lines.push(`${formatAmount(failed, 'file')} could not be written, or not to the end`);
  return lines;
}

export class FlowTapped implements CommandTap {
  readonly #flows: FlowTap;
  readonly #options: CaptureOptions;
  readonly #make: () => FlowFileWriter;
  readonly #bodies: boolean;
  #writer: FlowFileWriter | undefined;
  #messages: Tap | undefined;
  /** Why the packets ended early. */
  #failure: unknown;

  /** @throws CaptureError as capture() */
  constructor(options: CaptureOptions, make: () => FlowFileWriter) {
    const ofMessages = new Set<string>(messageOptions);
    const split = (wanted: boolean): CaptureOptions =>
      Object.fromEntries(Object.entries(options).filter(([name]) => ofMessages.has(name) === wanted));
    this.#options = { maxBodyBytes, maxQueuedBytes, ...split(true) };
    this.#bodies = options.body !== 'none';
    this.#make = make;
    this.#flows = flows(split(false));
  }

  get ready(): Promise<void> {
    return this.#flows.ready;
  }

  get info(): CaptureInfo | undefined {
    return this.#flows.info;
  }

  /** Undefined as long as nothing was asked for. */
  get writer(): FlowFileWriter | undefined {
    return this.#writer;
  }

  /** Packets and connections as they were captured, messages as they were found in them. */
  stats(): CaptureStats {
    const stats = this.#flows.stats();
    if (this.#messages === undefined) return stats;
    const { http, delivery } = this.#messages.stats();
    return { ...stats, http, delivery };
  }

  stop(): void {
    this.#flows.stop();
  }

  async close(): Promise<void> {
    await this.#messages?.close();
    await this.#flows.close();
    await this.#writer?.end();
  }

  batches(options: BatchOptions = {}): AsyncIterableIterator<MessageBatch> {
    const writer = this.#make();
    this.#writer = writer;
    const messages = capture({ ...this.#options, stream: writer.packets(this.#events()) });
    this.#messages = messages;
    return this.#written(messages, writer, options);
  }

  async *#written(
    messages: Tap,
    writer: FlowFileWriter,
    options: BatchOptions,
  ): AsyncGenerator<MessageBatch, undefined> {
    for await (const batch of messages.batches(options)) {
      if (this.#bodies) for (const message of batch) await writer.writeBody(message);
      yield batch;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** What came before a failure is told in good order. */
  async *#events(): AsyncGenerator<FlowBatch, undefined> {
    try {
      yield* this.#flows.batches();
    } catch (error) {
      this.#failure = error;
    }
  }
}
