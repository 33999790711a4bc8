/** Loads the addon and types it. Nothing else in lib knows its shape. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Options as the addon takes them: complete and valid, because native code only asserts. */
export interface NativeOptions {
  /** What the batches hold. Default 'messages'. */
  mode?: 'messages' | 'flows';
  source: 'live' | 'file' | 'stream';
  /** live: interface name. */
  interface: string;
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
  keepBodies: boolean;
  maxBodyBytes: number;
  maxHeadBytes: number;
  maxHeaders: number;
  /** Bound of the mailbox between the threads. */
  maxQueuedBytes: number;
}

export interface NativeInfo {
  interface: string;
  linkType: string;
  filter: string;
  snaplen: number;
}

export interface NativeState {
  /** opening → capturing → ended; 'ended' also when opening failed. Batches may still be there to take when it is 'ended'. */
  phase: 'opening' | 'capturing' | 'ended';
  info?: NativeInfo;
  /** Why it ended, when it was neither the end of the input nor stop(). */
  error?: { code: string; message: string };
  /** stream: push() may go on. */
  wantsInput: boolean;
}

export interface NativeBatch {
  /** Records and arena, see native/delivery/record.h and flow_record.h. */
  buffer: ArrayBuffer;
  /** Separate bodies, when there are any. */
  bodies?: ArrayBuffer[];
}

export interface NativeSession {
  /** Takes a finished batch, if there is one. */
  take(): NativeBatch | undefined;
  /**
   * Arms the doorbell and keeps the event loop alive until it rings. False, and nothing armed, when there is already something new: a batch to
   * take, or a state that `state()` has not yet told.
   */
  park(): boolean;
  state(): NativeState;
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

export interface Native {
  /** Starts at once; `doorbell` is called on this thread after `park()`, once, when there is something new. */
  Session: new (
    options: NativeOptions,
    doorbell: () => void,
  ) => NativeSession;
  layout: {
    version: number;
    /** Byte offset of each field of a record, connection and batch header by name. */
    record: Record<string, number>;
    recordSize: number;
    connection: Record<string, number>;
    connectionSize: number;
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
    };
  };
  /** [group, name] of every counter, in the order of `stats()`. */
  counters: [string, string][];
  /** libpcap's own words when a BPF expression is bad for a link type (LINKTYPE_ number), undefined when it is good. */
  checkFilter(expression: string, linkType: number): string | undefined;
  /** Version line of the libpcap in use. */
  libpcapVersion(): string;
}

const root = fileURLToPath(new URL('..', import.meta.url));

export const native: Native = createRequire(import.meta.url)('node-gyp-build')(root);
