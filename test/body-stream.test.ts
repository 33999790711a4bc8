/** Messages that are delivered before their end: `body: 'stream'`. */
import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { capture, type ResponseMessage } from '../lib/index.js';
import { flags } from '../lib/layout.js';
import { begun } from './support/begun-response.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation, interleave } from './support/conversation.js';
import { collect, runProgram, temporaryFile, within } from './support/environment.js';
import { exchange, fakeTap } from './support/fake-session.js';
import { request, response } from './support/http.js';
import { next, nextResponse, PacketFeed } from './support/packet-feed.js';
import { Random } from './support/random.js';

const text = async (chunks: AsyncIterable<Buffer>) => Buffer.concat(await collect(chunks)).toString();
const bytes = (length: number) => new Random(length).bytes(length);
const streamed = { body: 'stream' } as const;
const small = { maxQueuedBytes: 64 << 10, maxBufferedBytes: 64 << 10 };

suite('a message that is streamed', { timeout: 300_000 }, () => {
  test('is delivered when its head is complete, its chunks as they come, and then its end', async () => {
    const { tap, say, message, conversation } = await begun();
    assert.equal(message.unfinished, true);
    assert.equal(message.body, undefined);
    assert.equal(message.bodyLength, 0);
    let finished = false;
    const end = message.finished.then((told) => {
      finished = true;
      return told;
    });
    const chunks = message.stream();
    for (const part of ['one', 'two', 'three']) {
      say(`${part.length}\r\n${part}\r\n`);
      assert.equal((await next(chunks)).toString(), part);
    }
    assert.equal(finished, false);
    say('0\r\nX-Check: yes\r\n\r\n');
    assert.deepEqual(await within(chunks.next(), 'the end'), { value: undefined, done: true });
    const told = await within(end, 'finished');
    assert.equal(told.bodyLength, 11);
    assert.equal(told.integrity, 'complete');
    assert.equal(told.missingBytes, 0);
    assert.equal(told.conflict, false);
    assert.deepEqual(told.suspicious, []);
    assert.deepEqual(told.trailers.raw, [['X-Check', 'yes']]);
    assert.equal(told.endTime, conversation.segments.findLast((segment) => segment.payload.length > 0)?.timeNs);
    assert.equal(message.unfinished, false);
    assert.equal(message.endTime, told.endTime);
    assert.equal(message.bodyLength, 11);
    assert.equal(message.trailers.get('x-check'), 'yes');
    await tap.close();
  });

  test('is read while nobody asks for the next message, which is kept', async () => {
    const { tap, say, message, messages, conversation, feed } = await begun();
    const reading = text(message.stream());
    say('3\r\nabc\r\n0\r\n\r\n');
    assert.equal(await within(reading, 'the body'), 'abc');
    conversation.exchange(request({ target: '/second' }), response({ body: 'whole' }));
    feed.capture(conversation);
    const second = await nextResponse(messages);
    assert.equal(second.unfinished, false);
    assert.equal(await text(second.stream()), 'whole');
    await tap.close();
  });

  test('ends with its connection, is reset, or is cut by the end of the capture', async () => {
    for (const [how, integrity] of [
      ['close', 'complete'],
      ['reset', 'aborted'],
      ['stop', 'truncated'],
      ['end', 'truncated'],
    ] as const) {
      const { tap, feed, say, message, conversation } = await begun({}, '');
      say('some');
      const chunks = message.stream();
      assert.equal((await next(chunks)).toString(), 'some');
      const rest = chunks.next();
      if (how === 'close') conversation.close(1);
      if (how === 'reset') conversation.reset(1);
      feed.capture(conversation);
      if (how === 'stop') tap.stop();
      if (how === 'end') feed.end();
      assert.equal((await within(rest, how)).done, true);
      assert.equal((await within(message.finished, how)).integrity, integrity, how);
      await tap.close();
    }
  });

  test('a chunked body without its end is aborted', async () => {
    const { tap, feed, say, message, conversation } = await begun();
    say('5\r\nab');
    conversation.close(1);
    feed.capture(conversation);
    assert.equal(await within(text(message.stream()), 'the body'), 'ab');
    assert.equal((await message.finished).integrity, 'aborted');
    await tap.close();
  });

  test('is read once', async () => {
    const { tap, say, message } = await begun();
    const chunks = message.stream();
    const code = { code: 'ERR_STATE', message: /read already/ };
    assert.throws(() => message.stream(), code);
    assert.throws(() => message.events(), code);
    await assert.rejects(message.text(), code);
    say('1\r\na\r\n0\r\n\r\n');
    assert.equal(await text(chunks), 'a');
    assert.throws(() => message.stream(), code);
    await tap.close();
  });

  test('collected as a whole it can be asked for again, in every form', async () => {
    const { tap, say, message } = await begun();
    const both = Promise.all([message.text(), message.json(), message.bytes()]);
    say('7\r\n{"a":1}\r\n0\r\n\r\n');
    assert.deepEqual(await within(both, 'the body'), ['{"a":1}', { a: 1 }, Buffer.from('{"a":1}')]);
    assert.deepEqual(await message.json(), { a: 1 });
    assert.throws(() => message.stream(), { code: 'ERR_STATE' });
    await tap.close();
  });

  test('an unknown coding is told at once and does not use the body up', async () => {
    const { tap, say, message } = await begun({}, 'Content-Encoding: compress\r\nContent-Length: 2\r\n');
    assert.throws(() => message.stream({ decoded: true }), { code: 'ERR_DECODE' });
    assert.throws(() => message.events(), { code: 'ERR_DECODE' });
    for (const bad of [{ gaps: 'fill' }, { decoded: 1 }, { gap: 'skip' }, null, 'skip'])
      assert.throws(() => message.stream(bad as never), { code: 'ERR_OPTION' });
    say('ab');
    assert.equal(await text(message.stream()), 'ab');
    await tap.close();
  });

  test('shows in its forms as unfinished, without a body, until it is over', async () => {
    const { tap, say, message } = await begun();
    say('2\r\nab\r\n');
    const chunks = message.stream();
    await next(chunks);
    assert.equal(message.toJSON().unfinished, true);
    assert.equal('body' in message.toJSON(), false);
    assert.match(inspect(message), /body: undefined,\s+unfinished: true/);
    const detached = structuredClone(message.detach());
    assert.equal(detached.unfinished, true);
    assert.equal(detached.body, undefined);
    say('0\r\nX-End: 1\r\n\r\n');
    await within(message.finished, 'finished');
    assert.equal('unfinished' in message.toJSON(), false);
    assert.deepEqual(message.toJSON().trailers, [['X-End', '1']]);
    assert.equal(message.toJSON().bodyLength, 2);
    assert.doesNotMatch(inspect(message), /unfinished/);
    assert.equal(message.detach().unfinished, false);
    await tap.close();
  });

  test('of a request, that of its response too', async () => {
    const feed = new PacketFeed(streamed);
    const conversation = new Conversation({ mss: 100 }).handshake();
    const upload = bytes(1000);
    const asked = conversation.say([request({ method: 'PUT', body: upload })]);
    conversation.say([response({ status: 100, statusText: 'Continue' }), response({ body: 'done' })], asked);
    feed.capture(conversation);
    const all = [];
    for await (const message of feed.tap) {
      all.push(message);
      if (all.length === 3) feed.end();
    }
    const [sent, interim, final] = all as [unknown, ResponseMessage, ResponseMessage];
    assert.equal(interim.interim, true);
    assert.equal(interim.unfinished, false);
    assert.deepEqual(await collect(interim.stream()), []);
    assert.deepEqual(Buffer.concat(await collect(final.request?.stream() ?? assert.fail())), upload);
    assert.throws(() => (sent as ResponseMessage).stream(), { code: 'ERR_STATE' });
    assert.equal((await final.request?.finished)?.bodyLength, 1000);
  });
});

suite('bytes that are missing', { timeout: 300_000 }, () => {
  const body = bytes(10_000);
  async function lossy() {
    const feed = new PacketFeed(streamed);
    const conversation = new Conversation({ mss: 1000 }).handshake();
    conversation.exchange(request(), response({ headers: [['X', 'y'.repeat(1000)]], body })).close();
    // The head needs the first two segments.
    let count = 0;
    const lost = (side: number, length: number) => side === 1 && length > 0 && [5, 6, 8].includes(++count);
    feed.capture(conversation, (segment) => !lost(segment.side, segment.payload.length));
    feed.end();
    const [, message] = await collect(feed.tap);
    assert.ok(message);
    const start = conversation.said[1]?.message.head.length as number;
    return { message, before: body.subarray(0, 4000 - start), start };
  }

  test("'end' stops at the first hole", async () => {
    const { message, before } = await lossy();
    assert.deepEqual(Buffer.concat(await collect(message.stream())), before);
    const end = await message.finished;
    assert.equal(end.integrity, 'gap');
    assert.equal(end.missingBytes, 3000);
    assert.equal(end.bodyLength, 7000);
  });

  test("'skip' goes on behind it", async () => {
    const { message, before, start } = await lossy();
    const rest = Buffer.concat([before, body.subarray(6000 - start, 7000 - start), body.subarray(8000 - start)]);
    assert.deepEqual(Buffer.concat(await collect(message.stream({ gaps: 'skip' }))), rest);
  });

  test('bytes() has what is before the first hole', async () => {
    const { message, before } = await lossy();
    assert.deepEqual(await message.bytes(), before);
  });
});

suite('a reader that leaves', { timeout: 300_000 }, () => {
  test('gets done at once, also while it waits, and the rest is thrown away', async () => {
    for (const decoded of [false, true]) {
      const { tap, say, message, messages, conversation, feed } = await begun(
        {},
        'Content-Encoding: gzip, zstd\r\nTransfer-Encoding: chunked\r\n',
      );
      const chunks = message.stream({ decoded });
      const waiting = chunks.next();
      assert.equal((await within(chunks.return?.() ?? Promise.reject(), 'return()')).done, true);
      assert.equal((await within(waiting, 'next()')).done, true);
      assert.equal((await chunks.next()).done, true);
      say('1\r\na\r\n0\r\n\r\n');
      assert.equal((await within(message.finished, 'finished')).bodyLength, 1);
      conversation.exchange(request(), response({ body: 'next' }));
      feed.capture(conversation);
      assert.equal(await (await nextResponse(messages)).text(), 'next');
      assert.equal(tap.stats().delivery.bodyBytesLetGo, 0);
      await tap.close();
    }
  });

  test('a reader that never began lets go too', async () => {
    const { tap, say, message } = await begun(small, 'Content-Length: 3000000\r\n');
    await message.stream().return?.();
    say(bytes(3_000_000));
    await within(message.finished, 'finished');
    assert.equal(tap.stats().delivery.bodyBytesLetGo, 0);
    await tap.close();
  });

  test('damaged data is told while more is awaited', async () => {
    const { tap, say, message } = await begun({}, 'Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n');
    const chunks = message.stream({ decoded: true });
    const waiting = chunks.next();
    say('a\r\nnot gzip..\r\n');
    await assert.rejects(within(waiting, 'next()'), { code: 'ERR_DECODE' });
    assert.equal((await chunks.next()).done, true);
    await tap.close();
  });
});

suite('the end of the capture while a body is read', { timeout: 300_000 }, () => {
  for (const how of ['close', 'abort', 'return', 'dispose'] as const)
    test(how, async () => {
      const controller = new AbortController();
      const { tap, say, message, messages } = await begun({ signal: controller.signal });
      say('2\r\nab\r\n');
      const chunks = message.stream();
      await next(chunks);
      const waiting = chunks.next();
      const finished = message.finished;
      if (how === 'close') await tap.close();
      if (how === 'abort') controller.abort();
      if (how === 'return') await messages.return?.();
      if (how === 'dispose') await tap[Symbol.asyncDispose]();
      const code = { code: 'ERR_CLOSED' };
      await assert.rejects(within(waiting, 'next()'), code);
      await assert.rejects(within(finished, 'finished'), code);
      // Also of what is asked for afterwards.
      await assert.rejects(within(message.finished, 'finished'), code);
      assert.equal((await chunks.next()).done, true);
      assert.equal(message.unfinished, true);
    });

  test('a promise that nobody awaits is no unhandled rejection', async () => {
    const { tap, message } = await begun();
    void message.finished;
    await tap.close();
    // Rejections are told when the microtasks are done.
    await new Promise(setImmediate);
  });

  test('break in both loops', async () => {
    const { feed, say, conversation } = await begun();
    say('2\r\nab\r\n');
    const other = new PacketFeed(streamed);
    other.capture(conversation);
    await feed.tap.close();
    const again = await begun();
    again.say('2\r\nab\r\n');
    let seen = '';
    for await (const chunk of again.message.stream()) {
      seen += chunk;
      break;
    }
    assert.equal(seen, 'ab');
    await again.messages.return?.();
    await other.tap.close();
  });
});

suite('memory', { timeout: 300_000 }, () => {
  test('a body that nobody reads is let go and counted; whoever comes late is told', async () => {
    const { tap, say, message } = await begun(small, 'Content-Length: 3000000\r\n');
    say(bytes(2_900_000));
    const late = message.finished;
    while (tap.stats().delivery.bodyBytesLetGo < 1_500_000) await new Promise(setImmediate);
    const chunks = message.stream();
    await assert.rejects(within(chunks.next(), 'next()'), { code: 'ERR_BODY_DROPPED' });
    say(bytes(100_000));
    const end = await within(late, 'finished');
    assert.equal(end.integrity, 'complete');
    assert.equal(end.bodyLength, 3_000_000);
    assert.equal(tap.stats().delivery.bodyBytesLetGo, 3_000_000);
    await tap.close();
  });

  test('of a body that was let go nothing hangs when the tap is closed', async () => {
    const { tap, say, message } = await begun(small, 'Content-Length: 3000000\r\n');
    say(bytes(2_500_000));
    const end = message.finished;
    while (tap.stats().delivery.bodyBytesLetGo === 0) await new Promise(setImmediate);
    await tap.close();
    await assert.rejects(within(end, 'finished'), { code: 'ERR_CLOSED' });
    await assert.rejects(within(message.finished, 'finished'), { code: 'ERR_CLOSED' });
    await assert.rejects(within(message.text(), 'text()'), { code: 'ERR_BODY_DROPPED' });
  });

  test('bodies that nobody has begun to read go first', async () => {
    const feed = new PacketFeed({ ...streamed, ...small });
    const conversations = [1, 2, 3].map((port) => {
      const one = new Conversation({ client: { port } }).handshake();
      one.say([request({ target: `/${port}` })]);
      one.send(1, Buffer.from('HTTP/1.1 200 OK\r\n\r\n'));
      feed.capture(one);
      return one;
    });
    const messages = feed.tap[Symbol.asyncIterator]();
    const bodies: ResponseMessage[] = [];
    while (bodies.length < 3) bodies.push(await nextResponse(messages));
    // The first has a reader that is slow.
    const slow = bodies[0]?.stream() as AsyncIterator<Buffer>;
    for (const one of conversations) {
      one.send(1, bytes(640_000)).close(1);
      feed.capture(one);
    }
    feed.end();
    for (const body of bodies) await within(body.finished, 'finished');
    await assert.rejects(text(bodies[1]?.stream() ?? assert.fail()), { code: 'ERR_BODY_DROPPED' });
    for (const kept of [{ [Symbol.asyncIterator]: () => slow }, bodies[2]?.stream() ?? assert.fail()])
      assert.equal(Buffer.concat(await collect(kept)).length, 640_000);
  });

  /** Interleaved downloads, each far longer than the smaller limit. */
  function downloads(count: number, body: Buffer): string {
    const conversations = Array.from({ length: count }, (_, i) => {
      // Eight at a time.
      const startNs = BigInt(Math.floor(i / 8)) * 10_000_000_000n;
      const one = new Conversation({ client: { port: 1000 + i }, mss: 8948, startNs }).handshake();
      return one.exchange(request(), response({ body })).close();
    });
    return temporaryFile(pcap(toPackets(interleave(conversations), { link: 'ethernet' })));
  }

  test('bodies wait for a consumer that reads one after the other, even side by side', async () => {
    const body = bytes(1 << 20);
    const tap = capture({ file: downloads(8, body), ...streamed, maxQueuedBytes: 64 << 10 });
    let count = 0;
    for await (const message of tap) {
      if (message.kind === 'request') continue;
      assert.ok(Buffer.concat(await collect(message.stream())).equals(body));
      count++;
    }
    assert.equal(count, 8);
    const { bodyBytesLetGo, messagesLetGo } = tap.stats().delivery;
    assert.deepEqual([bodyBytesLetGo, messagesLetGo], [0, 0]);
  });

  test('bodies that the consumer passed by do not wait for long', async () => {
    const body = bytes(1 << 20);
    for (const way of ['messages', 'batches'] as const) {
      const tap = capture({ file: downloads(16, body), ...streamed, maxQueuedBytes: 64 << 10 });
      if (way === 'messages') for await (const _ of tap);
      else for await (const _ of tap.batches());
      const { bodyBytesLetGo } = tap.stats().delivery;
      assert.ok(bodyBytesLetGo > 4 << 20, `${way}: ${bodyBytesLetGo}`);
    }
  });

  test('tiny pieces count for what they take', async () => {
    const { tap, message, conversation, feed } = await begun(small, '');
    const other = new Conversation({ client: { port: 9 } }).handshake();
    other.say([request()]);
    other.send(1, Buffer.from('HTTP/1.1 200 OK\r\n\r\n'));
    for (let i = 0; i < 8000; i++) {
      conversation.send(1, Buffer.from('a'));
      other.send(1, Buffer.from('b'));
      feed.capture(conversation);
      feed.capture(other);
    }
    const end = message.finished;
    feed.end();
    await within(end, 'finished');
    const { bodyBytesLetGo } = tap.stats().delivery;
    assert.ok(bodyBytesLetGo > 4000, `${bodyBytesLetGo}`);
    await tap.close();
  });

  test('messages that nobody takes while a body is awaited are let go and counted', async () => {
    const { tap, say, message, messages, feed } = await begun(small);
    const chunks = message.stream();
    const waiting = chunks.next();
    const other = new Conversation({ client: { port: 9 } }).handshake();
    const count = 4000;
    for (let i = 0; i < count; i++) other.exchange(request({ target: `/${i}` }), response({ body: 'x'.repeat(100) }));
    feed.capture(other);
    say('1\r\na\r\n0\r\n\r\n');
    assert.equal((await within(waiting, 'the chunk')).value?.toString(), 'a');
    feed.end();
    const kept = await collect({ [Symbol.asyncIterator]: () => messages });
    const { messagesLetGo, messagesDelivered } = tap.stats().delivery;
    assert.ok(messagesLetGo > 0);
    assert.equal(kept.length + messagesLetGo + 2, messagesDelivered);
    assert.equal(messagesDelivered, 2 * count + 2);
    // A jump of ids shows where.
    const jumped = kept.some((one, i) => i > 0 && one.id > (kept[i - 1]?.id as number) + 1);
    assert.ok(jumped || (kept[0]?.id as number) + kept.length - 1 < messagesDelivered);
  });

  test('a file waits for whoever reads a body slowly, and nothing is lost', async () => {
    const body = bytes(8 << 20);
    const conversation = new Conversation({ mss: 8948 }).handshake().exchange(request(), response({ body })).close();
    const file = temporaryFile(pcap(toPackets(conversation.segments, { link: 'ethernet' })));
    const maxQueuedBytes = 256 << 10;
    const tap = capture({ file, ...streamed, maxQueuedBytes });
    let read = 0;
    let most = 0;
    for await (const message of tap) {
      for await (const chunk of message.stream()) {
        assert.ok(chunk.equals(body.subarray(read, read + chunk.length)), `at ${read}`);
        read += chunk.length;
        await new Promise(setImmediate);
        await new Promise(setImmediate);
        most = Math.max(most, tap.stats().http.bodyBytes - read);
      }
    }
    assert.equal(read, body.length);
    assert.equal(tap.stats().delivery.bodyBytesLetGo, 0);
    // The mailbox, the batch that is being filled, those that were taken.
    assert.ok(most < maxQueuedBytes + 6 * (256 << 10), `${most} bytes ahead`);
  });
});

test('what a body reader takes goes to a consumer that waits already', async () => {
  const { tap, session } = fakeTap(streamed);
  session.start();
  const messages = tap[Symbol.asyncIterator]();
  session.deliver({ id: 1, head: 'HTTP/1.1 200 OK', flags: flags.streaming, body: '' });
  const message = await next(messages);
  const waiting = messages.next();
  const chunk = message.stream().next();
  // The batch comes just when the consumer has been told that there is none.
  const { take } = session;
  let asked = 0;
  session.take = () => (asked++ === 0 ? undefined : take.call(session));
  session.deliver(...exchange(2));
  assert.equal((await within(waiting, 'the message')).value?.id, 2);
  await tap.close();
  await assert.rejects(chunk, { code: 'ERR_CLOSED' });
});

test('a message that was not streamed is finished at once, and its body can be read again and again', async () => {
  const conversation = new Conversation({ mss: 100 })
    .handshake()
    .exchange(request(), response({ body: gzipSync('x'.repeat(1000)), headers: [['Content-Encoding', 'gzip']] }))
    .close();
  const file = temporaryFile(pcap(toPackets(conversation.segments, { link: 'ethernet' })));
  const [, message] = await collect(capture({ file }));
  assert.ok(message);
  assert.equal(message.unfinished, false);
  const end = await message.finished;
  assert.equal(end.integrity, 'complete');
  assert.equal(end.bodyLength, message.body?.length);
  assert.equal(await text(message.stream({ decoded: true })), 'x'.repeat(1000));
  assert.deepEqual(Buffer.concat(await collect(message.stream())), message.body);
  const [, none] = await collect(capture({ file, body: 'none' }));
  assert.throws(() => none?.stream(), { code: 'ERR_STATE', message: /not kept/ });
  assert.equal((await none?.finished)?.integrity, 'complete');
});

suite('the process', { concurrency: 2 }, () => {
  for (const [how, code, stdout] of [
    ['nobody-reads', 0, 'left\n'],
    ['exit-while-read', 7, 'left\n'],
    ['throw-while-read', 1, 'left\n'],
    ['close-while-read', 0, 'ERR_CLOSED\nERR_CLOSED\nleft\n'],
    ['reader-leaves', 0, 'left\n'],
    ['finished-unawaited', 0, 'left\n'],
  ] as const)
    test(`ends: ${how}`, async () => {
      const result = await runProgram('body', { args: [how] });
      assert.ok(!result.timedOut, `hangs: ${result.stdout} ${result.stderr}`);
      assert.equal(result.signal, null, result.stderr);
      assert.equal(result.code, code, result.stderr);
      assert.equal(result.stdout.replaceAll('more\n', ''), stdout);
    });
});
