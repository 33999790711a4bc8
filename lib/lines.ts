/** Messages as NDJSON: in native code, save those that need the runtime, such as its zlib. */
import type { Batch } from './batch.js';
import { messageAt } from './message.js';
import { type NativeMessageLines, native } from './native.js';

let writer: NativeMessageLines | undefined;

/** The lines of the messages from index `from` up to `to`. */
export function linesOf(batch: Batch, from: number, to: number): Buffer {
  writer ??= new native.MessageLines();
  // Of processes native code knows nothing.
  const alone = batch.context.streaming || batch.context.processes !== undefined;
  const parts: Buffer[] = [];
  for (let index = from; index < to; ) {
    const { lines, next } = writer.write(batch.bytes.buffer, batch.bodies, index, alone ? index : to);
    if (lines.length > 0) parts.push(lines);
    index = next;
    if (index < to) parts.push(Buffer.from(`${JSON.stringify(messageAt(batch, index++))}\n`));
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}
