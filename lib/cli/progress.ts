/** How far a file was read, on a terminal. */
import { open } from 'node:fs/promises';
import type { SingleBar } from 'cli-progress';
import type { CaptureStats } from '../index.js';
import { formatCount } from './format.js';

/** What is over sooner needs no bar. */
const delayMs = 500;
const intervalMs = 200;

/** What a capture file has beside the bytes of packets. */
interface FileForm {
  bytes: number;
  headerBytes: number;
  /** With each packet; of pcapng mostly. */
  packetBytes: number;
}

export interface ProgressOptions {
  path: string;
  stream: NodeJS.WriteStream;
  stats: () => CaptureStats;
  /** So many came out at the other end. */
  messages: () => number;
}

export class Progress {
  readonly #options: ProgressOptions;
  #timer: NodeJS.Timeout | undefined;
  #bar: SingleBar | undefined;
  #stopped = false;
  readonly #startedAt = performance.now();

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => void this.#begin(), delayMs);
    this.#timer.unref();
  }

  /** Takes it off the terminal, for good. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#timer);
    this.#bar?.stop();
    this.#bar = undefined;
  }

  async #begin(): Promise<void> {
    const form = await formOf(this.#options.path);
    // Neither may be readable any more when root was given up.
    const bars = await import('cli-progress').catch(() => undefined);
    if (this.#stopped || form === undefined || bars === undefined) return;
    this.#bar = new bars.default.SingleBar({
      stream: this.#options.stream,
      clearOnComplete: true,
      // Of what is compressed nobody knows how much there is.
      format:
        form.packetBytes > 0
          ? '[{bar}] {percentage}%  {read} of {size}  {rate}/s  {eta_formatted} left  {messages} messages'
          : '{read} unpacked  {rate}/s  {messages} messages',
      barsize: 20,
      etaBuffer: 50,
    });
    const read = this.#bytesTaken(form);
    this.#bar.start(form.bytes, read, this.#payload(form, read));
    this.#timer = setInterval(() => this.#update(form), intervalMs);
    this.#timer.unref();
  }

  #update(form: FileForm): void {
    const read = this.#bytesTaken(form);
    this.#bar?.update(read, this.#payload(form, read));
  }

  #bytesTaken(form: FileForm): number {
    const stats = this.#options.stats();
    const bytes = Math.round(bytesRead(stats, form) * shareTaken(stats, this.#options.messages()));
    return form.packetBytes > 0 ? Math.min(bytes, form.bytes) : bytes;
  }

  #payload({ bytes }: FileForm, read: number): Record<string, string> {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    return {
      read: megabytes(read),
      size: megabytes(bytes),
      rate: megabytes(read / seconds),
      messages: formatCount(this.#options.messages()),
    };
  }
}

/** What packets take in the file; of those that the filter rejected as much as of the others. */
export function bytesRead({ packets }: Pick<CaptureStats, 'packets'>, { headerBytes, packetBytes }: FileForm): number {
  if (packets.received === 0) return headerBytes;
  const perPacket = packets.bytes / packets.received + packetBytes;
  return Math.round(headerBytes + perPacket * (packets.received + packets.filteredOut));
}

/** What was read ahead, for an output that is slower, does not count. */
function shareTaken({ delivery }: Pick<CaptureStats, 'delivery'>, messages: number): number {
  const taken = messages + delivery.messagesNotMatched;
  return delivery.messagesDelivered > 0 ? Math.min(1, taken / delivery.messagesDelivered) : 1;
}

/** Undefined for what is no regular file. */
async function formOf(path: string): Promise<FileForm | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return undefined;
    const magic = Buffer.alloc(4);
    await file.read(magic, 0, 4, 0);
    return { bytes: stat.size, ...sizesOf(magic.readUInt32LE()) };
  } finally {
    await file.close();
  }
}

const pcapMagics = new Set([0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1]);
const pcapngMagic = 0x0a0d0d0a;

function sizesOf(magic: number): Pick<FileForm, 'headerBytes' | 'packetBytes'> {
  if (pcapMagics.has(magic)) return { headerBytes: 24, packetBytes: 16 };
  // The fixed part of an enhanced packet block, and what rounds the packet up to four bytes.
  if (magic === pcapngMagic) return { headerBytes: 48, packetBytes: 33.5 };
  return { headerBytes: 0, packetBytes: 0 };
}

function megabytes(bytes: number): string {
  return bytes < 999.5e6 ? `${(bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
