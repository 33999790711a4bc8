/** `-R FILE`: packets that finish connections, and begin none. */
import { type FlowEvent, flows } from '../../index.js';
import { expandNames } from '../capture-files.js';
import type { CaptureFlags } from '../flags.js';

/**
 * When the first connection in the first of those files was seen; undefined when there is none.
 * @throws CaptureError when it cannot be read
 */
export async function firstTimeOf({ tcpflow: { finish } }: Pick<CaptureFlags, 'tcpflow'>): Promise<bigint | undefined> {
  const [file] = await expandNames(finish);
  if (file === undefined) return undefined;
  for await (const event of flows({ file })) return event.time;
  return undefined;
}

/** Without the connections that began at `since` or later; undefined: all of them. */
export async function* begunBefore(
  since: bigint | undefined,
  batches: AsyncIterable<Iterable<FlowEvent>>,
): AsyncGenerator<Iterable<FlowEvent>, void, undefined> {
  if (since === undefined) {
    yield* batches;
    return;
  }
  const left = new Set<number>();
  for await (const batch of batches) {
    yield [...batch].filter((event) => {
      const { id } = event.connection;
      if (event.kind === 'open' && event.time >= since) left.add(id);
      const isLeft = left.has(id);
      if (isLeft && event.kind === 'close') left.delete(id);
      return !isLeft;
    });
  }
}
