import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, type ClientRequest, type IncomingMessage, request as nodeRequest } from 'node:http';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { promisify } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { capture, type Message, type RequestMessage, type ResponseMessage } from '../lib/index.js';
import { loopback, opened, skip, skipUnlessLive, temporaryFolder, within } from './support/environment.js';
import { checkOrder, compare, expect } from './support/expected.js';
import { Gatherer } from './support/gather.js';
import { randomExchange } from './support/http.js';
import { type HttpServer, rawServer, serve, type Witnessed, witness } from './support/loopback.js';
import { Random } from './support/random.js';

const live = await skipUnlessLive();
const options = { skip: live, timeout: 60_000 };
const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === '::1'));
const run = promisify(execFile);

function start(message: Message): string {
  return message.kind === 'request' ? `${message.method} ${message.target}` : `${message.status} ${message.statusText}`;
}

/** Fails unless the messages of each connection and direction are those that the other end received. */
function compareWitnessed(messages: readonly Message[], requests: Witnessed[], responses: Witnessed[]): void {
  checkOrder(messages);
  for (const [kind, witnessed] of [
    ['request', requests],
    ['response', responses],
  ] as const) {
    const got = messages.filter((message) => message.kind === kind);
    assert.equal(got.length, witnessed.length, `${kind}s: ${got.map(start).join(', ')}`);
    for (const port of new Set(witnessed.map((one) => one.clientPort))) {
      const want = witnessed.filter((one) => one.clientPort === port);
      const seen = got.filter((message) => message.connection.client.port === port);
      assert.deepEqual(
        seen.map(start),
        want.map((one) => one.start),
      );
      seen.forEach((message, i) => {
        const one = want[i] as Witnessed;
        assert.deepEqual(message.headers.raw.flat(), one.rawHeaders, one.start);
        assert.deepEqual(message.trailers.raw.flat(), one.rawTrailers, one.start);
        assert.equal(message.bodyLength, one.body.length, one.start);
        assert.ok(Buffer.from(message.body ?? []).equals(one.body), `${one.start}: body differs`);
        assert.equal(message.integrity, 'complete', one.start);
        assert.ok(message.startTime <= message.endTime);
      });
    }
  }
  for (const message of messages)
    if (message.kind === 'response') assert.ok(message.request, `${start(message)} is not paired`);
}

const bodies: Record<string, Buffer> = {
  '/empty': Buffer.alloc(0),
  '/small': Buffer.from('{"ok":true}'),
  '/binary': randomBytes(20_000),
  '/big': randomBytes(3_000_000),
};

/** Serves `bodies`; the query says how: gzip, br, chunked, trailers, close. */
async function startServer(host?: string): Promise<HttpServer> {
  return serve((body, incoming, outgoing) => {
    const url = new URL(incoming.url as string, 'http://localhost');
    let content = url.pathname === '/echo' ? body : (bodies[url.pathname] ?? Buffer.from(`not ${url.pathname}`));
    const how = url.searchParams;
    if (how.has('gzip')) content = gzipSync(content);
    if (how.has('br')) content = brotliCompressSync(content);
    if (how.has('gzip') || how.has('br')) outgoing.setHeader('Content-Encoding', how.has('br') ? 'br' : 'gzip');
    outgoing.setHeader('X-Path', url.pathname);
    outgoing.statusCode = url.pathname in bodies || url.pathname === '/echo' ? 200 : 404;
    if (how.has('none')) {
      outgoing.statusCode = 204;
      outgoing.end();
    } else if (how.has('chunked')) {
      if (how.has('trailers')) outgoing.setHeader('Trailer', 'X-Sum');
      for (let at = 0; at < content.length; at += 7001) outgoing.write(content.subarray(at, at + 7001));
      if (how.has('trailers')) outgoing.addTrailers({ 'X-Sum': String(content.length) });
      outgoing.end();
    } else {
      outgoing.setHeader('Content-Length', content.length);
      outgoing.end(content);
    }
  }, host);
}

interface Call {
  method?: string;
  target: string;
  body?: Buffer;
  chunked?: boolean;
}

/** One call by node:http, with what it received. */
async function call(
  agent: Agent,
  port: number,
  { method = 'GET', target, body, chunked }: Call,
  host = '127.0.0.1',
): Promise<Witnessed> {
  const headers: Record<string, string | number> = { 'X-Caller': 'node:http' };
  if (body && !chunked) headers['Content-Length'] = body.length;
  const sent: ClientRequest = nodeRequest({ host, port, path: target, method, agent, headers });
  const answer = new Promise<IncomingMessage>((resolve, reject) => sent.on('response', resolve).on('error', reject));
  if (body) for (let at = 0; at < body.length; at += 50_000) sent.write(body.subarray(at, at + 50_000));
  sent.end();
  const incoming = await answer;
  const clientPort = incoming.socket.localPort as number;
  return witness(incoming, clientPort, `${incoming.statusCode} ${incoming.statusMessage}`);
}

const calls: Call[] = [
  { target: '/small' },
  { target: '/empty' },
  { target: '/missing?a=1&b=%20' },
  { method: 'HEAD', target: '/big' },
  { target: '/small?gzip' },
  { target: '/binary?br&chunked' },
  { target: '/binary?chunked&trailers' },
  { target: '/small?none' },
  { method: 'POST', target: '/echo', body: Buffer.from('a=b&c=d') },
  { method: 'PUT', target: '/echo?chunked', body: randomBytes(200_000), chunked: true },
  { method: 'DELETE', target: '/small' },
  { target: '/big' },
  { target: '/big?chunked&gzip' },
];

for (const name of [loopback, undefined])
  suite(`live on ${name ?? 'the default interface'}`, options, () => {
    test('node:http over keep-alive connections', options, async () => {
      const server = await startServer();
      const tap = await opened({ interface: name, port: server.port });
      const gatherer = new Gatherer(tap);
      const agent = new Agent({ keepAlive: true, maxSockets: 4 });
      try {
        const rounds = [...calls, ...calls, ...calls];
        const responses = await Promise.all(rounds.map((one) => call(agent, server.port, one)));
        compareWitnessed(await gatherer.finish(rounds.length * 2), server.requests, responses);
        assert.ok(new Set(responses.map((one) => one.clientPort)).size <= 4);
        assert.equal(tap.stats().packets.kernelDropped, 0);
        assert.equal(tap.stats().delivery.messagesDropped, 0);
      } finally {
        agent.destroy();
        await tap.close();
        await server.close();
      }
    });

    test('any exchange, pipelined, over raw sockets', options, async () => {
      const random = new Random(81);
      const server = await rawServer();
      const tap = await opened({ interface: name, port: server.port });
      const gatherer = new Gatherer(tap);
      try {
        const talks = Array.from({ length: 6 }, (_, c) =>
          server.talk(
            Array.from({ length: 5 }, (_, t) =>
              Array.from({ length: random.between(1, 5) }, (_, i) =>
                randomExchange(random, `${c}-${t}-${i}`, { maxBodyBytes: 20_000 }),
              ),
            ),
            {
              pieces:
                c % 2 ? (bytes) => [bytes.subarray(0, 9), bytes.subarray(9, 700), bytes.subarray(700)] : undefined,
            },
          ),
        );
        const conversations = await Promise.all(talks);
        const want = expect(conversations);
        compare(await gatherer.finish(want.length), want, { resolutionNs: false });
      } finally {
        await tap.close();
        await server.close();
      }
    });
  });

suite('live', options, () => {
  test('a connection each', options, async () => {
    const server = await startServer();
    const tap = await opened({ interface: loopback, port: server.port });
    const gatherer = new Gatherer(tap);
    const agent = new Agent({ keepAlive: false });
    try {
      const responses: Witnessed[] = [];
      for (const one of calls) responses.push(await call(agent, server.port, one));
      const messages = await gatherer.finish(calls.length * 2);
      compareWitnessed(messages, server.requests, responses);
      assert.equal(new Set(messages.map((message) => message.connection.id)).size, calls.length);
    } finally {
      await tap.close();
      await server.close();
    }
  });

  test('IPv6', { ...options, skip: live || (hasIpv6 ? false : skip('there is no ::1')) }, async () => {
    const server = await startServer('::1');
    const tap = await opened({ interface: loopback, port: server.port, address: '::1' });
    const gatherer = new Gatherer(tap);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      const responses: Witnessed[] = [];
      for (const one of calls.slice(0, 6)) responses.push(await call(agent, server.port, one, '::1'));
      const messages = await gatherer.finish(12);
      compareWitnessed(messages, server.requests, responses);
      assert.equal(messages[0]?.connection.client.address, '::1');
    } finally {
      agent.destroy();
      await tap.close();
      await server.close();
    }
  });

  test('curl', {
    ...options,
    skip: live || (spawnSync('curl', ['--version']).error ? skip('curl is not installed') : false),
  }, async () => {
    const server = await startServer();
    const tap = await opened({ interface: loopback, port: server.port });
    const gatherer = new Gatherer(tap);
    const folder = temporaryFolder();
    const upload = randomBytes(2_000_000);
    const base = `http://127.0.0.1:${server.port}`;
    try {
      // One connection, three answers; then each on its own.
      const targets = ['/small', '/binary?gzip', '/big?chunked'];
      const out = targets.flatMap((target, i) => [`${base}${target}`, '-o', path.join(folder, `k${i}`)]);
      await run('curl', ['-sS', '--raw', '-D', path.join(folder, 'heads'), ...out]);
      await run('curl', ['-sS', '-I', `${base}/big`]);
      const posting = run(
        'curl',
        ['-sS', '--raw', '-o', path.join(folder, 'echo'), '--data-binary', '@-', `${base}/echo?br`],
        { encoding: 'buffer' },
      );
      posting.child.stdin?.end(upload);
      await posting;
      // 100 (Continue) is asked for above 1 MiB and answered by the server.
      const messages = await gatherer.finish(11);
      checkOrder(messages);
      const requests = messages.filter((message): message is RequestMessage => message.kind === 'request');
      const responses = messages.filter(
        (message): message is ResponseMessage => message.kind === 'response' && !message.interim,
      );
      assert.deepEqual(
        requests.map(start),
        server.requests.map((one) => one.start),
      );
      requests.forEach((message, i) => {
        const one = server.requests[i] as Witnessed;
        assert.deepEqual(message.headers.raw.flat(), one.rawHeaders);
        assert.ok(Buffer.from(message.body ?? []).equals(one.body), `${one.start}: body differs`);
        assert.match(message.headers.get('user-agent') ?? '', /^curl\//);
      });
      assert.equal(messages.filter((message) => message.kind === 'response' && message.interim).length, 1);
      assert.deepEqual(
        responses.map((message) => message.requestId),
        requests.map((message) => message.id),
      );
      for (const message of messages) assert.equal(message.integrity, 'complete', start(message));
      const first = responses.slice(0, 3);
      assert.equal(new Set(first.map((message) => message.connection.id)).size, 1);
      assert.ok(
        Buffer.concat(first.map((message) => message.head)).equals(readFileSync(path.join(folder, 'heads'))),
        'heads differ',
      );
      assert.ok(Buffer.from(first[1]?.body ?? []).equals(readFileSync(path.join(folder, 'k1'))));
      assert.ok(Buffer.from((await first[1]?.bytes()) ?? []).equals(bodies['/binary'] as Buffer));
      assert.ok(Buffer.from(first[2]?.body ?? []).equals(bodies['/big'] as Buffer));
      assert.equal(responses[3]?.bodyLength, 0);
      assert.equal(responses[3]?.headers.get('content-length'), '3000000');
      assert.ok(Buffer.from(responses[4]?.body ?? []).equals(readFileSync(path.join(folder, 'echo'))));
      assert.ok(Buffer.from((await responses[4]?.bytes()) ?? []).equals(upload));
    } finally {
      await tap.close();
      await server.close();
    }
  });

  test('info tells interface, link type and filter', options, async () => {
    const tap = capture({ interface: loopback, port: 65_000, filter: 'tcp' });
    await within(tap.ready, 'ready');
    const { info } = tap;
    assert.equal(info?.interface, loopback);
    assert.equal(info?.linkType, process.platform === 'darwin' ? 'NULL' : 'EN10MB');
    assert.match(info?.filter ?? '', /tcp/);
    assert.match(info?.filter ?? '', /65000/);
    await tap.close();
  });

  test('promiscuous, snaplen, bufferBytes and immediate are taken', options, async () => {
    const server = await startServer();
    const tap = await opened({
      interface: loopback,
      port: server.port,
      promiscuous: true,
      snaplen: 65_535,
      bufferBytes: 1 << 20,
      immediate: true,
    });
    const gatherer = new Gatherer(tap);
    const agent = new Agent({ keepAlive: false });
    try {
      const responses = [await call(agent, server.port, { target: '/small' })];
      compareWitnessed(await gatherer.finish(2), server.requests, responses);
    } finally {
      await tap.close();
      await server.close();
    }
  });

  test('a consumer that does not read: what is dropped is counted and seen as a jump of the ids', options, async () => {
    const server = await startServer();
    const tap = await opened({ interface: loopback, port: server.port, maxQueuedBytes: 256 * 1024 });
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const count = 300;
    try {
      const all = Array.from({ length: count }, () => call(agent, server.port, { target: '/binary' }));
      await Promise.all(all);
      const deadline = Date.now() + 10_000;
      const over = () => tap.stats().http.messagesFinished + tap.stats().delivery.messagesDropped;
      while (over() < count * 2) {
        assert.ok(Date.now() < deadline, JSON.stringify(tap.stats()));
        await new Promise(setImmediate);
      }
      await tap.stop();
      const ids: number[] = [];
      for await (const message of tap) {
        ids.push(message.id);
        assert.equal(message.integrity, 'complete');
      }
      const { messagesDropped, messagesDelivered, messagesHeld } = tap.stats().delivery;
      assert.ok(messagesDropped > 0, 'nothing was dropped');
      assert.equal(messagesHeld, 0);
      assert.equal(ids.length, messagesDelivered);
      assert.equal(messagesDelivered + messagesDropped, count * 2);
      assert.equal(new Set(ids).size, ids.length);
      assert.ok(Math.max(...ids) <= count * 2);
      // After the first dropped message comes another, so that the jump can be seen: that the ids reach further than the count.
      assert.ok(Math.max(...ids) >= ids.length);
    } finally {
      agent.destroy();
      await tap.close();
      await server.close();
    }
  });
});
