/** Exchanges with everything that is known of them only when they are over. */
import { collect } from '../body/pieces.js';
import type { DetachedMessage } from '../detach.js';
import type { DetachedExchange, Exchange } from '../exchanges/exchange.js';
import type { Message } from '../message.js';

/** Taken of a body that is streamed. */
const maxStreamedBytes = 8 * 1024 * 1024;

/** The same as `exchange.detach()` unless a message is being streamed. */
export async function gatherExchange(exchange: Exchange | DetachedExchange): Promise<DetachedExchange> {
  if (!('detach' in exchange)) return exchange;
  const { request, response } = exchange;
  const streamed = [request, response].filter((message) => message !== undefined && isStreamed(message)) as Message[];
  // Before the first await: what is buffered is there only while it is recent.
  if (streamed.length === 0) return exchange.detach();
  const bodies = new Map(await Promise.all(streamed.map(async (message) => [message, await bodyOf(message)] as const)));
  const withBody = <T extends DetachedMessage>(message: Message | undefined, plain: T | undefined): T | undefined => {
    const body = message && bodies.get(message);
    return plain && body ? { ...plain, body, bodyTruncated: body.length < plain.bodyLength } : plain;
  };
  const plain = exchange.detach();
  return { ...plain, request: withBody(request, plain.request), response: withBody(response, plain.response) };
}

/** Streamed, or not kept at all, which comes to the same here. */
function isStreamed(message: Message): boolean {
  return message.body === undefined;
}

/** The rest of a streamed body and its end; undefined when somebody else reads it, or it is gone. */
async function bodyOf(message: Message): Promise<Uint8Array | undefined> {
  try {
    const { bytes } = await collect(message.stream(), maxStreamedBytes);
    await message.finished;
    return Uint8Array.from(bytes);
  } catch {
    await message.finished.catch(() => {});
    return undefined;
  }
}
