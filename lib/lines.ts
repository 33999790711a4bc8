/** Messages as NDJSON: in native code, save those that need the runtime, such as its zlib. */
import type { Batch } from './batch.js';
import { messageAt } from './message.js';
import { type NativeTextWriter, native } from './native.js';

let writer: NativeTextWriter | undefined;

/** The lines of the messages from index `from` up to `to`. */
export function linesOf(batch: Batch, from: number, to: number): Buffer {
  writer ??= new native.TextWriter('lines', false);
  // Of processes native code knows nothing.
  const alone = batch.context.streaming || batch.context.processes !== undefined;
  const parts: Buffer[] = [];
  for (let index = from; index < to; ) {
    const { bytes, next } = writer.write(batch.bytes.buffer, batch.bodies, index, alone ? index : to);
    if (bytes > 0) parts.push(writer.text());
    index = next;
    if (index < to) parts.push(Buffer.from(`${JSON.stringify(messageAt(batch, index++))}\n`));
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}
