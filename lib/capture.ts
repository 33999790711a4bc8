import { checkLayout } from './batch.js';
import { openCompressed } from './compressed.js';
import type { EngineParts } from './engine.js';
import { native } from './native.js';
import { type CaptureOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { Tap } from './tap.js';

checkLayout(native.layout);

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
export function capture(options: CaptureOptions = {}): Tap {
  return new Tap(openSource(options), engineParts);
}

/** Valid options, whose source the addon can read. */
export function openSource(options: CaptureOptions): ResolvedOptions {
  const resolved = resolveOptions(options);
  if (resolved.native.source === 'file' && !resolved.signal?.aborted) {
    const inside = openCompressed(resolved.native.file);
    if (inside) {
      resolved.native.source = 'stream';
      resolved.stream = inside;
    }
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
