/** `-o DIR` beside everything else: messages come from the same pass over the packets that the flow files come from. */
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import {
  type BatchOptions,
  type CaptureInfo,
  type CaptureOptions,
  type CaptureStats,
  capture,
  type FlowEvent,
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
import { begunBefore } from './finish-only.js';
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
  /** Of `--write`, with a source of its own: it keeps packets by messages, and the flows are made of packets before that. */
  readonly #written: Tap | undefined;
  readonly #options: CaptureOptions;
  readonly #make: () => FlowFileWriter;
  readonly #bodies: boolean;
  readonly #since: bigint | undefined;
  #writer: FlowFileWriter | undefined;
  #messages: Tap | undefined;
  /** Why the packets ended early. */
  #failure: unknown;

  /**
   * @param since connections that began then or later are left out
   * @throws CaptureError as capture()
   */
  constructor(options: CaptureOptions, since: bigint | undefined, make: () => FlowFileWriter) {
    this.#since = since;
    const ofMessages = new Set<string>(messageOptions);
    const split = (wanted: boolean): CaptureOptions =>
      Object.fromEntries(Object.entries(options).filter(([name]) => ofMessages.has(name) === wanted));
    const { write, ...ofPackets } = split(false);
    const processes = options.processes === true;
    this.#options = { maxBodyBytes, maxQueuedBytes, processes, ...split(true) };
    this.#bodies = options.body !== 'none';
    this.#make = make;
    if (write === undefined) {
      this.#flows = flows(ofPackets);
      return;
    }
    const [one, other] = twoSources(ofPackets);
    this.#flows = flows(one);
    this.#written = capture({ ...other, ...split(true), ...(options.match === undefined && { body: 'none' }), write });
  }

  get ready(): Promise<void> {
    return Promise.all([this.#flows.ready, this.#written?.ready]).then(() => {});
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
    if (this.#written !== undefined) stats.write = this.#written.stats().write;
    if (this.#messages === undefined) return stats;
    const { http, delivery } = this.#messages.stats();
    return { ...stats, http, delivery };
  }

  stop(): void {
    this.#flows.stop();
    this.#written?.stop();
  }

  async close(): Promise<void> {
    await this.#messages?.close();
    await this.#flows.close();
    await this.#written?.close();
    await this.#writer?.end();
  }

  batches(options: BatchOptions = {}): AsyncIterableIterator<MessageBatch> {
    const writer = this.#make();
    this.#writer = writer;
    const messages = capture({ ...this.#options, stream: writer.packets(this.#events()) });
    this.#messages = messages;
    const packets = this.#written && takeAll(this.#written, options);
    return this.#withBodies(messages, writer, packets, options);
  }

  async *#withBodies(
    messages: Tap,
    writer: FlowFileWriter,
    packets: Promise<void> | undefined,
    options: BatchOptions,
  ): AsyncGenerator<MessageBatch, undefined> {
    for await (const batch of messages.batches({ exchanges: options.exchanges })) {
      if (this.#bodies) for (const message of batch) await writer.writeBody(message);
      yield batch;
    }
    await packets;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** What came before a failure is told in good order. */
  async *#events(): AsyncGenerator<Iterable<FlowEvent>, undefined> {
    try {
      yield* begunBefore(this.#since, this.#flows.batches());
    } catch (error) {
      this.#failure = error;
    }
  }
}

/** Why it ends early is told by its file, or by the flows, which have the same source. */
async function takeAll(tap: Tap, options: BatchOptions): Promise<void> {
  try {
    for await (const _ of tap.batches(options));
  } catch {}
}

/** A stream can be read once: it becomes two, and goes on as the slower of them does. */
function twoSources(options: CaptureOptions): [CaptureOptions, CaptureOptions] {
  const { stream } = options;
  if (stream === undefined) return [options, options];
  const source = Readable.from(stream as AsyncIterable<Uint8Array>, { objectMode: false });
  const [one, other] = [new PassThrough(), new PassThrough()];
  source.on('error', (error) => {
    one.destroy(error);
    other.destroy(error);
  });
  source.pipe(one);
  source.pipe(other);
  return [
    { ...options, stream: one },
    { ...options, stream: other },
  ];
}
