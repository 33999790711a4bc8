/** Loads the addon and types it. Nothing else in lib knows its shape. */
import { createRequire } from 'node:module';
import { noAddon } from './addon-error.js';
import type { MatchScope } from './match/scope.js';
import { packageRoot } from './package.js';

/** Options as the addon takes them: complete and valid, because native code only asserts. */
export interface NativeOptions {
  /** What the batches hold. Default 'messages'. */
  mode?: 'messages' | 'flows';
  source: 'live' | 'file' | 'stream';
  /** live: interface names. */
  interfaces: string[];
  /** Threads an interface, or for the file; 1 for a stream. */
  workers: number;
  /** live: path of the network namespace that the interface is in, '' for that of this process. */
  netns: string;
  /** Only connections with one of these ends, see native/decode/endpoint_set.h, and `follow()` tells what changes; absent: all. */
  endpoints?: Uint8Array | undefined;
  /** file: path. */
  file: string;
  /** The user's BPF expression, '' for none. */
  filter: string;
  ports: number[];
  addresses: string[];
  snaplen: number;
  promiscuous: boolean;
  bufferBytes: number;
  immediate: boolean;
  pollTimeoutMs: number;
  verifyChecksums: boolean;
  maxConnections: number;
  maxBufferedBytes: number;
  maxBufferedBytesPerDirection: number;
  idleTimeoutMs: number;
  body: 'buffer' | 'stream' | 'none';
  /** Keep the framing of chunked bodies too. */
  keepFraming: boolean;
  maxBodyBytes: number;
  maxHeadBytes: number;
  maxHeaders: number;
  /** Which messages are delivered, for either kind of consumer; absent: all. */
  match?: Record<MatchScope, NativeMatch> | undefined;
  /** exchange: whatever the consumer is. message: begin() decides. */
  matchScope: MatchScope;
  /** Of requests that are kept until their response decides. */
  maxUndecidedBytes: number;
  /** Absent: packets are not written. Else the session waits for `begin()`. */
  write?: NativeWrite | undefined;
  /** Bound of the mailbox between the threads. */
  maxQueuedBytes: number;
}

/** Where the packets of what is delivered go. */
export interface NativeWrite {
  file: string;
  replace: boolean;
  /** Where packets wait that are too many for memory. */
  spoolDirectory: string;
  maxSpoolBytes: number;
  /** `file` is not made then. */
  rotation?: NativeRotation | undefined;
}

/** Files `<stem>-0001<ending>` and so on, instead of one. */
export interface NativeRotation {
  stem: string;
  ending: string;
  firstNumber: number;
  /** 0: whatever a file has. */
  bytes: number;
  /** Nanoseconds of packet time; 0: whenever it is. */
  ns: number;
}

export interface NativeMatch {
  /** See lib/match/program-layout.ts; absent: everything matches. */
  program: Uint8Array | undefined;
  /** It is decided for both sides of an exchange, and selects both. */
  exchanges: boolean;
  /** With `exchanges`: an interim response that matches selects its exchange too. */
  interims: boolean;
  /** With `exchanges`: what belongs to one comes in one batch, when all of it is there. */
  together: boolean;
  /** Responses can match. */
  responses: boolean;
  /** Kept of the body of a request that waits for its response. */
  maxBodyBytes: number;
}

/** How many capture threads there are. Ids of messages and connections are those of one of them modulo this. */
export function sessionsOf({ interfaces, workers }: NativeOptions): number {
  return workers * Math.max(1, interfaces.length);
}

export interface NativeInfo {
  /** Names, with commas between them. */
  interface: string;
  linkType: string;
  filter: string;
  snaplen: number;
}

/** Packets that could not be decoded because of their link type. */
export interface UnsupportedLinkType {
  /** As libpcap names it. */
  linkType: string;
  packets: number;
}

export interface NativeState {
  /** opening → capturing, when the link type is known → ended; 'ended' also when opening failed. Batches may still be there to take when it is 'ended'. */
  phase: 'opening' | 'capturing' | 'ended';
  /** From 'capturing' on, and when it ended as it should. */
  info?: NativeInfo;
  /** Why it ended, when it was neither the end of the input nor stop(). */
  error?: { code: string; message: string };
  /** Files of packets, and those of them that are complete; absent while there are none. */
  filesMade?: number;
  filesFinished?: number;
  /** Why packets are not written any more. The rest goes on. */
  writeError?: { code: string; message: string };
  /** Of the packets so far; absent while there are none. */
  unsupportedLinkTypes?: UnsupportedLinkType[];
  /** stream: push() may go on. */
  wantsInput: boolean;
}

export interface NativeBatch {
  /** Records and arena, see native/delivery/record.h and flow_record.h. */
  buffer: ArrayBuffer;
  /** Separate bodies, when there are any. */
  bodies?: ArrayBuffer[];
  /** What was written instead; there are records only when that is not all, of the last batch. */
  written?: NativeWritten;
}

export interface NativeSession {
  /** Takes a finished batch, if there is one. With a writer, what that writes of one or more, and the last of them when that is not all. */
  take(writer?: NativeTextWriter): NativeBatch | undefined;
  /**
   * Arms the doorbell and keeps the event loop alive until it rings. False, and nothing armed, when there is already something new: a batch to
   * take, or a state that `state()` has not yet told.
   */
  park(): boolean;
  state(): NativeState;
  /** From now on these, instead of the option `endpoints`, which must have been given; also of the packets of the last second. */
  follow(endpoints: Uint8Array): void;
  /** What the consumer wants, and whether it selects among it, as only `write` has to know. Where `match` makes a difference between the two, packets are looked at from then on. */
  begin(exchanges: boolean, selects: boolean): void;
  /**
   * With `write`, after each batch: the ids of connections of which messages were taken, and the id of the last message that was taken or
   * passed over. The session ends when all were.
   */
  decide(connections: Float64Array, upTo: number): void;
  /** Ends capturing; open messages are finished and can still be taken. Idempotent. */
  stop(): void;
  /** Ends everything and joins the thread; nothing can be taken afterwards. Idempotent. */
  close(): void;
  /** Counters in the order of `Native.counters`. */
  stats(): Float64Array;
  /** stream: hands over bytes (copied). False: wait until `state().wantsInput`. */
  push(chunk: Uint8Array): boolean;
  /** stream: no more bytes. */
  pushEnd(): void;
}

/** `lines`: NDJSON. `blocks`: for reading, without colours. `rows`: of exchanges, for a summary. See native/text/text_writer.h. */
export type TextForm = 'lines' | 'blocks' | 'rows';

/** What a {@link NativeTextWriter} made of the messages of a batch. */
export interface NativeWritten {
  /** Length of the text. */
  bytes: number;
  /** It is where `lend()` said; else there was not enough room, and `text()` gives it. */
  lent: boolean;
  /** Index of the first message that was not written. */
  next: number;
  /** Index behind the last message that was wanted. */
  end: number;
  /** rows: exchanges that became complete. */
  exchanges: number;
  /** Of those that were written: their numbers, how many of them are not complete, and how many have a body that was cut. */
  requests: number;
  responses: number;
  incomplete: number;
  cut: number;
  /** blocks: `startTime` of the request that message `next` answers; absent when it is not known. */
  asked?: bigint;
}

/** Writes records as text. */
export interface NativeTextWriter {
  /** The messages from index `from` up to `to`, as far as it knows how to write them. */
  write(buffer: ArrayBufferLike, bodies: readonly ArrayBuffer[] | undefined, from: number, to: number): NativeWritten;
  /** Of those that `take()` writes so many messages, and not the rest. */
  limit(count: number): void;
  /** Where text goes from now on. It begins there each time. */
  lend(into: Uint8Array, at: number): void;
  /** A copy of what was written last. */
  text(): Buffer;
}

export interface NativeInterface {
  name: string;
  addresses: string[];
  up: boolean;
  running: boolean;
  loopback: boolean;
  /** '' when it cannot be opened. */
  linkType: string;
  /** Why it cannot be opened. */
  error?: { code: string; message: string };
}

export interface Native {
  /** Starts at once; `doorbell` is called on this thread after `park()`, once, when there is something new. */
  Session: new (
    options: NativeOptions,
    doorbell: () => void,
  ) => NativeSession;
  TextWriter: new (form: TextForm, selected: boolean) => NativeTextWriter;
  layout: {
    version: number;
    /** Byte offset of each field of a record, connection and batch header by name. */
    record: Record<string, number>;
    recordSize: number;
    connection: Record<string, number>;
    connectionSize: number;
    header: Record<string, number>;
    /** What becomes known of a message after its record. */
    continuations: {
      record: Record<string, number>;
      recordSize: number;
      kinds: Record<string, number>;
      reasons: Record<string, number>;
    };
    flags: Record<string, number>;
    /** Bits of `suspicious`, by the names that messages show. */
    suspicious: Record<string, number>;
    /** native/delivery/flow_record.h: byte offsets of the fields of a record, and the numbers that its small fields hold. */
    flows: {
      record: Record<string, number>;
      recordSize: number;
      kinds: Record<string, number>;
      directions: Record<string, number>;
      causes: Record<string, number>;
      reasons: Record<string, number>;
      flags: Record<string, number>;
      counts: Record<string, number>;
      countsSize: number;
    };
  };
  /** [group, name] of every counter, in the order of `stats()`. */
  counters: [string, string][];
  /** libpcap's own words when a BPF expression is bad for a link type (LINKTYPE_ number), undefined when it is good. */
  checkFilter(expression: string, linkType: number): string | undefined;
  /** `error`: why there is no list. */
  interfaces(): Promise<{ interfaces: NativeInterface[]; error?: { code: string; message: string } }>;
  /** Version line of the libpcap in use. */
  libpcapVersion(): string;
}

export const native = load();

function load(): Native {
  try {
    return createRequire(import.meta.url)('node-gyp-build')(packageRoot);
  } catch (error) {
    throw noAddon(packageRoot, error);
  }
}
