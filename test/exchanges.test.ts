import assert from 'node:assert/strict';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe as suite, test } from 'node:test';
import { type CaptureOptions, capture, type Exchange } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation, interleave } from './support/conversation.js';
import { collect, loopback, opened, skipUnlessLive, temporaryFile, within } from './support/environment.js';
import { request, response } from './support/http.js';
import { mangle } from './support/network.js';
import { traffic } from './support/traffic.js';

const link = { link: 'ethernet' } as const;

function read(conversations: Conversation[], options: CaptureOptions = {}): Promise<Exchange[]> {
  const file = temporaryFile(pcap(toPackets(interleave(conversations), link), { nanoseconds: true }));
  return collect(capture({ file, ...options }).exchanges());
}

const get = (target: string) => request({ target });
const targets = (exchanges: Exchange[]) => exchanges.map((exchange) => exchange.request?.target);
const reasons = (exchanges: Exchange[]) => exchanges.map((exchange) => exchange.noResponse);

suite('exchanges', () => {
  test('a request and its final response, with the time that each part took', async () => {
    const conversation = new Conversation({ stepNs: 1_000_000n }).handshake();
    conversation.say([request({ target: '/slow', body: 'x'.repeat(2000) })]);
    conversation.wait(40_000_000n).say([response({ status: 200, body: 'y'.repeat(4000) })]);
    conversation.close();
    const [exchange, ...others] = await read([conversation]);
    assert.ok(exchange);
    assert.equal(others.length, 0);
    const { request: asked, response: answered, noResponse, connection, timing } = exchange;
    assert.equal(asked?.target, '/slow');
    assert.equal((await asked?.text())?.length, 2000);
    assert.equal(answered?.status, 200);
    assert.equal(answered?.requestId, asked?.id);
    assert.equal(noResponse, undefined);
    assert.deepEqual(connection, asked?.connection);
    // Segments are a millisecond apart: SYN, SYN-ACK, ACK, two of the request, its ACK, three of the response and an ACK between.
    assert.deepEqual(timing, { handshake: 2, send: 1, wait: 42, receive: 3, total: 46 });
  });

  test('beside messages, in batches', async () => {
    const conversation = new Conversation().handshake();
    conversation.exchange(get('/early'), response({ status: 103 }), response({ status: 200 }));
    conversation.exchange(get('/missing'), response({ status: 404 })).say([get('/unanswered')]);
    const file = temporaryFile(pcap(toPackets(conversation.close().segments, link), { nanoseconds: true }));
    const together = async (options: CaptureOptions) => {
      const messages: string[] = [];
      const exchanges: (string | number | undefined)[][] = [];
      for await (const batch of capture({ file, ...options }).batches({ exchanges: true })) {
        messages.push(...[...batch].map((one) => (one.kind === 'request' ? one.target : String(one.status))));
        for (const { request: asked, response: answered, noResponse } of batch.exchanges) {
          exchanges.push([asked?.target, answered?.status ?? noResponse]);
        }
      }
      return { messages, exchanges };
    };
    assert.deepEqual(await together({}), {
      messages: ['/early', '103', '200', '/missing', '404', '/unanswered'],
      exchanges: [
        ['/early', 200],
        ['/missing', 404],
        ['/unanswered', 'closed'],
      ],
    });
    // One side selects both, whoever decides.
    for (const match of [
      'status == 404',
      'status == 404 and statusText ~ /./',
      'response.head ~ /404/ and path == /m*',
    ]) {
      const selected = await together({ match });
      assert.deepEqual(selected, { messages: ['/missing', '404'], exchanges: [['/missing', 404]] }, match);
    }
    for await (const batch of capture({ file }).batches()) assert.deepEqual(batch.exchanges, []);
  });

  test('a response before the end of its request waited no time', async () => {
    const conversation = new Conversation({ stepNs: 1_000_000n }).handshake();
    const post = request({ method: 'POST', body: 'x'.repeat(2000) });
    const asked = { message: post, conversation, side: 0 as const, start: 0, end: post.wire.length };
    conversation.said.push(asked);
    conversation.send(0, post.wire.subarray(0, 1000));
    conversation.say([response({ status: 413, statusText: 'Too Large' })], [asked]);
    conversation.send(0, post.wire.subarray(1000)).close();
    const [exchange] = await read([conversation]);
    assert.equal(exchange?.response?.status, 413);
    assert.equal(exchange?.timing.wait, 0);
    assert.equal(exchange?.request?.integrity, 'complete');
  });

  test('without the handshake and without the request', async () => {
    const conversation = new Conversation().withoutHandshake();
    conversation.say([response({ status: 404 })]);
    conversation.exchange(get('/next'), response());
    const [first, second] = await read([conversation.close()]);
    assert.equal(first?.request, undefined);
    assert.equal(first?.response?.status, 404);
    assert.deepEqual(
      { ...first?.timing, receive: 0 },
      { handshake: null, send: null, wait: null, receive: 0, total: null },
    );
    assert.equal(second?.request?.target, '/next');
    assert.equal(second?.timing.handshake, null);
  });

  test('interim responses are no part of it; pipelined ones come in order', async () => {
    const conversation = new Conversation().handshake();
    conversation.pipeline([
      { request: get('/1'), responses: [response({ status: 103 }), response({ status: 200 })] },
      { request: get('/2'), responses: [response({ status: 204 })] },
    ]);
    const exchanges = await read([conversation.close()]);
    assert.deepEqual(targets(exchanges), ['/1', '/2']);
    assert.deepEqual(
      exchanges.map((exchange) => exchange.response?.status),
      [200, 204],
    );
  });

  test('why there is no response', async () => {
    const port = (n: number) => ({ client: { port: 40_000 + n } });
    const asked = (n: number) => {
      const conversation = new Conversation({
        ...port(n),
        startNs: 1_668_229_140_000_000_000n + BigInt(n),
      }).handshake();
      return conversation.exchange(get(`/${n}`));
    };
    const idle = asked(3);
    const later = new Conversation({ ...port(9), startNs: idle.timeNs + 3_600_000_000_000n }).handshake();
    const exchanges = await read([asked(1).close(), asked(2).reset(1), idle, later.exchange(get('/9'))]);
    assert.deepEqual(Object.fromEntries(exchanges.map((exchange) => [exchange.request?.target, exchange.noResponse])), {
      '/1': 'closed',
      '/2': 'reset',
      '/3': 'idle',
      '/9': 'ended',
    });
    for (const exchange of exchanges) {
      assert.equal(exchange.response, undefined);
      assert.equal(exchange.timing.total, null);
      assert.equal(exchange.timing.wait, null);
    }
  });

  test('a response that was cut off is a response', async () => {
    const conversation = new Conversation().handshake();
    conversation.say([get('/')]);
    conversation.send(1, response({ body: 'x'.repeat(500) }).wire.subarray(0, 300)).reset(1);
    const [exchange, ...others] = await read([conversation]);
    assert.equal(others.length, 0);
    assert.equal(exchange?.response?.integrity, 'aborted');
  });

  test('requests that wait for long keep their bodies, beyond the batches that are kept', async () => {
    const slow = new Conversation({ client: { port: 1 } }).handshake();
    const large = Buffer.alloc(200_000, 'large');
    slow.say([request({ method: 'POST', target: '/small', body: 'small' })]);
    slow.say([request({ method: 'POST', target: '/large', body: large })]);
    const busy = new Conversation({ client: { port: 2 }, startNs: slow.timeNs }).handshake();
    for (let i = 0; i < 3000; i++) busy.exchange(get(`/${i}`), response({ body: 'x'.repeat(100) }));
    slow.timeNs = busy.timeNs;
    slow.say([response({ status: 201 }), response({ status: 202 })], [...slow.said]);
    const exchanges = await read([slow.close(), busy.close()]);
    const found = (target: string) => exchanges.find((exchange) => exchange.request?.target === target);
    assert.equal(exchanges.length, 3002);
    assert.equal(await found('/small')?.request?.text(), 'small');
    assert.deepEqual(await found('/large')?.request?.bytes(), large);
    assert.deepEqual([found('/small')?.response?.status, found('/large')?.response?.status], [201, 202]);
  });

  test('of too many requests that wait the oldest are delivered without a response', async () => {
    const body = Buffer.alloc(1_000_000, 'x');
    const conversations = Array.from({ length: 50 }, (_, i) => {
      const options = { client: { port: 1000 + i }, startNs: 1_668_229_140_000_000_000n + BigInt(i) * 1_000_000_000n };
      const conversation = new Conversation({ ...options, mss: 60_000 }).handshake();
      conversation.say([request({ method: 'POST', target: `/${i}`, body })]);
      return conversation;
    });
    const exchanges = await read(conversations);
    assert.equal(new Set(targets(exchanges)).size, 50);
    const evicted = exchanges.filter((exchange) => exchange.noResponse === 'evicted');
    assert.ok(evicted.length > 0 && evicted.length < 50, `${evicted.length}`);
    assert.equal((await evicted[0]?.request?.bytes())?.length, body.length);
  });

  for (const seed of [1, 2, 3]) {
    test(`exactly one for each request, on a lossy network (seed ${seed})`, async () => {
      const { conversations, segments } = traffic({ seed, conversations: 20, exchanges: 10 });
      const lossy = mangle(segments, { seed, lose: 0.02, reorder: 0.05, duplicate: 0.02 });
      const file = temporaryFile(pcap(toPackets(lossy, link), { nanoseconds: true }));
      const messages = await collect(capture({ file }));
      const tap = capture({ file });
      const exchanges = await collect(tap.exchanges());
      assert.ok(conversations.length > 0);
      const ids = exchanges.flatMap((exchange) => exchange.request?.id ?? []);
      const requests = messages.filter((message) => message.kind === 'request');
      assert.deepEqual(
        ids.toSorted((a, b) => a - b),
        requests.map((message) => message.id).toSorted((a, b) => a - b),
      );
      const finals = messages.filter(
        (message) => message.kind === 'response' && !(message.interim && message.status !== 101),
      );
      assert.equal(exchanges.filter((exchange) => exchange.response).length, finals.length);
      for (const { request: asked, response: answered, noResponse } of exchanges) {
        assert.equal(answered === undefined, noResponse !== undefined);
        if (asked && answered) assert.equal(answered.requestId, asked.id);
        if (asked === undefined) assert.equal(answered?.requestId, null);
      }
    });
  }

  test('they chain, detach, and print', async () => {
    const conversation = new Conversation().handshake();
    conversation.exchange(get('/a'), response()).exchange(get('/b'), response({ status: 500 }));
    conversation.exchange(get('/c')).close();
    const file = temporaryFile(pcap(toPackets(interleave([conversation]), link), { nanoseconds: true }));
    const failed = await capture({ file })
      .exchanges()
      .filter(({ response: answered }) => answered === undefined || answered.status >= 500)
      .map((exchange) => exchange.detach())
      .toArray();
    assert.deepEqual(
      structuredClone(failed).map((one) => [one.request?.target, one.response?.status, one.noResponse]),
      [
        ['/b', 500, undefined],
        ['/c', undefined, 'closed'],
      ],
    );
    const [, b, c] = await read([conversation]);
    assert.equal(JSON.parse(JSON.stringify(b)).response.status, 500);
    assert.equal(JSON.parse(JSON.stringify(c)).noResponse, 'closed');
    assert.equal(JSON.parse(JSON.stringify(c)).response, null);
    assert.deepEqual(reasons([b as Exchange, c as Exchange]), [undefined, 'closed']);
  });

  test('a tap has one consumer', async () => {
    const tap = capture({ file: temporaryFile(pcap([])) });
    const exchanges = tap.exchanges();
    assert.throws(() => tap.exchanges(), { code: 'ERR_STATE' });
    assert.throws(() => tap[Symbol.asyncIterator](), { code: 'ERR_STATE' });
    assert.deepEqual(await exchanges.toArray(), []);
  });
});

const live = await skipUnlessLive();

suite('exchanges, live', { skip: live }, () => {
  test('of node:http on loopback, delivered while the connection goes on', async () => {
    const server = createServer((asked, answer) => {
      if (asked.url === '/never') asked.socket.destroy();
      else answer.end(`you asked for ${asked.url}`);
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const tap = await opened({ interface: loopback, port });
    const exchanges = tap.exchanges();
    const ask = (path: string) =>
      new Promise((resolve) => {
        const asking = httpRequest({ port, path }, (answer) => answer.resume().on('end', resolve));
        asking.on('error', resolve).end();
      });
    await ask('/one');
    const first = (await within(exchanges.next(), 'an exchange')).value as Exchange;
    assert.equal(first.request?.target, '/one');
    assert.equal(await first.response?.text(), 'you asked for /one');
    assert.ok((first.timing.handshake ?? -1) > 0 && (first.timing.total ?? -1) > 0);
    await ask('/never');
    const second = (await within(exchanges.next(), 'an exchange')).value as Exchange;
    assert.equal(second.request?.target, '/never');
    assert.ok(second.noResponse === 'closed' || second.noResponse === 'reset', second.noResponse);
    await exchanges.return();
    server.close();
    server.closeAllConnections();
  });
});
