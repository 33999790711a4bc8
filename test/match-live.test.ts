/** match on traffic of node:http over loopback, and with consumers that come late. */
import assert from 'node:assert/strict';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe as suite, test } from 'node:test';
import { type CaptureOptions, capture, type Exchange, type Message } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation } from './support/conversation.js';
import { collect, loopback, opened, skipUnlessLive, temporaryFile, within } from './support/environment.js';
import { request, response } from './support/http.js';

const live = await skipUnlessLive();

/** Answers /NUMBER with that status. */
async function serve(): Promise<{ port: number; ask(path: string, body?: string): Promise<void>; close(): void }> {
  const server = createServer((asked, answer) => {
    asked.resume();
    asked.on('end', () => answer.writeHead(Number(asked.url?.slice(1, 4)) || 200).end(`you asked for ${asked.url}`));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    ask: (path, body) =>
      new Promise((resolve, reject) => {
        const options = {
          port,
          path,
          method: body === undefined ? 'GET' : 'POST',
          headers: { authorization: 'Bearer t' },
        };
        httpRequest(options, (answer) => answer.resume().on('end', resolve))
          .on('error', reject)
          .end(body);
      }),
    close: () => server.close(),
  };
}

const line = (message: Message) => (message.kind === 'request' ? message.target : `${message.status}`);

suite('live', { skip: live }, () => {
  const cases: [match: CaptureOptions['match'], want: string[], options?: CaptureOptions][] = [
    [{ status: 401 }, ['401']],
    [{ status: 401 }, ['/401', '401'], { matchScope: 'exchange' }],
    ['method == POST and header.authorization == "Bearer *"', ['/200?post']],
    ['path ~ /^.40/', ['/401', '/404']],
    ['body contains "for /404"', ['/404', '404'], { matchScope: 'exchange' }],
    ['status == 4xx', ['/401', '401', '/404', '404'], { matchScope: 'exchange', body: 'stream' }],
    ['status == 4xx', ['401', '404'], { body: 'none' }],
  ];
  for (const [match, want, options] of cases) {
    test(`${JSON.stringify(match)} ${JSON.stringify(options ?? {})}`, async () => {
      const { port, ask, close } = await serve();
      const tap = await opened({ interface: loopback, port, match, ...options });
      for (const path of ['/200', '/401', '/404']) await ask(path);
      await ask('/200?post', 'a body');
      const messages = tap[Symbol.asyncIterator]();
      const seen: string[] = [];
      while (seen.length < want.length) {
        const { value } = await within(messages.next(), `a message behind ${seen}`);
        seen.push(line(value as Message));
      }
      tap.stop();
      for await (const message of { [Symbol.asyncIterator]: () => messages }) seen.push(line(message));
      assert.deepEqual(seen, want);
      close();
      const { http, delivery } = tap.stats();
      assert.equal(http.messagesStarted, 8);
      assert.equal(http.messagesFinished + http.messagesNotSelected + http.messagesOpen, 8);
      assert.equal(delivery.messagesDelivered - delivery.messagesNotMatched, want.length);
    });
  }

  test('every operator, on the same traffic', async () => {
    // What each must select of: a request for every target and its response.
    const operators: [expression: string, holds: (message: Message) => boolean][] = [
      ['kind == request', (m) => m.kind === 'request'],
      ['response', (m) => m.kind === 'response'],
      ['method == post', (m) => m.kind === 'request' && m.method === 'POST'],
      ['method != POST', (m) => m.kind === 'request' && m.method !== 'POST'],
      ['path == /40*', (m) => m.kind === 'request' && m.path.startsWith('/40')],
      ['path in {/401, "/5*"}', (m) => m.kind === 'request' && (m.path === '/401' || m.path.startsWith('/5'))],
      ['path not in {/401}', (m) => m.kind === 'request' && m.path !== '/401'],
      ['target contains "?post"', (m) => m.kind === 'request' && m.target.includes('?post')],
      ['query != ""', (m) => m.kind === 'request' && m.query !== ''],
      ['path ~ "^/.0[14]$"', (m) => m.kind === 'request' && /^\/.0[14]$/.test(m.path)],
      ['path !~ /^\\/4/', (m) => m.kind === 'request' && !m.path.startsWith('/4')],
      ['status == 404', (m) => m.kind === 'response' && m.status === 404],
      ['status == 4xx', (m) => m.kind === 'response' && m.status >= 400 && m.status < 500],
      ['status != 4xx', (m) => m.kind === 'response' && (m.status < 400 || m.status >= 500)],
      ['status < 401', (m) => m.kind === 'response' && m.status < 401],
      ['status <= 401', (m) => m.kind === 'response' && m.status <= 401],
      ['status > 404', (m) => m.kind === 'response' && m.status > 404],
      ['status >= 404', (m) => m.kind === 'response' && m.status >= 404],
      [
        'status in {200, 402..499}',
        (m) => m.kind === 'response' && (m.status === 200 || (m.status > 401 && m.status < 500)),
      ],
      ['header.authorization == "Bearer *"', (m) => m.headers.has('authorization')],
      ['header.content-length exists', (m) => m.headers.has('content-length')],
      ['host == localhost', (m) => m.kind === 'request'],
      ['server.address == 127.0.0.0/8 and client.address == 127.0.0.1', () => true],
      ['server.address == 10.0.0.0/8', () => false],
      ['httpVersion == 1.1', () => true],
      ['bodyLength > 1KB', (m) => m.bodyLength > 1000],
      ['body contains "for /404"', (m) => m.kind === 'response' && m.status === 404],
      ['body ~ /a+ body/', (m) => m.kind === 'request' && m.method === 'POST'],
      ['integrity == complete', () => true],
      ['duration > 10min', () => false],
      [
        'not (status == 404 or method == POST) and not interim',
        (m) => !(m.kind === 'response' ? m.status === 404 : m.method === 'POST'),
      ],
    ];
    const { port, ask, close } = await serve();
    const options = { interface: loopback, port, bufferBytes: 1 << 20 };
    const whole = await opened(options);
    const taps = await Promise.all(operators.map(([match]) => opened({ ...options, match })));
    const seen = [whole, ...taps].map((tap) => collect(tap));
    for (const path of ['/200', '/401', '/404', '/503']) await ask(path);
    await ask('/200?post', 'a body '.repeat(200));
    close();
    for (const tap of [whole, ...taps]) tap.stop();
    const [all = [], ...selected] = await Promise.all(seen);
    assert.equal(all.length, 10);
    for (const [i, [expression, holds]] of operators.entries())
      assert.deepEqual(selected[i]?.map(line), all.filter(holds).map(line), expression);
  });

  test('exchanges() after ready, with what came before it was called', async () => {
    const { port, ask, close } = await serve();
    const tap = await opened({ interface: loopback, port, match: { status: 401 } });
    await ask('/200');
    await ask('/401');
    const { value } = await within(tap.exchanges().next(), 'an exchange');
    assert.equal((value as Exchange).request?.headers.get('authorization'), 'Bearer t');
    await tap.close();
    close();
  });
});

suite('when the consumer comes', () => {
  const conversation = new Conversation().handshake();
  for (let i = 0; i < 3000; i++)
    conversation.exchange(
      request({ target: `/${i}`, body: 'x'.repeat(100) }),
      response({ status: 200 + (i % 100), body: `y${i}` }),
    );
  const file = temporaryFile(
    pcap(toPackets(conversation.close().segments, { link: 'ethernet' }), { nanoseconds: true }),
  );

  test('a slow consumer of a file loses nothing', async () => {
    for (const match of ['status == 201', 'status == 201 and body ~ "y"']) {
      const tap = capture({ file, match, matchScope: 'exchange', maxQueuedBytes: 64 * 1024 });
      let count = 0;
      for await (const message of tap) {
        count++;
        if (count % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        assert.equal(message.kind === 'request' || message.status === 201, true);
      }
      assert.equal(count, 60);
      assert.equal(tap.stats().http.messagesNotSelected, 5940);
    }
  });

  test('nothing is looked at before there is a consumer, and stop() does not wait for one', async () => {
    const tap = capture({ file, match: 'status == 201' });
    await within(tap.ready, 'ready');
    assert.equal(tap.stats().http.messagesStarted, 0);
    tap.stop();
    await within(collect(tap), 'the end');
    const closed = capture({ file, match: 'status == 201' });
    await within(closed.close(), 'close()');
    assert.deepEqual(await collect(closed), []);
  });

  test('leaving early, and closing while bodies are decoded', async () => {
    for await (const message of capture({ file, match: 'body ~ "y"' })) {
      assert.equal(message.kind, 'response');
      break;
    }
    const tap = capture({ file, match: 'body ~ "y"' });
    const first = tap[Symbol.asyncIterator]().next();
    await tap.close();
    assert.equal((await within(first, 'the read that waited')).done, true);
    const controller = new AbortController();
    const aborted = capture({ file, match: 'body ~ "y"', signal: controller.signal });
    const waiting = aborted[Symbol.asyncIterator]().next();
    controller.abort(new Error('enough'));
    await assert.rejects(within(waiting, 'the read that waited'), /enough/);
  });

  test('a damaged file is told behind what matched', async () => {
    const damaged = temporaryFile(
      Buffer.concat([
        pcap(toPackets(conversation.segments, { link: 'ethernet' }), { nanoseconds: true }),
        Buffer.alloc(20, 0xff),
      ]),
    );
    let seen = 0;
    const counted = capture({ file: damaged, match: 'status == 201 and body ~ "y"' }).map(() => ++seen);
    await assert.rejects(counted.toArray(), { code: 'ERR_FILE' });
    assert.equal(seen, 30);
  });
});
