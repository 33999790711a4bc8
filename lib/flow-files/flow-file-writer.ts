/// <reference lib="esnext.disposable" preserve="true" />
/** Flow files: the bytes of TCP connections, and the bodies that they carried, in files. */
import { CaptureError } from '../errors.js';
import type { FlowEvent, FlowsSent } from '../flows/flow-event.js';
import type { FlowConnection } from '../flows/flow-records.js';
import type { Message } from '../message.js';
import { lastNumberOf, numberedFile } from '../numbered-files.js';
import { tellProcessesOf } from '../system/stream-processes.js';
import { decodedBody, sentBody } from './body-bytes.js';
import { type FlowFileOptions, type ResolvedFlowFileOptions, resolveFlowFileOptions } from './flow-file-options.js';
import { type FlowFileTotals, noTotals } from './flow-file-totals.js';
import { FlowPackets } from './flow-packets.js';
import type { FlowReport } from './flow-report.js';
import { FlowSide } from './flow-side.js';
import { beginReport, cannotWrite, FlowVolume, reportTotals, type VolumeContext } from './flow-volume.js';
import { type Flows, FollowedFlows } from './followed-flows.js';
import { extensionOf } from './media-type-extension.js';
import { OneByOne } from './one-by-one.js';

/** Files that wait for onFinished before the next events are taken. */
const maxUnfinished = 256;

const noneSent: FlowsSent = { client: undefined, server: undefined };

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
  readonly #folder: string;
  readonly #options: ResolvedFlowFileOptions;
  readonly #context: VolumeContext;
  /** Those that are not removed. */
  readonly #volumes: FlowVolume[] = [];
  #volume: FlowVolume;
  /** Of the last folder of `rotate`. */
  #number = 0;
  readonly #followed = new FollowedFlows((flows) => this.#onRetired(flows));
  readonly #finishing = new OneByOne();
  readonly #report: FlowReport | undefined;
  #packets: FlowPackets | undefined;
  #sessions = 0;
  #numbers = 0;
  #open = 0;
  #most = 0;
  #ended: Promise<void> | undefined;
  #errors = 0;
  readonly #totals: FlowFileTotals = noTotals();

  /**
   * Makes the folder and begins the report.
   * @throws CaptureError `ERR_OPTION`; `ERR_FILE` when that is not possible, or there is a report already and no `force`
   */
  constructor(folder: string, options: FlowFileOptions = {}) {
    this.#options = resolveFlowFileOptions(folder, options);
    this.#folder = folder;
    const { rotate, report } = this.#options;
    const onFailure = (name: string, error: unknown): void => this.#tell(name, error);
    if (rotate !== undefined) {
      this.#number = lastNumberOf(folder);
      if (report !== undefined) {
        this.#report = beginReport(this.#options, folder, (name, error) => {
          this.#totals.failed++;
          onFailure(name, error);
        });
      }
    }
    this.#context = {
      options: this.#options,
      totals: this.#totals,
      finishing: this.#finishing,
      report: this.#report,
      onFailure,
    };
    this.#volume = this.#beginVolume();
  }

  get totals(): Readonly<FlowFileTotals> {
    return this.#totals;
  }

  /** The folder that connections go into that begin now. */
  get folder(): string {
    return this.#volume.path;
  }

  /** Writes what happened. What cannot be written is told to `onError`, and the file is given up; nothing is thrown. */
  write(events: Iterable<FlowEvent>): void {
    const touched = new Set<FlowSide>();
    const volumes = new Set<FlowVolume>([this.#volume]);
    for (const event of events) {
      const flows = event.kind === 'open' ? this.#opened(event) : this.#followed.byId(event.connection.id);
      const id = this.#packets?.add(event) ?? 0;
      if (flows === undefined) continue;
      volumes.add(flows.volume);
      flows.process ??= event.connection.process;
      if (id !== 0 && flows.id === 0) this.#followed.name(flows, id);
      if (event.kind === 'close') {
        this.#close(flows, event.connection.id, event);
      } else if (event.kind === 'data' || event.kind === 'gap') {
        const side = flows.sides[event.direction === 'client-to-server' ? 0 : 1];
        side.number ??= this.#numbers++;
        side.begin(event);
        touched.add(side);
        if (event.kind === 'data') {
          flows.volume.bytes += event.length;
          side.add(event.offset, event.bytes, event.time);
        } else {
          side.addGap(event.offset, event.length, event.cause, event.time);
        }
      }
    }
    for (const side of touched) side.flush();
    for (const volume of volumes) volume.flushReport();
  }

  /**
   * Writes everything, and gives a capture of the same connections for the `stream` of capture(), whose messages {@link writeBody} takes.
   * Ends when the events do. With `processes: true` for both, messages tell them as the flows do.
   */
  packets(batches: AsyncIterable<Iterable<FlowEvent>>): AsyncGenerator<Buffer, void, undefined> {
    if (this.#packets !== undefined) throw new CaptureError('ERR_STATE', 'packets() can be called once');
    this.#packets = new FlowPackets();
    const stream = this.#packetsOf(batches, this.#packets);
    tellProcessesOf(stream, { of: (id) => this.#followed.processOf(id) });
    return stream;
  }

  async *#packetsOf(
    batches: AsyncIterable<Iterable<FlowEvent>>,
    packets: FlowPackets,
  ): AsyncGenerator<Buffer, void, undefined> {
    yield packets.take();
    for await (const batch of batches) {
      this.write(batch);
      const bytes = packets.take();
      if (bytes.length > 0) yield bytes;
      if (this.#finishing.size > maxUnfinished) await this.#finishing.done;
    }
  }

  /**
   * Writes the body of a message, if it has one, beside the flow that carried it: `…-HTTPBODY-001.json`. Content codings are undone where
   * that is possible. The number is that of the message in its direction. Call it for each message of the capture of {@link packets}.
   */
  async writeBody(message: Message): Promise<void> {
    const { client, server } = message.connection;
    const source = message.kind === 'request' ? client : server;
    const flows = this.#followed.byMessage(message.connection.id);
    const side = flows?.sides.find((one) => one.comesFrom(source));
    if (flows === undefined || side === undefined) return;
    const number = ++side.messages;
    if (message.bodyLength === 0 || !this.#options.files) return;
    const body = this.#options.decode ? await decodedBody(message) : sentBody(message);
    const { file } = side;
    if (body.bytes.length === 0 || file === undefined) return;
    const extension = extensionOf(message.headers.get('content-type'));
    flows.volume.writeBody(file, number, extension, body, () => file.findBody(message.head, message.bodyLength));
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
    for (const id of this.#followed.openIds) {
      const flows = this.#followed.byId(id);
      if (flows !== undefined) this.#close(flows, id, { conflict: false, reason: 'ended', sent: undefined });
    }
    this.#followed.retireAll();
    this.#volume.leave();
    await this.#finishing.done;
    const totals = { max_open_flows: this.#most, total_connections: this.#sessions, ...reportTotals(this.#totals) };
    this.#report?.end(totals);
  }

  #opened({ connection, time }: FlowEvent): Flows {
    this.#rotateAt(time);
    this.#open++;
    this.#most = Math.max(this.#most, this.#open);
    this.#volume.connect(time);
    return this.#followed.open(connection.id, this.#sidesOf(connection, time), this.#volume);
  }

  #rotateAt(time: bigint): void {
    const { bytes, ns } = this.#options.rotate ?? {};
    const { beginsAt } = this.#volume;
    if (beginsAt === undefined) return;
    const isFull = bytes !== undefined && this.#volume.bytes >= bytes;
    if (!isFull && (ns === undefined || time - beginsAt < ns)) return;
    try {
      const next = this.#beginVolume();
      this.#volume.leave();
      this.#volume = next;
    } catch (error) {
      // Everything goes on where it is.
      this.#volume.stay(time);
      this.#totals.failed++;
      this.#tell(this.#folder, (error as Error).cause ?? error);
    }
  }

  /** @throws CaptureError `ERR_FILE` */
  #beginVolume(): FlowVolume {
    const { rotate, maxFolders } = this.#options;
    const volume =
      rotate === undefined
        ? new FlowVolume(this.#folder, this.#context, false)
        : new FlowVolume(numberedFile(this.#folder, ++this.#number), this.#context, true);
    this.#volumes.push(volume);
    while (this.#volumes.length > maxFolders) this.#volumes.shift()?.remove();
    return volume;
  }

  #sidesOf({ client, server, vlan, handshakeSeen }: FlowConnection, openTime: bigint): Flows['sides'] {
    const session = this.#sessions++;
    const volume = this.#volume;
    const make = (source: typeof client, destination: typeof client, startTime?: bigint): FlowSide =>
      new FlowSide(
        { source, destination, vlan, session },
        startTime,
        volume.folder,
        this.#options.sides,
        (file, error) => volume.onFileFailure(file, error),
      );
    const sides = [make(client, server, handshakeSeen ? openTime : undefined), make(server, client)] as const;
    // Both have spoken.
    if (handshakeSeen) for (const side of sides) side.number = this.#numbers++;
    return sides;
  }

  #close(
    flows: Flows,
    id: number,
    { conflict, reason, sent = noneSent }: { conflict: boolean; reason: string; sent: FlowsSent | undefined },
  ): void {
    const [client, server] = flows.sides;
    client.finish(conflict, sent.client);
    server.finish(conflict, sent.server);
    this.#open--;
    flows.volume.disconnect();
    this.#followed.close(id, flows, reason === 'idle', this.#packets !== undefined);
  }

  #onRetired({ sides, volume, process }: Flows): void {
    for (const side of sides) side.close();
    volume.retire(
      sides.flatMap((side) => side.files),
      process,
    );
  }

  #tell(name: string, error: unknown): void {
    if (this.#errors++ === 0) this.#options.onError(cannotWrite(name, error));
  }
}
