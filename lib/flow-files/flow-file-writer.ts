/// <reference lib="esnext.disposable" preserve="true" />
/** Flow files: the bytes of TCP connections, and the bodies that they carried, in files. */
import { createHash, getHashes } from 'node:crypto';
import path from 'node:path';
import { inspect } from 'node:util';
import { badOption, checkOptions, wholeNumber } from '../check-options.js';
import { CaptureError } from '../errors.js';
import type { FlowEvent } from '../flows/flow-event.js';
import type { FlowConnection } from '../flows/flow-records.js';
import type { Message } from '../message.js';
import { decodedBody, sentBody } from './body-bytes.js';
import { DfxmlReport } from './dfxml-report.js';
import { defaultTemplate, NameTemplate } from './file-name.js';
import type { FlowFile } from './flow-file.js';
import { FlowFolder } from './flow-folder.js';
import { FlowPackets } from './flow-packets.js';
import { FlowSide } from './flow-side.js';
import { extensionOf } from './media-type-extension.js';
import { NewFiles } from './new-file.js';

export interface FlowFileOptions {
  /** How files are named, see docs/tcpflow.md; `/` makes folders. Default `'%A.%a-%B.%b%V%v%C%c'`. */
  template?: string | undefined;
  /** Replace files that were there before. Default false: the next free name is taken. */
  force?: boolean | undefined;
  /** Bytes of a flow that are kept, holes included. Default: all. */
  maxFileBytes?: number | undefined;
  /** Missing bytes after which a new file begins, from 1; fewer make a hole. Default 16 MiB. */
  newFileAfterGap?: number | undefined;
  /** Files that are open at a time, from 1. Default 256. */
  maxOpenFiles?: number | undefined;
  /** False: only the report. Default true. */
  files?: boolean | undefined;
  /** False: bodies with their content codings, as they were sent. Default true. */
  decode?: boolean | undefined;
  /** Hash of each file for the report: `'md5'`, `'sha1'`, `'sha256'`. Default: none. */
  digest?: string | undefined;
  /** Path of the report, in DFXML; false: none. Default `report.xml` in the folder. */
  report?: string | false | undefined;
  /** What else the report shall tell of how it came about. */
  settings?: Readonly<Record<string, string>> | undefined;
  /**
   * Called with the path of each file that is finished, one after the other. Resolves to the path that it has from then on, for the
   * report; what rejects counts as not written.
   */
  onFinished?: ((path: string) => Promise<string>) | undefined;
  /** What `onFinished` puts behind names, such as `'.gz'`: a name is free when there is no such file either. Default: nothing. */
  finishedSuffix?: string | undefined;
  /** Called once, when something could not be written; everything else goes on. */
  onError?: ((error: CaptureError) => void) | undefined;
}

/** What was written so far. */
export interface FlowFileTotals {
  /** Directions with bytes. */
  flows: number;
  bytes: number;
  /** Bytes that are missing. */
  missingBytes: number;
  /** Bytes beyond `maxFileBytes`. */
  cutBytes: number;
  bodies: number;
  /** Files that could not be written, or not to their end. */
  failed: number;
}

const optionNames: readonly (keyof FlowFileOptions)[] = [
  'template',
  'force',
  'maxFileBytes',
  'newFileAfterGap',
  'maxOpenFiles',
  'files',
  'decode',
  'digest',
  'report',
  'settings',
  'onFinished',
  'finishedSuffix',
  'onError',
];

/** Connections that are over, but whose messages may still come. Beyond that the oldest are given up. */
const maxClosed = 16_384;
/** Files that wait for onFinished before the next events are taken. */
const maxUnfinished = 256;

/** The two directions of a connection: what the client says comes first. */
interface Flows {
  readonly sides: readonly [FlowSide, FlowSide];
  /** What capture() calls it. */
  id: number;
  /** Places in the order of all opens and closes. */
  readonly openedAt: number;
  closedAt: number;
}

/**
 * Writes what {@link flows} tells: a file for each direction of each connection, in order, with holes where bytes are missing; the bodies
 * of HTTP messages beside them, decoded; and a report of all that. Files are written at once, so that what was captured is on disk.
 *
 * @example
 * const files = new FlowFileWriter('out');
 * const tap = flows({ file: 'day.pcap' });
 * for await (const message of capture({ stream: files.packets(tap.batches()) })) await files.writeBody(message);
 * await files.end();
 */
export class FlowFileWriter implements AsyncDisposable {
  readonly #folder: FlowFolder | undefined;
  readonly #path: string;
  readonly #options: {
    maxFileBytes: number;
    newFileAfterGap: number;
    decode: boolean;
    digest: string | undefined;
    onFinished: ((path: string) => Promise<string>) | undefined;
    onError: (error: CaptureError) => void;
  };
  #report: DfxmlReport | undefined;
  readonly #reportPath: string;
  /** By the ids of flows(). */
  readonly #open = new Map<number, Flows>();
  /** By the ids of capture(), the oldest first. */
  readonly #known = new Map<number, Flows>();
  readonly #closed = new Set<Flows>();
  /** Those of them whose messages may come late, because what closed them is not among the packets, or they wait for missing bytes. */
  readonly #lingering = new Set<Flows>();
  #order = 0;
  #packets: FlowPackets | undefined;
  #sessions = 0;
  #numbers = 0;
  #most = 0;
  #connections = 0;
  #ended: Promise<void> | undefined;
  /** Files that are finished are in the report. */
  #finished: Promise<void> = Promise.resolve();
  #unfinished = 0;
  #errors = 0;
  readonly #totals: FlowFileTotals = { flows: 0, bytes: 0, missingBytes: 0, cutBytes: 0, bodies: 0, failed: 0 };

  /**
   * Makes the folder and begins the report.
   * @throws CaptureError `ERR_OPTION`; `ERR_FILE` when that is not possible, or there is a report already and no `force`
   */
  constructor(folder: string, options: FlowFileOptions = {}) {
    checkOptions(options, optionNames, 'FlowFileWriter');
    if (typeof folder !== 'string' || folder === '') throw badOption('FlowFileWriter takes the path of a folder');
    const { digest, force = false, report = path.join(folder, 'report.xml'), finishedSuffix = '' } = options;
    if (digest !== undefined && !getHashes().includes(digest)) {
      throw badOption(`digest must be the name of a hash, such as 'md5' or 'sha256', not ${inspect(digest)}`);
    }
    const template = new NameTemplate(options.template ?? defaultTemplate);
    this.#path = folder;
    this.#options = {
      maxFileBytes: wholeNumber('maxFileBytes', options.maxFileBytes, Number.MAX_SAFE_INTEGER, 0),
      newFileAfterGap: wholeNumber('newFileAfterGap', options.newFileAfterGap, 16 * 1024 * 1024, 1),
      decode: options.decode ?? true,
      digest,
      onFinished: options.onFinished,
      onError: options.onError ?? (() => {}),
    };
    const most = wholeNumber('maxOpenFiles', options.maxOpenFiles, 256, 1);
    try {
      if (options.files !== false) {
        this.#folder = new FlowFolder(folder, template, new NewFiles(folder, force, finishedSuffix), most);
      }
    } catch (error) {
      throw cannotWrite(folder, error);
    }
    this.#reportPath = report === false ? '' : report;
    if (report === false) return;
    try {
      const { settings = {} } = options;
      this.#report = new DfxmlReport(report, { force, followLinks: options.report !== undefined, digest, settings });
      this.#report.flush();
    } catch (error) {
      throw cannotWrite(report, error);
    }
  }

  get totals(): Readonly<FlowFileTotals> {
    return this.#totals;
  }

  /** Writes what happened. What cannot be written is told to `onError`, and the file is given up; nothing is thrown. */
  write(events: Iterable<FlowEvent>): void {
    const touched = new Set<FlowSide>();
    for (const event of events) {
      const flows = this.#flowsOf(event);
      const id = this.#packets?.add(event) ?? 0;
      if (flows === undefined) continue;
      if (id !== 0 && flows.id === 0) {
        flows.id = id;
        this.#known.set(id, flows);
      }
      if (event.kind === 'close') {
        this.#close(flows, event.connection.id, event.conflict, event.reason === 'idle');
      } else if (event.kind === 'data' || event.kind === 'gap') {
        const side = flows.sides[event.direction === 'client-to-server' ? 0 : 1];
        side.number ??= this.#numbers++;
        touched.add(side);
        if (event.kind === 'data') side.add(event.offset, event.bytes, event.time);
        else side.addGap(event.offset, event.length, event.cause, event.time);
      }
    }
    for (const side of touched) side.flush();
    this.#flushReport();
  }

  /**
   * Writes everything, and gives a capture of the same connections for the `stream` of capture(), whose messages {@link writeBody} takes.
   * Ends when the events do.
   */
  async *packets(batches: AsyncIterable<Iterable<FlowEvent>>): AsyncGenerator<Buffer, void, undefined> {
    if (this.#packets !== undefined) throw new CaptureError('ERR_STATE', 'packets() can be called once');
    this.#packets = new FlowPackets();
    yield this.#packets.take();
    for await (const batch of batches) {
      this.write(batch);
      const bytes = this.#packets.take();
      if (bytes.length > 0) yield bytes;
      if (this.#unfinished > maxUnfinished) await this.#finished;
    }
  }

  /**
   * Writes the body of a message, if it has one, beside the flow that carried it: `…-HTTPBODY-001.json`. Content codings are undone where
   * that is possible. The number is that of the message in its direction. Call it for each message of the capture of {@link packets}.
   */
  async writeBody(message: Message): Promise<void> {
    const { client, server } = message.connection;
    const source = message.kind === 'request' ? client : server;
    const flows = this.#known.get(message.connection.id);
    if (flows !== undefined) this.#retireBefore(flows.openedAt);
    const side = flows?.sides.find((one) => one.comesFrom(source));
    if (side === undefined) return;
    const number = ++side.messages;
    if (message.bodyLength === 0 || this.#folder === undefined) return;
    const { bytes, note } = this.#options.decode ? await decodedBody(message) : sentBody(message);
    const file = side.file;
    if (bytes.length === 0 || file?.name === undefined) return;
    const base = `${file.name}-HTTPBODY-${String(number).padStart(3, '0')}`;
    const extension = extensionOf(message.headers.get('content-type'));
    const { digest } = this.#options;
    try {
      const name = this.#folder.writeFile((repeat) => `${base}${repeat === 0 ? '' : `c${repeat}`}${extension}`, bytes);
      file.bodies.push({
        name,
        size: bytes.length,
        fileOffset: file.findBody(message.head, message.bodyLength),
        digest: digest === undefined ? undefined : createHash(digest).update(bytes).digest('hex'),
        note,
      });
      this.#totals.bodies++;
    } catch (error) {
      this.#totals.failed++;
      this.#tell(base, error);
    }
  }

  /** Closes everything and completes the report; resolves when all is done. Also by `await using`. Does not reject. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  async #end(): Promise<void> {
    for (const [id, flows] of this.#open) this.#close(flows, id, false, false);
    for (const flows of [...this.#lingering, ...this.#closed]) this.#retire(flows);
    await this.#finished;
    this.#closeFolder();
    const { flows, bytes, missingBytes, bodies, failed } = this.#totals;
    this.#withReport((report) =>
      report.end({
        max_open_flows: this.#most,
        total_connections: this.#connections,
        total_flows: flows,
        total_bytes: bytes,
        missing_bytes: missingBytes,
        total_bodies: bodies,
        failed_files: failed,
      }),
    );
    this.#report = undefined;
  }

  /** Messages that came late may have opened files again. */
  #closeFolder(): void {
    try {
      this.#folder?.closeAll();
    } catch (error) {
      this.#totals.failed++;
      this.#tell(this.#path, error);
    }
  }

  #flowsOf({ kind, connection, time }: FlowEvent): Flows | undefined {
    if (kind !== 'open') return this.#open.get(connection.id);
    const flows: Flows = { sides: this.#sidesOf(connection, time), id: 0, openedAt: this.#order++, closedAt: 0 };
    this.#open.set(connection.id, flows);
    this.#connections++;
    this.#most = Math.max(this.#most, this.#open.size);
    return flows;
  }

  #sidesOf({ client, server, vlan, handshakeSeen }: FlowConnection, openTime: bigint): Flows['sides'] {
    const session = this.#sessions++;
    const make = (source: typeof client, destination: typeof client, startTime?: bigint): FlowSide =>
      new FlowSide({ source, destination, vlan, session }, startTime, this.#folder, this.#options, (file, error) =>
        this.#onFailure(file, error),
      );
    const sides = [make(client, server, handshakeSeen ? openTime : undefined), make(server, client)] as const;
    // Both have spoken.
    if (handshakeSeen) for (const side of sides) side.number = this.#numbers++;
    return sides;
  }

  #close(flows: Flows, id: number, conflict: boolean, isLate: boolean): void {
    this.#open.delete(id);
    for (const side of flows.sides) side.finish(conflict);
    flows.closedAt = this.#order++;
    const lingers = isLate || flows.sides.some((side) => side.files.some((file) => file.holeCount > 0));
    const waiting = lingers ? this.#lingering : this.#closed;
    waiting.add(flows);
    const mayHaveMessages = this.#packets !== undefined && flows.id !== 0;
    if (!mayHaveMessages) this.#retire(flows);
    else if (waiting.size > maxClosed) this.#retire(waiting.values().next().value as Flows);
  }

  /** Messages come in the order in which they were complete: those of connections that closed before another opened came before its own. */
  #retireBefore(openedAt: number): void {
    for (const flows of this.#closed) {
      if (flows.closedAt > openedAt) return;
      this.#retire(flows);
    }
  }

  /** Nothing of it is waited for any more. */
  #retire(flows: Flows): void {
    this.#closed.delete(flows);
    this.#lingering.delete(flows);
    this.#known.delete(flows.id);
    for (const side of flows.sides) {
      side.close();
      for (const file of side.files) {
        this.#totals.missingBytes += file.missingBytes;
        this.#totals.flows++;
        this.#totals.bytes += file.bytes;
        this.#totals.cutBytes += file.cut;
        const { onFinished } = this.#options;
        if (onFinished === undefined) this.#addToReport(file);
        else this.#handOver(file, onFinished);
      }
    }
  }

  #addToReport(file: FlowFile): void {
    this.#withReport((report) => report.add(file, (name) => path.join(this.#path, name)));
  }

  #handOver(file: FlowFile, onFinished: (path: string) => Promise<string>): void {
    this.#unfinished++;
    this.#finished = this.#finished.then(async () => {
      for (const one of [...file.bodies, file]) {
        if (one.name === undefined) continue;
        try {
          one.name = path.relative(this.#path, await onFinished(path.join(this.#path, one.name)));
        } catch (error) {
          this.#totals.failed++;
          this.#tell(one.name, error);
        }
      }
      this.#unfinished--;
      this.#addToReport(file);
      this.#flushReport();
    });
  }

  #flushReport(): void {
    this.#withReport((report) => report.flush());
  }

  /** What fails once is given up. */
  #withReport(use: (report: DfxmlReport) => void): void {
    if (this.#report === undefined) return;
    try {
      use(this.#report);
    } catch (error) {
      this.#report = undefined;
      this.#totals.failed++;
      this.#tell(this.#reportPath, error);
    }
  }

  #onFailure(file: FlowFile, error: unknown): void {
    this.#totals.failed++;
    this.#tell(file.name ?? (error as NodeJS.ErrnoException).path ?? this.#path, error);
  }

  #tell(name: string, error: unknown): void {
    if (this.#errors++ === 0) this.#options.onError(cannotWrite(name, error));
  }
}

function cannotWrite(name: string, error: unknown): CaptureError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = code === 'EEXIST' ? 'it exists, and is not replaced unless force is set' : message;
  return new CaptureError('ERR_FILE', `Cannot write ${name}: ${reason}`, { cause: error });
}
