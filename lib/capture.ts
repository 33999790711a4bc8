import { createReadStream } from 'node:fs';
import type { Chain } from './chain/chain.js';
import { isCompressedFile, isRegularFile } from './compressed.js';
import type { EngineParts } from './engine.js';
import { checkLayout } from './layout.js';
import type { Side } from './match/fields.js';
import type { RequestMessage, ResponseMessage } from './message.js';
import { native } from './native.js';
import { type CaptureOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { Tap } from './tap.js';

checkLayout(native.layout);

/** `capture()` and its short forms. */
export interface Capture {
  (options?: CaptureOptions): Tap;
  /**
   * The requests alone.
   *
   * @example
   * const posts = await capture.requests({ file: 'day.pcap' }).filter((request) => request.method === 'POST').toArray();
   */
  requests(options?: CaptureOptions): Chain<RequestMessage>;
  /** The responses alone; their requests are not kept for them, so that `request` is undefined. */
  responses(options?: CaptureOptions): Chain<ResponseMessage>;
}

/**
 * Captures HTTP messages from a network interface, a capture file or a stream of one. Starts at once; no `await` needed.
 *
 * @example
 * for await (const msg of capture({ port: 8000 })) {
 *   if (msg.kind === 'request') console.log(msg.method, msg.url);
 * }
 *
 * @throws CaptureError `ERR_OPTION` for an unknown option or a bad value. All other failures reject `tap.ready` and the iterator.
 */
export const capture: Capture = Object.assign(captureMessages, {
  requests: (options?: CaptureOptions) =>
    captureMessages(options, 'request').filter((message) => message.kind === 'request'),
  responses: (options?: CaptureOptions) =>
    captureMessages(options, 'response').filter((message) => message.kind === 'response'),
});

function captureMessages(options: CaptureOptions = {}, kind?: Side): Tap {
  return new Tap(openSource(options, kind), engineParts);
}

/** Valid options, whose source the addon can read. */
export function openSource(options: CaptureOptions, kind?: Side): ResolvedOptions {
  const resolved = resolveOptions(options, kind);
  const { source, file } = resolved.native;
  if (source !== 'file' || resolved.signal?.aborted) return resolved;
  // What can be read only once.
  if (!isRegularFile(file)) resolved.native.workers = 1;
  if (isCompressedFile(file)) {
    resolved.native.source = 'stream';
    resolved.native.workers = 1;
    resolved.stream = createReadStream(file);
  }
  return resolved;
}

export const engineParts: EngineParts = {
  open: (options, doorbell) => new native.Session(options, doorbell),
  counters: native.counters,
};

/** Version line of the libpcap in use. */
export function libpcapVersion(): string {
  return native.libpcapVersion();
}
