import { capture } from '../capture.js';
import type { CaptureOptions } from '../options.js';
import type { WriteOptions } from './write-options.js';

/** What `writePcapng()` has done. */
export interface Written {
  /** Packets in the file. */
  packets: number;
  /** Captured bytes of them. */
  bytes: number;
  /** Connections whose packets they are. */
  connections: number;
  /** Messages that matched. */
  messages: number;
  /** Packets that were not written because `maxSpoolBytes` was reached before it was known whether their connection matches. */
  packetsLetGo: number;
}

/**
 * Writes the packets of the connections of which a message matches to a pcapng file: all of them, also handshakes, acknowledgments and
 * retransmissions, as they were captured and in the order in which they came. Runs until the capture ends; to stop a live one in good order
 * use `capture({ write })` and `tap.stop()`.
 *
 * @param file path of the file, or more options
 * @param options as for `capture()`; without `match` every connection with a message is written. Without one `body` is `'none'` by default
 * @throws CaptureError as the iterator of `capture()`; `ERR_FILE` also when the file exists or cannot be written
 *
 * @example
 * await writePcapng('failed.pcapng', { file: 'day.pcap', match: 'status >= 500' });
 */
export async function writePcapng(file: string | WriteOptions, options: CaptureOptions = {}): Promise<Written> {
  const body = options.body ?? (options.match === undefined ? 'none' : 'buffer');
  const tap = capture({ ...options, body, write: file });
  let messages = 0;
  for await (const batch of tap.batches()) messages += batch.length;
  const { packets, bytes, connections, packetsLetGo } = tap.stats().write;
  return { packets, bytes, connections, messages, packetsLetGo };
}
