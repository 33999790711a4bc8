/** Messages and captures for the tests of the command. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ByteBuffer } from '../lib/cli/byte-buffer.js';
import { run } from '../lib/cli/run.js';
import type { Terminal } from '../lib/cli/terminal.js';
import type { Message } from '../lib/index.js';

// Tests that are run by sudo stay root: else the command would go back to who called it.
for (const name of ['SUDO_UID', 'SUDO_GID', 'SUDO_USER']) delete process.env[name];

interface FakeMessage {
  kind?: 'request' | 'response';
  id?: number;
  requestId?: number | null;
  request?: Message;
  startTime?: bigint;
  head: string | Uint8Array;
  body?: string | Uint8Array;
  bodyLength?: number;
  bodyTruncated?: boolean;
  /** What bytes() gives; an error rejects. */
  decoded?: Uint8Array | Error;
  trailers?: [string, string][];
  integrity?: Message['integrity'];
  missingBytes?: number;
  conflict?: boolean;
  suspicious?: readonly string[];
  client?: { address: string; port: number };
  server?: { address: string; port: number };
  process?: Message['connection']['process'];
}

/** A plain object with what printers read of a message. */
export function fakeMessage(fake: FakeMessage): Message {
  const head = typeof fake.head === 'string' ? Buffer.from(fake.head, 'latin1') : Buffer.from(fake.head);
  const lines = head.toString('latin1').split('\r\n');
  const fields = lines.slice(1).flatMap((line): [string, string][] => {
    const colon = line.indexOf(':');
    return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()]];
  });
  const get = (name: string): string | null => {
    const values = fields.filter(([field]) => field.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
    return values.length === 0 ? null : values.join(', ');
  };
  const body = fake.body === undefined ? undefined : Buffer.from(fake.body as string);
  const words = (lines[0] ?? '').split(' ');
  const startTime = fake.startTime ?? 1_668_229_140_123_456_789n;
  const message = {
    kind: fake.kind ?? 'request',
    id: fake.id ?? 1,
    connection: {
      id: 1,
      client: fake.client ?? { address: '100.100.102.33', port: 47106 },
      server: fake.server ?? { address: '100.100.102.17', port: 8000 },
      ...(fake.process && { process: fake.process }),
    },
    startTime,
    endTime: startTime,
    httpVersion: '1.1',
    head,
    headers: { get, raw: fields },
    trailers: { get: () => null, raw: fake.trailers ?? [] },
    body,
    wireBody: body,
    bodyLength: fake.bodyLength ?? body?.length ?? 0,
    bodyTruncated: fake.bodyTruncated ?? false,
    integrity: fake.integrity ?? 'complete',
    missingBytes: fake.missingBytes ?? 0,
    conflict: fake.conflict ?? false,
    suspicious: fake.suspicious ?? [],
    bytes: () => (fake.decoded instanceof Error ? Promise.reject(fake.decoded) : Promise.resolve(fake.decoded ?? body)),
    ...(fake.kind === 'response'
      ? {
          status: Number(words[1]),
          statusText: words[2] ?? '',
          requestId: fake.requestId ?? null,
          request: fake.request,
        }
      : { method: words[0], target: words[1], url: null }),
  };
  return message as unknown as Message;
}

/** Collects what a printer writes. */
export class MemoryOutput {
  readonly pending = new ByteBuffer();

  get bytes(): Buffer {
    return this.pending.bytes.subarray(0, this.pending.length);
  }

  get text(): string {
    return this.pending.toString();
  }
}

export const mainPath = fileURLToPath(new URL('../lib/cli/main.ts', import.meta.url));

/** Arguments for `process.execPath` that run the command from its sources. */
export const commandArgs = ['--import', 'tsx', mainPath];

export interface CommandResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs the command to its end. `wrapper` is put before it. */
export async function flowtap(
  args: string[],
  options: { input?: Uint8Array; env?: Record<string, string>; wrapper?: readonly string[] } = {},
): Promise<CommandResult> {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...env } = process.env;
  const [program = '', ...words] = [...(options.wrapper ?? []), process.execPath, ...commandArgs, ...args];
  const child = spawn(program, words, { env: { ...env, ...options.env } });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** The same in this process, which is several times as fast. */
export async function flowtapHere(args: string[], env: Record<string, string> = {}): Promise<CommandResult> {
  const stream = () => {
    const chunks: Buffer[] = [];
    // The command uses its buffers again.
    const through = new PassThrough().on('data', (chunk: Buffer) => chunks.push(Buffer.from(chunk)));
    return { through, text: () => Buffer.concat(chunks).toString() };
  };
  const [stdout, stderr] = [stream(), stream()];
  const terminal = { stdin: process.stdin, stdout: stdout.through, stderr: stderr.through, env };
  const code = await run(args, terminal as unknown as Terminal);
  // What was written last is read in the next turn.
  await new Promise((resolve) => setImmediate(resolve));
  return { code, signal: null, stdout: stdout.text(), stderr: stderr.text() };
}

interface Exchange {
  request: string | Uint8Array;
  response: string | Uint8Array;
}

/**
 * A classic pcap file (Ethernet, IPv4, microseconds, little-endian) of one connection a list of exchanges: handshake, data in
 * segments of at most 1400 bytes, FIN. Checksums are left 0, as offloading leaves them.
 */
export function pcapOf(connections: Exchange[][], serverPort = 8000): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262144, 16);
  header.writeUInt32LE(1, 20);
  const records = [header];
  let timeUs = 1_668_229_140_000_000;
  const flag = { fin: 1, syn: 2, psh: 8, ack: 16 };

  connections.forEach((exchanges, index) => {
    const clientPort = 40_000 + index;
    const sequence = { client: 1000, server: 5000 };
    const send = (from: 'client' | 'server', flags: number, data: Uint8Array = new Uint8Array()): void => {
      const packet = Buffer.alloc(54 + data.length);
      const client = from === 'client';
      packet.writeUInt16BE(0x0800, 12);
      packet[14] = 0x45;
      packet.writeUInt16BE(40 + data.length, 16);
      packet[22] = 64;
      packet[23] = 6;
      packet.set(client ? [10, 0, 0, 1] : [10, 0, 0, 2], 26);
      packet.set(client ? [10, 0, 0, 2] : [10, 0, 0, 1], 30);
      packet.writeUInt16BE(client ? clientPort : serverPort, 34);
      packet.writeUInt16BE(client ? serverPort : clientPort, 36);
      packet.writeUInt32BE(sequence[from], 38);
      packet.writeUInt32BE(flags & flag.ack ? sequence[client ? 'server' : 'client'] : 0, 42);
      packet[46] = 0x50;
      packet[47] = flags;
      packet.writeUInt16BE(65535, 48);
      packet.set(data, 54);
      const record = Buffer.alloc(16);
      record.writeUInt32LE(Math.floor(timeUs / 1e6), 0);
      record.writeUInt32LE(timeUs % 1e6, 4);
      record.writeUInt32LE(packet.length, 8);
      record.writeUInt32LE(packet.length, 12);
      records.push(record, packet);
      timeUs += 100;
      sequence[from] += data.length + (flags & (flag.syn | flag.fin) ? 1 : 0);
    };
    const say = (from: 'client' | 'server', what: string | Uint8Array): void => {
      const bytes = Buffer.from(what as string);
      for (let at = 0; at < bytes.length; at += 1400) send(from, flag.ack | flag.psh, bytes.subarray(at, at + 1400));
    };
    send('client', flag.syn);
    send('server', flag.syn | flag.ack);
    send('client', flag.ack);
    for (const { request, response } of exchanges) {
      say('client', request);
      send('server', flag.ack);
      say('server', response);
      send('client', flag.ack);
    }
    send('client', flag.fin | flag.ack);
    send('server', flag.fin | flag.ack);
    send('client', flag.ack);
  });
  return Buffer.concat(records);
}
