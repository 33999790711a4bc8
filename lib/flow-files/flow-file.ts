/** The file of one direction of a connection. */
import { createHash, type Hash } from 'node:crypto';
import { futimesSync, readSync, writeSync } from 'node:fs';
import type { FlowCounts, FlowGapCause } from '../flows/flow-records.js';
import type { ConnectionProcess } from '../system/connection-process.js';
import type { NamedFlow } from './file-name.js';
import type { FlowFolder } from './flow-folder.js';

/** Bytes that are missing: a hole in the file, which reads as zeros. */
export interface Hole {
  offset: number;
  length: number;
  cause: FlowGapCause;
}

/** A decoded body in a file of its own, and where in the file it was. */
export interface BodyFile {
  name: string;
  size: number;
  /** Of the bytes as they were sent, in the flow's file; undefined where it is not known. */
  fileOffset: number | undefined;
  digest: string | undefined;
  /** Why not all of it is there, or not as it was meant. */
  note: string | undefined;
}

/** Holes that a report lists; of the others only how many there were. */
const maxHoles = 1000;
const zeros = Buffer.alloc(64 * 1024);
const searchBytes = 256 * 1024;

/** What tcpflow calls the file with the times of a flow's bytes. */
export const indexSuffix = '.findx';

export interface FlowFileSettings {
  readonly maxFileBytes: number;
  readonly digest: string | undefined;
  /** Write an index of times. */
  readonly index: boolean;
}

export class FlowFile {
  /** Bytes from its start to the last one that was written. */
  size = 0;
  /** Time of the last packet with bytes, in nanoseconds. */
  endTime: bigint;
  /** Pieces of payload. */
  packets = 0;
  /** Payload. */
  bytes = 0;
  /** Of all packets of the direction; undefined before its end, and when it has another file behind this one. */
  counts: FlowCounts | undefined;
  readonly holes: Hole[] = [];
  holeCount = 0;
  missingBytes = 0;
  readonly bodies: BodyFile[] = [];
  /** It could not be written: what follows is let go. */
  failed = false;
  /** Bytes over the limit, which were let go. */
  cut = 0;
  /** Packets of the connection disagreed about bytes. */
  conflict = false;
  digest: string | undefined;
  /** Of this machine, which has the socket. */
  process: ConnectionProcess | undefined;
  /** Inside of the folder; undefined as long as nothing is written. */
  name: string | undefined;
  /** Bytes in order that are not written yet, and where they belong. */
  #pending: Uint8Array[] = [];
  #pendingLength = 0;
  #position = 0;
  /** Lines of it that are not written yet. */
  #index = '';
  readonly #hash: Hash | undefined;
  /** Where the next message begins at the earliest. */
  #messagesFrom = 0;

  /**
   * @param start offset in the stream at which the file begins
   * @param folder undefined: bytes are counted, not written
   */
  constructor(
    readonly flow: NamedFlow,
    readonly start: number,
    private readonly ownFolder: FlowFolder | undefined,
    private readonly settings: FlowFileSettings,
  ) {
    const { digest } = settings;
    this.endTime = flow.startTime;
    this.#hash = digest === undefined ? undefined : createHash(digest);
  }

  /** Undefined: nothing is written. */
  private get folder(): FlowFolder | undefined {
    return this.ownFolder?.removed ? undefined : this.ownFolder;
  }

  /** Names of all that belongs to it, itself the last. */
  get names(): string[] {
    if (this.name === undefined) return [];
    const index = this.settings.index ? [this.name + indexSuffix] : [];
    return [...this.bodies.map((body) => body.name), ...index, this.name];
  }

  /** Takes bytes of the stream; they are looked at until the next {@link flush}. */
  add(offset: number, bytes: Uint8Array, time: bigint): void {
    this.packets++;
    this.bytes += bytes.length;
    if (time > this.endTime) this.endTime = time;
    const position = offset - this.start;
    const room = Math.max(0, this.settings.maxFileBytes - position);
    const kept = bytes.length > room ? bytes.subarray(0, room) : bytes;
    this.cut += bytes.length - kept.length;
    if (kept.length === 0 || this.failed) return;
    if (this.#pendingLength === 0) this.#position = position;
    this.#pending.push(kept);
    this.#pendingLength += kept.length;
    if (this.settings.index) this.#index += indexLine(position, time, kept.length);
  }

  /** @throws what the system says about the bytes before it */
  addHole(offset: number, length: number, cause: FlowGapCause): void {
    this.holeCount++;
    this.missingBytes += length;
    if (this.holes.length < maxHoles) this.holes.push({ offset: offset - this.start, length, cause });
    this.flush();
  }

  /** @throws what the system says */
  flush(): void {
    if (this.#pendingLength === 0) return;
    const [first] = this.#pending;
    const bytes = this.#pending.length === 1 && first ? first : Buffer.concat(this.#pending, this.#pendingLength);
    this.#pending = [];
    this.#pendingLength = 0;
    const { folder } = this;
    if (folder !== undefined) writeAll(folder.descriptorOf(this), bytes, this.#position);
    if (this.#index !== '') folder?.appendBeside(this.name + indexSuffix, this.#index);
    this.#index = '';
    this.#addToHash(bytes, this.#position - this.size);
    this.size = this.#position + bytes.length;
  }

  /** Nothing follows. */
  finish(): void {
    if (this.digest === undefined) this.digest = this.#hash?.digest('hex');
    if (this.folder === undefined || this.name === undefined) return;
    const seconds = Number(this.endTime / 1000n) / 1e6;
    try {
      if (!this.failed) futimesSync(this.folder.descriptorOf(this), seconds, seconds);
    } finally {
      this.folder.close(this);
    }
  }

  /**
   * Where the body of a message begins, by its head. Messages come in the order of the file.
   * @param length of the body without the framing of chunks
   */
  findBody(head: Uint8Array, length: number): number | undefined {
    if (this.folder === undefined || this.name === undefined || this.failed) return undefined;
    const fd = this.folder.descriptorOf(this);
    // Mostly it is the very next thing.
    let found = search(fd, Buffer.allocUnsafe(head.length), this.#messagesFrom, head);
    if (found === undefined) {
      const window = Buffer.allocUnsafe(searchBytes + head.length);
      for (let at = this.#messagesFrom; found === undefined && at + head.length <= this.size; at += searchBytes) {
        found = search(fd, window, at, head);
      }
    }
    // Not there: it was cut off by the limit, and so is all that follows.
    this.#messagesFrom = found === undefined ? this.size : found + head.length + length;
    return found === undefined ? undefined : found + head.length;
  }

  #addToHash(bytes: Uint8Array, hole: number): void {
    if (this.#hash === undefined) return;
    for (let left = hole; left > 0; left -= zeros.length) {
      this.#hash.update(left < zeros.length ? zeros.subarray(0, left) : zeros);
    }
    this.#hash.update(bytes);
  }
}

/** As tcpflow writes it: where in the file, when, how many bytes. */
function indexLine(position: number, time: bigint, length: number): string {
  const us = String((time % 1_000_000_000n) / 1000n).padStart(6, '0');
  return `${position}|${time / 1_000_000_000n}.${us}|${length}\n`;
}

function search(fd: number, window: Buffer, at: number, wanted: Uint8Array): number | undefined {
  const index = window.subarray(0, readSync(fd, window, 0, window.length, at)).indexOf(wanted);
  return index < 0 ? undefined : at + index;
}

/**
 * @param position null: where the file is
 * @throws what the system says
 */
export function writeAll(fd: number, bytes: Uint8Array, position: number | null): void {
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(fd, bytes, at, bytes.length - at, position === null ? null : position + at);
  }
}
