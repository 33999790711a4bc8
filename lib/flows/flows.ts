import { engineParts, openSource } from '../capture.js';
import { CaptureError } from '../errors.js';
import { native } from '../native.js';
import type { CaptureOptions } from '../options.js';
import { checkFlowLayout } from './flow-records.js';
import { FlowTap } from './flow-tap.js';

checkFlowLayout(native.layout.flows);

/**
 * Follows TCP connections, whatever they carry, on a network interface, in a capture file or a stream of one. Gives what happens on
 * each of them in the order of its streams: `open`, then `data` and `gap` of each direction, which together cover the stream without
 * holes or overlaps, `end` for each FIN, `close`. Starts at once; no `await` needed.
 *
 * Takes the options of `capture()`. Those about messages (`body`, `maxBodyBytes`, `maxDecodedBytes`, `maxHeadBytes`, `maxHeaders`) have
 * no effect.
 *
 * @example
 * for await (const event of flows({ port: 6379 })) {
 *   if (event.kind === 'data') console.log(event.connection.id, event.direction, event.offset, event.bytes);
 * }
 *
 * @throws CaptureError `ERR_OPTION` for an unknown option or a bad value. All other failures reject `tap.ready` and the iterator.
 */
export function flows(options: CaptureOptions = {}): FlowTap {
  if (options.match !== undefined) {
    throw new CaptureError(
      'ERR_OPTION',
      'match is about HTTP messages, which flows() does not look for: use capture()',
    );
  }
  return new FlowTap(openSource(options), engineParts);
}
