import type { CaptureOptions } from '../../lib/index.js';
import { Conversation } from './conversation.js';
import { request } from './http.js';
import { nextResponse, PacketFeed } from './packet-feed.js';

/** A connection on which a response has begun, and what a tap that streams bodies gave of it. */
export async function begun(options: CaptureOptions = {}, head = 'Transfer-Encoding: chunked\r\n') {
  const feed = new PacketFeed({ body: 'stream', ...options });
  const conversation = new Conversation().handshake();
  conversation.say([request()]);
  const say = (what: string | Buffer) => {
    conversation.send(1, Buffer.from(what as string));
    feed.capture(conversation);
  };
  say(`HTTP/1.1 200 OK\r\n${head}\r\n`);
  const messages = feed.tap[Symbol.asyncIterator]();
  const message = await nextResponse(messages);
  return { feed, tap: feed.tap, conversation, say, messages, message };
}
