/** A body that is streamed and does not end; what the process does then comes from argv. */

import { Conversation } from '../conversation.js';
import { request } from '../http.js';
import { nextResponse, PacketFeed } from '../packet-feed.js';

const [how] = process.argv.slice(2);
const { tap, ...feed } = begin();
const messages = tap[Symbol.asyncIterator]();
const response = await nextResponse(messages);

function begin() {
  const conversation = new Conversation().handshake();
  conversation.say([request()]);
  conversation.send(1, Buffer.from('HTTP/1.1 200 OK\r\n\r\n'));
  const one = new PacketFeed({ body: 'stream' });
  one.capture(conversation);
  const more = () => {
    conversation.send(1, Buffer.from('more'));
    one.capture(conversation);
  };
  return { tap: one.tap, more };
}

const read = async () => {
  for await (const chunk of response.stream()) console.log(String(chunk));
};
const told = (error: NodeJS.ErrnoException) => console.log(error.code);

switch (how) {
  case 'nobody-reads':
    feed.more();
    break;
  case 'exit-while-read':
    feed.more();
    void read();
    setImmediate(() => process.exit(7));
    break;
  case 'throw-while-read':
    void read();
    setImmediate(() => {
      throw new Error('thrown on purpose');
    });
    break;
  case 'close-while-read':
    setImmediate(() => tap.close());
    await read().catch(told);
    await response.finished.catch(told);
    break;
  case 'reader-leaves':
    feed.more();
    for await (const _ of response.stream()) break;
    break;
  case 'finished-unawaited':
    void response.finished;
    void response.text().catch(() => {});
    await tap.close();
    break;
}
console.log('left');
