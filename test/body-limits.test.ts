/** Limits of streamed bodies: what is collected of one, and what waits of those that the consumer passed by. */
import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { inspect } from 'node:util';
import { type CaptureOptions, capture, type Message, type ResponseMessage } from '../lib/index.js';
import { begun } from './support/begun-response.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation } from './support/conversation.js';
import { collect, temporaryFile, within } from './support/environment.js';
import { request, response } from './support/http.js';
import { next, PacketFeed } from './support/packet-feed.js';

const text = async (chunks: AsyncIterable<Buffer>) => Buffer.concat(await collect(chunks)).toString();

suite('what bytes() collects', { timeout: 300_000 }, () => {
  const maxBodyBytes = 3;

  test('is bounded by maxBodyBytes, comes when the message is over, and says so on all views of it', async () => {
    const { tap, say, message } = await begun({ maxBodyBytes });
    let collected: string | undefined;
    const all = message.text().then((what) => (collected = what));
    const again = message.bytes();
    say('2\r\nab\r\n');
    say('4\r\ncdef\r\n');
    while (tap.stats().http.bodyBytes < 6) await new Promise(setImmediate);
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    assert.equal(collected, undefined);
    say('1\r\ng\r\n0\r\nX-End: 1\r\n\r\n');
    assert.equal(await within(all, 'text()'), 'abc');
    assert.equal(String(await again), 'abc');
    assert.deepEqual([message.bodyTruncated, message.unfinished, message.bodyLength], [true, false, 7]);
    assert.equal(message.integrity, 'complete');
    assert.equal(message.trailers.get('x-end'), '1');
    assert.equal(message.toJSON().bodyTruncated, true);
    assert.equal(message.detach().bodyTruncated, true);
    assert.match(inspect(message), /bodyTruncated: true/);
    assert.equal(tap.stats().delivery.bodyBytesLetGo, 0);
    await tap.close();
  });

  test('of a request tells its view at the response too', async () => {
    const feed = new PacketFeed({ body: 'stream', maxBodyBytes });
    const conversation = new Conversation({ mss: 100 }).handshake();
    conversation.exchange(request({ method: 'PUT', body: 'x'.repeat(1000) }), response({ body: 'done' }));
    feed.capture(conversation);
    feed.end();
    const [sent, answer] = (await collect(feed.tap)) as [Message, ResponseMessage];
    assert.equal(sent.bodyTruncated, false);
    assert.equal(await answer.request?.text(), 'xxx');
    assert.deepEqual([sent.bodyTruncated, answer.request?.bodyTruncated], [true, true]);
  });

  test('is not cut when it just fits', async () => {
    const { tap, say, message } = await begun({ maxBodyBytes });
    const all = message.text();
    say('3\r\nabc\r\n');
    say('0\r\n\r\n');
    assert.equal(await within(all, 'text()'), 'abc');
    assert.equal(message.bodyTruncated, false);
    await tap.close();
  });

  test('waits for the end behind a hole, too', async () => {
    const feed = new PacketFeed({ body: 'stream' });
    const conversation = new Conversation({ mss: 100 }).handshake();
    conversation.exchange(request(), response({ body: 'x'.repeat(1000) }));
    let count = 0;
    feed.capture(conversation, ({ side, payload }) => side === 0 || payload.length === 0 || ++count !== 4);
    const messages = feed.tap[Symbol.asyncIterator]();
    await next(messages);
    const message = await next(messages);
    const all = message.bytes();
    feed.end();
    assert.ok((await within(all, 'bytes()')).length < 1000);
    assert.deepEqual([message.unfinished, message.integrity, message.bodyTruncated], [false, 'gap', false]);
  });

  test('rejects when the tap is closed before the end', async () => {
    const { tap, say, message } = await begun({ maxBodyBytes });
    const all = message.text();
    say('6\r\nabcdef\r\n');
    while (tap.stats().http.bodyBytes < 6) await new Promise(setImmediate);
    await tap.close();
    await assert.rejects(within(all, 'text()'), { code: 'ERR_CLOSED' });
  });

  test('is bounded, what is streamed is not', async () => {
    for (const body of ['123456', 'x'.repeat(5000)]) {
      const conversation = new Conversation().handshake().exchange(request(), response({ body })).close();
      const file = temporaryFile(pcap(toPackets(conversation.segments, { link: 'ethernet' })));
      const options = { body: 'stream', maxBodyBytes, file } as const;
      const [, one] = await collect(capture(options));
      assert.equal(await one?.text(), body.slice(0, 3));
      assert.equal(one?.bodyTruncated, true);
      const [, other] = await collect(capture(options));
      assert.ok(other);
      assert.equal(await text(other.stream()), body);
    }
  });
});

suite('a body that nobody reads is passed by when the next is asked for', { timeout: 300_000 }, () => {
  const total = 8 << 20;
  const consumers: [name: string, ask: (tap: PacketFeed['tap']) => AsyncIterator<unknown>][] = [
    ['messages', (tap) => tap[Symbol.asyncIterator]()],
    ['a chain', (tap) => tap.filter(() => true).map((message) => message.id)],
    ['exchanges', (tap) => tap.exchanges()],
  ];

  async function endless(options: CaptureOptions = {}) {
    const feed = new PacketFeed({ body: 'stream', maxQueuedBytes: 64 << 10, ...options });
    const conversation = new Conversation({ mss: 8948 }).handshake();
    conversation.say([request()]);
    conversation.send(1, Buffer.from('HTTP/1.1 200 OK\r\n\r\n'));
    feed.capture(conversation);
    const send = () => {
      conversation.send(1, Buffer.alloc(total, 'endless '));
      feed.capture(conversation);
    };
    return { feed, send };
  }

  const untilLetGo = async ({ tap }: PacketFeed, least: number) => {
    const counted = async () => {
      while (tap.stats().delivery.bodyBytesLetGo < least) await new Promise(setImmediate);
    };
    await within(counted(), 'letting go', 30_000);
  };

  for (const [name, ask] of consumers)
    test(name, async () => {
      const { feed, send } = await endless();
      const iterator = ask(feed.tap);
      for (let i = name === 'exchanges' ? 1 : 2; i > 0; i--) await next(iterator);
      const parked = iterator.next();
      send();
      // All but the limit and what one turn of the event loop may bring.
      await untilLetGo(feed, total - (2 << 20));
      await feed.tap.close();
      assert.equal((await within(parked, 'the parked read')).done, true);
    });

  test('batches', async () => {
    const { feed, send } = await endless();
    const batches = feed.tap.batches();
    for (let seen = 0; seen < 2; ) seen += (await next(batches)).length;
    const parked = batches.next();
    send();
    await untilLetGo(feed, total - (2 << 20));
    await feed.tap.close();
    assert.equal((await within(parked, 'the parked read')).done, true);
  });

  test('but not one that is being read, nor one that is read later and in time', async () => {
    const { feed, send } = await endless();
    const messages = feed.tap[Symbol.asyncIterator]();
    await next(messages);
    const message = (await next(messages)) as Message;
    const parked = messages.next();
    const chunks = message.stream();
    send();
    feed.end();
    assert.equal((await within(text({ [Symbol.asyncIterator]: () => chunks }), 'the body', 30_000)).length, total);
    assert.equal((await within(parked, 'the end')).done, true);
    assert.equal(feed.tap.stats().delivery.bodyBytesLetGo, 0);
  });
});
