/** Options: their meaning, defaults and validation. Native code gets them complete and valid. */
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { inspect } from 'node:util';
import { isAbortSignal } from './abort-signal.js';
import { closest } from './closest.js';
import { CaptureError } from './errors.js';
import type { Side } from './match/fields.js';
import type { Match } from './match/match.js';
import { type ResolvedMatch, resolveMatch } from './match/resolve-match.js';
import type { MatchScope } from './match/scope.js';
import type { NativeMatch, NativeOptions } from './native.js';
import type { KnownProcesses } from './system/connection-process.js';
import { networkNamespacePath } from './system/network-namespace.js';
import type { ProcessTarget } from './system/process-group.js';
import { processesOf } from './system/stream-processes.js';
import { type ResolvedWrite, resolveWrite, type WriteOptions } from './write/write-options.js';

/** A web `ReadableStream`, as far as it is needed here. */
export interface ReadableStreamLike {
  getReader(): {
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
    cancel(reason?: unknown): Promise<void>;
  };
}

/** Where the bytes of a capture can come from: a Node `Readable`, any other async iterable of bytes, or a web `ReadableStream`. */
export type ByteStream = AsyncIterable<Uint8Array> | ReadableStreamLike;

/** Options of `capture()` and `flows()`. */
export interface CaptureOptions {
  /**
   * Capture live from this network interface, or from these. Default: `'any'` on Linux, elsewhere the loopback interface. Only one of
   * `interface`, `file` and `stream`.
   */
  interface?: string | readonly string[] | undefined;
  /** Read this pcap or pcapng file instead, gzip- or zstd-compressed or not. */
  file?: string | undefined;
  /** Read the bytes of a pcap or pcapng file, gzip- or zstd-compressed or not, from here, for example the output of a remote `tcpdump -U -w -`. Destroyed when the tap is closed. */
  stream?: ByteStream | undefined;

  /**
   * Live: only what the sockets of this process carry, and those of all processes that it starts, as they come and go; in its network
   * namespace (docs/processes.md). The capture ends with them. Linux. Only one of `pid`, `process` and `netns`.
   */
  pid?: number | undefined;
  /** Live: the same of all processes with this name, also of those that begin later. */
  process?: string | undefined;
  /** Live: capture in this network namespace: a path, the pid of a process that is in it, or a name that `ip netns` knows. Linux. */
  netns?: string | number | undefined;
  /** Live: tell as `connection.process` which process of this machine has the socket. Default false: it takes some of the processor. */
  processes?: boolean | undefined;

  /** Only TCP connections with one of these ports at either end. Default: every port. */
  port?: number | readonly number[] | undefined;
  /** Only TCP connections with one of these IPv4 or IPv6 addresses at either end. Default: every address. */
  address?: string | readonly string[] | undefined;
  /** A BPF expression (`man pcap-filter`) on the outer packet; must hold in addition to `port` and `address`. Default: none. */
  filter?: string | undefined;

  /** Live: bytes captured of each packet, 64 to 262144. Default 262144. */
  snaplen?: number | undefined;
  /** Live: also receive packets for other machines. Default false. */
  promiscuous?: boolean | undefined;
  /** Live: bytes of the kernel's packet buffer, 64 KiB to 2 GiB. Default 64 MiB. */
  bufferBytes?: number | undefined;
  /** Live: hand over each packet at once rather than in blocks: less delay, more work. Default false. */
  immediate?: boolean | undefined;
  /** Live: milliseconds for which the kernel may collect packets into a block, 1 to 10000. Default 5. */
  pollTimeoutMs?: number | undefined;

  /**
   * Capture threads an interface, or for a file, 1 to 64. Each follows its share of the connections; docs/architecture.md tells when
   * that pays. Between connections of different workers the order is not kept. One for a compressed file or a named pipe, whatever is said
   * here. Default 1.
   */
  workers?: number | undefined;
  /** Ignore packets with wrong IP or TCP checksums. Default false: with offloading, captured checksums are often not there yet. */
  verifyChecksums?: boolean | undefined;
  /** Connections followed at a time, from 1; beyond that the least recently active is given up. Default 1000000. */
  maxConnections?: number | undefined;
  /**
   * Bytes of out-of-order segments kept for all connections, from 65536. The same bounds bodies of open messages, and what waits of streamed
   * bodies. Default 256 MiB.
   */
  maxBufferedBytes?: number | undefined;
  /** Bytes of out-of-order segments kept for one direction of one connection, from 4096. Default 4 MiB. */
  maxBufferedBytesPerDirection?: number | undefined;
  /** Milliseconds of packet time without a packet after which a connection is forgotten, from 1. Default 300000. */
  idleTimeoutMs?: number | undefined;

  /**
   * Only messages that match: an expression, such as `'method == POST and status >= 500'`, or an object, such as
   * `{ status: '5xx' }` (docs/expressions.md). What native code rejects at the head is not copied; `explain()` tells what is left to
   * JavaScript. With `exchanges()`, only exchanges of which a side matches. Packets wait in the source until somebody iterates.
   * Default: all.
   */
  match?: Match | undefined;
  /**
   * `'exchange'`: a message that matches selects its request or its responses too, as with `exchanges()`; requests are kept until that is
   * known. `'message'`: each by itself. Default `'message'`.
   */
  matchScope?: MatchScope | undefined;
  /**
   * Bytes of requests that are kept until their response decides whether they match, from 64 KiB. Beyond that the oldest are given up.
   * Default 32 MiB.
   */
  maxUndecidedBytes?: number | undefined;

  /**
   * `'buffer'`: messages have their bodies. `'stream'`: messages are delivered when their heads are complete, and their bodies are read
   * as they come, by `stream()`. `'wire'`: as `'buffer'`, but chunked bodies keep their framing and are in `wireBody` alone. `'none'`:
   * bodies are skipped, only `bodyLength` is known. Default `'buffer'`.
   */
  body?: 'buffer' | 'stream' | 'wire' | 'none' | undefined;
  /** Bytes kept of each body, de-chunked, up to 2 GiB - 1; of a streamed body in `bytes()`, `text()` and the like. Default 8 MiB. */
  maxBodyBytes?: number | undefined;
  /** Bytes that a body may have after content decoding, for `bytes()`, `text()`, `json()` and `toJSON()`, from 1. Default 64 MiB. */
  maxDecodedBytes?: number | undefined;
  /** Bytes of start line and header section, from 64 to 16 MiB; more is not taken for HTTP. Default 256 KiB. */
  maxHeadBytes?: number | undefined;
  /** Header fields of a message, from 1 to 65535; more is not taken for HTTP. Default 1000. */
  maxHeaders?: number | undefined;
  /**
   * Bytes of finished messages that may wait for the consumer, from 64 KiB. Default 64 MiB live, else 16 MiB. When they are reached a
   * file or stream waits, and a live capture drops messages and counts them.
   */
  maxQueuedBytes?: number | undefined;

  /**
   * Write the packets of the connections of which messages are delivered to this pcapng file, or more options. All of their packets, as they
   * were captured and in the order in which they came; secrets are not masked. Packets wait in the source until somebody iterates.
   */
  write?: string | WriteOptions | undefined;

  /** Closes the tap when aborted; the iterator rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
}

/** Options after validation. */
export interface ResolvedOptions {
  native: NativeOptions;
  maxBodyBytes: number;
  maxDecodedBytes: number;
  match: ResolvedMatch | undefined;
  stream: ByteStream | undefined;
  signal: AbortSignal | undefined;
  /** Whose sockets are followed. */
  follow: ProcessTarget | undefined;
  /** Connections tell whose socket it is. */
  processes: boolean;
  /** The same for a stream of which that is known. */
  knownProcesses: KnownProcesses | undefined;
  write: ResolvedWrite | undefined;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const maxSafe = Number.MAX_SAFE_INTEGER;

/** [default, least, most] */
const numbers = {
  snaplen: [262144, 64, 262144],
  bufferBytes: [64 * MiB, 64 * KiB, 2 * GiB - 1],
  pollTimeoutMs: [5, 1, 10_000],
  workers: [1, 1, 64],
  maxConnections: [1_000_000, 1, 2 ** 31 - 1],
  maxBufferedBytes: [256 * MiB, 64 * KiB, maxSafe],
  maxBufferedBytesPerDirection: [4 * MiB, 4 * KiB, maxSafe],
  idleTimeoutMs: [300_000, 1, 2 ** 31 - 1],
  maxBodyBytes: [8 * MiB, 0, 2 * GiB - 1],
  maxDecodedBytes: [64 * MiB, 1, 2 * GiB],
  maxHeadBytes: [256 * KiB, 64, 16 * MiB],
  maxHeaders: [1000, 1, 65_535],
  maxUndecidedBytes: [32 * MiB, 64 * KiB, maxSafe],
  maxQueuedBytes: [16 * MiB, 64 * KiB, maxSafe],
} as const satisfies Partial<Record<keyof CaptureOptions, readonly [number, number, number]>>;

/** A stalled consumer loses messages live; it only makes a file wait. */
const liveQueuedBytes = 64 * MiB;

const names: readonly (keyof CaptureOptions)[] = [
  'interface',
  'file',
  'stream',
  'pid',
  'process',
  'netns',
  'processes',
  'port',
  'address',
  'filter',
  'promiscuous',
  'immediate',
  'verifyChecksums',
  'match',
  'matchScope',
  'body',
  'write',
  'signal',
  ...(Object.keys(numbers) as (keyof typeof numbers)[]),
];

/** Spellings that other tools use. */
const synonyms: Readonly<Record<string, keyof CaptureOptions>> = {
  ports: 'port',
  host: 'address',
  ip: 'address',
  addresses: 'address',
  device: 'interface',
  iface: 'interface',
  path: 'file',
  filename: 'file',
  bpf: 'filter',
  snapLength: 'snaplen',
  snapLen: 'snaplen',
  promisc: 'promiscuous',
  bufferSize: 'bufferBytes',
  bufferTimeout: 'pollTimeoutMs',
  maxBodySize: 'maxBodyBytes',
  idleTimeout: 'idleTimeoutMs',
  input: 'stream',
  processName: 'process',
  namespace: 'netns',
};

/** Throws a CaptureError with `ERR_OPTION` that names the option, what was given and what is possible. */
export function resolveOptions(options: CaptureOptions = {}, kind?: Side): ResolvedOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw bad(`capture() takes an object of options, such as { port: 8000 }, not ${shown(options)}`);
  }
  for (const name of Object.keys(options)) checkName(name);

  const number = (name: keyof typeof numbers): number => {
    const [byDefault, least, most] = numbers[name];
    const value: unknown = options[name];
    if (value === undefined) return byDefault;
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
      const range = most === maxSafe ? `from ${least}` : `from ${least} to ${most}`;
      throw bad(`${name} must be a whole number ${range}, not ${shown(value)}`);
    }
    return value as number;
  };
  const flag = (name: 'promiscuous' | 'immediate' | 'verifyChecksums' | 'processes'): boolean => {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'boolean')
      throw bad(`${name} must be true or false, not ${shown(value)}`);
    return value ?? false;
  };
  const text = (name: 'file' | 'filter' | 'process'): string | undefined => {
    const value: unknown = options[name];
    return value === undefined ? undefined : checkText(name, value);
  };

  const body: unknown = options.body ?? 'buffer';
  if (body !== 'buffer' && body !== 'stream' && body !== 'wire' && body !== 'none') {
    throw bad(`body must be 'buffer', 'stream', 'wire' or 'none', not ${shown(body)}`);
  }

  const interfaces = checkInterfaces(options.interface);
  const file = text('file');
  const stream = checkStream(options.stream);
  const given = Object.entries({ interface: interfaces, file, stream }).filter(([, value]) => value !== undefined);
  if (given.length > 1) throw bad(`${given.map(([name]) => name).join(' and ')} are given; a tap has one source`);

  const live = file === undefined && stream === undefined;
  const workers = number('workers');
  if (stream !== undefined && workers > 1)
    throw bad(`workers is ${workers}, but a stream can be read only once: leave it out, or give a file`);
  const follow = checkTarget(options.pid, text('process'));
  const netns = checkNamespace(options.netns);
  const chosen = Object.entries({ pid: options.pid, process: options.process, netns }).filter(
    ([, value]) => value !== undefined,
  );
  if (chosen.length > 1)
    throw bad(`${chosen.map(([name]) => name).join(' and ')} are given; a tap captures in one place`);
  if (chosen.length > 0 && !live)
    throw bad(`${chosen[0]?.[0]} is for live captures; a capture file does not tell of processes`);
  const maxBodyBytes = number('maxBodyBytes');
  const write = resolveWrite(options.write, file ?? '');
  if (write !== undefined && (workers > 1 || (interfaces?.length ?? 0) > 1))
    throw bad('write keeps the packets in their order: it takes one interface, and one worker');
  const match = resolveMatch({ match: options.match, matchScope: options.matchScope, body }, kind);

  return {
    native: {
      source: stream !== undefined ? 'stream' : file !== undefined ? 'file' : 'live',
      interfaces: interfaces ?? (live ? [defaultInterface()] : []),
      workers,
      netns: netns ?? '',
      file: file ?? '',
      filter: text('filter') ?? '',
      ports: checkPorts(options.port),
      addresses: checkAddresses(options.address),
      snaplen: number('snaplen'),
      promiscuous: flag('promiscuous'),
      bufferBytes: number('bufferBytes'),
      immediate: flag('immediate'),
      pollTimeoutMs: number('pollTimeoutMs'),
      verifyChecksums: flag('verifyChecksums'),
      maxConnections: number('maxConnections'),
      maxBufferedBytes: number('maxBufferedBytes'),
      maxBufferedBytesPerDirection: number('maxBufferedBytesPerDirection'),
      idleTimeoutMs: number('idleTimeoutMs'),
      body: body === 'wire' ? 'buffer' : body,
      keepFraming: body === 'wire',
      // What is streamed is not kept.
      maxBodyBytes: body === 'stream' ? 2 * GiB - 1 : maxBodyBytes,
      maxHeadBytes: number('maxHeadBytes'),
      maxHeaders: number('maxHeaders'),
      match: match && {
        message: nativeMatch(match, 'message', maxBodyBytes),
        exchange: nativeMatch(match, 'exchange', maxBodyBytes),
      },
      matchScope: match?.scope ?? 'message',
      maxUndecidedBytes: number('maxUndecidedBytes'),
      write: write?.native,
      maxQueuedBytes: live && options.maxQueuedBytes === undefined ? liveQueuedBytes : number('maxQueuedBytes'),
    },
    maxBodyBytes,
    match,
    maxDecodedBytes: number('maxDecodedBytes'),
    stream,
    signal: checkSignal(options.signal),
    write,
    follow,
    processes: flag('processes') && live && process.platform === 'linux',
    knownProcesses: flag('processes') ? processesOf(stream) : undefined,
  };
}

function nativeMatch(match: ResolvedMatch, scope: MatchScope, maxBodyBytes: number): NativeMatch {
  const { program, paired: exchanges, rest, responses } = match.plans[scope];
  // Of an exchange the final response counts; a single message may be an interim one.
  const interims = scope === 'message';
  return { program, exchanges, interims, together: exchanges && rest !== undefined, responses, maxBodyBytes };
}

/** Linux has `any`; elsewhere what runs on this machine is on the loopback interface. */
function defaultInterface(): string {
  if (process.platform === 'linux') return 'any';
  return 'lo0' in networkInterfaces() ? 'lo0' : 'en0';
}

function checkText(name: string, value: unknown): string {
  if (typeof value !== 'string') throw bad(`${name} must be a string, not ${shown(value)}`);
  if (value === '' && name !== 'filter') throw bad(`${name} must not be empty`);
  if (value.includes('\0')) throw bad(`${name} must not contain NUL`);
  return value;
}

function checkInterfaces(value: unknown): string[] | undefined {
  if (value === undefined) return undefined;
  const names = Array.isArray(value) ? value : [value];
  if (names.length === 0) throw bad('interface must not be an empty array; leave it out for the default');
  const distinct = new Set(names.map((name) => checkText('interface', name)));
  if (distinct.size > 1 && distinct.has('any'))
    throw bad("interface 'any' is all of them: together with others it would capture packets twice");
  return [...distinct];
}

function checkPid(name: 'pid' | 'netns', value: number): number {
  if (Number.isInteger(value) && value > 0 && value < 2 ** 31) return value;
  throw bad(`${name} must be the number of a process, not ${shown(value)}`);
}

function checkTarget(pid: unknown, name: string | undefined): ProcessTarget | undefined {
  if (pid !== undefined) return { pid: checkPid('pid', pid as number) };
  return name === undefined ? undefined : { process: name };
}

function checkNamespace(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number') return networkNamespacePath(checkPid('netns', value));
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return networkNamespacePath(value);
  throw bad(`netns must be a path, a name or the number of a process, not ${shown(value)}`);
}

function checkPorts(value: unknown): number[] {
  if (value === undefined) return [];
  const ports = Array.isArray(value) ? value : [value];
  if (ports.length === 0) throw bad('port must not be an empty array; leave it out to look at every port');
  for (const port of ports) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw bad(`port must be a number from 1 to 65535, or an array of them, not ${shown(port)}`);
    }
  }
  return [...new Set(ports as number[])];
}

function checkAddresses(value: unknown): string[] {
  if (value === undefined) return [];
  const addresses = Array.isArray(value) ? value : [value];
  if (addresses.length === 0) throw bad('address must not be an empty array; leave it out to look at every address');
  for (const address of addresses) {
    if (typeof address !== 'string' || isIP(address) === 0 || address.includes('%')) {
      throw bad(
        `address must be an IPv4 or IPv6 address (not a name, prefix or zone), or an array of them, not ${shown(address)}`,
      );
    }
  }
  return [...new Set(addresses as string[])];
}

function checkStream(value: unknown): ByteStream | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || 'getReader' in value)) {
    return value as ByteStream;
  }
  throw bad(`stream must be a Readable, an async iterable of Uint8Array or a ReadableStream, not ${shown(value)}`);
}

function checkSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined || isAbortSignal(value)) return value;
  throw bad(`signal must be an AbortSignal, not ${shown(value)}`);
}

function checkName(name: string): void {
  if ((names as readonly string[]).includes(name)) return;
  const meant = Object.hasOwn(synonyms, name) ? synonyms[name] : closest(name, names);
  const advice = meant === undefined ? `The options are ${[...names].sort().join(', ')}` : `Did you mean '${meant}'?`;
  throw bad(`There is no option '${name.slice(0, 60)}'. ${advice}`);
}

function shown(value: unknown): string {
  const text = inspect(value, { depth: 0, breakLength: Infinity, maxArrayLength: 3, maxStringLength: 60 });
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function bad(message: string): CaptureError {
  return new CaptureError('ERR_OPTION', message);
}
