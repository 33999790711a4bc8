/** The options match and matchScope, on captures from files. */
import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { type CaptureOptions, capture, type Exchange, type Message } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation, interleave, type Said } from './support/conversation.js';
import { collect, temporaryFile } from './support/environment.js';
import { type RequestOptions, type ResponseOptions, request, response } from './support/http.js';

const fileOf = (...conversations: Conversation[]) =>
  temporaryFile(pcap(toPackets(interleave(conversations), { link: 'ethernet' }), { nanoseconds: true }));

function conversationOf(...exchanges: [RequestOptions, ...ResponseOptions[]][]): Conversation {
  const conversation = new Conversation().handshake();
  for (const [asked, ...answers] of exchanges) conversation.exchange(request(asked), ...answers.map(response));
  return conversation.close();
}

/** A line a message: what it answers is told by id. */
const line = (message: Message) =>
  message.kind === 'request'
    ? `${message.id} ${message.method} ${message.target}`
    : `${message.id}${message.requestId === null ? '' : `<-${message.requestId}`} ${message.status}`;

const side = ({ request: asked, response: answer }: Exchange) => `${asked?.target} ${answer?.status}`;

async function lines(file: string, options: CaptureOptions): Promise<string[]> {
  return (await collect(capture({ file, ...options }))).map(line);
}

const login = conversationOf(
  [{ method: 'POST', target: '/login', headers: [['Authorization', 'Bearer a']], body: 'user=a' }, { status: 401 }],
  [
    { target: '/', headers: [['Cookie', 'c']] },
    { status: 200, body: 'hello world' },
  ],
  [
    { method: 'PUT', target: '/up?x=1', body: 'gzipped needle', coding: 'gzip', chunked: [5] },
    { status: 100 },
    { status: 500 },
  ],
  [{ target: '/old' }, { status: 304 }],
);
const loginFile = fileOf(login);

const bodies = ['buffer', 'none', 'stream'] as const;

suite('single messages', () => {
  const cases: [match: CaptureOptions['match'], want: string[]][] = [
    ['method == POST', ['1 POST /login']],
    [{ method: ['post', 'PUT'] }, ['1 POST /login', '2 PUT /up?x=1']],
    ['path == /up', ['1 PUT /up?x=1']],
    ['path == /up or status == 500', ['1 PUT /up?x=1', '2<-1 500']],
    ['status == 4xx', ['1 401']],
    ['status in {401, 500..599}', ['1 401', '2 500']],
    ['interim', ['1 100']],
    ['interim and request.method == PUT', ['1 100']],
    ['header.authorization exists', ['1 POST /login']],
    ['header.authorization == "Bearer *"', ['1 POST /login']],
    ['method != GET', ['1 POST /login', '2 PUT /up?x=1']],
    ['request and not path == /', ['1 POST /login', '2 PUT /up?x=1', '3 GET /old']],
    ['query contains x', ['1 PUT /up?x=1']],
    ['host == "*.test" and path == /old', ['1 GET /old']],
    ['server.port == 8000 and client.address == 100.100.0.0/16 and status == 200', ['1 200']],
    ['port == 1', []],
    // The rest is decided in JavaScript.
    ['path ~ "^/o"', ['1 GET /old']],
    ['path ~ "^/o" or status in {304, 500}', ['1 500', '2 GET /old', '3<-2 304']],
    ['method == PUT and path ~ /UP/i', ['1 PUT /up?x=1']],
    ['request.method == POST', ['1 POST /login', '2<-1 401']],
    ['request.method == POST and status >= 400', ['1 401']],
    ['response.status == 500 and method == PUT', ['1 PUT /up?x=1']],
    ['request.path ~ /log/ and statusText exists', ['1 401']],
  ];
  for (const body of bodies) {
    for (const [match, want] of cases) {
      test(`${JSON.stringify(match)} with body: '${body}'`, async () => {
        assert.deepEqual(await lines(loginFile, { match, body }), want);
        const batches = await collect(capture({ file: loginFile, match, body }).batches());
        assert.deepEqual(batches.flatMap((batch) => [...batch]).map(line), want);
      });
    }
  }

  test('conditions on bodies see them decoded, and keep the order', async () => {
    for (const match of ['body contains "needle"', { body: /ne+dle/ }, 'request and body ~ "needle"']) {
      const [put, ...others] = await collect(capture({ file: loginFile, match }));
      assert.equal(others.length, 0);
      assert.equal(put?.kind === 'request' && put.method, 'PUT');
      assert.equal(await put?.text(), 'gzipped needle');
    }
    const order = await lines(loginFile, { match: 'body exists or status == 304 or path == /old' });
    assert.deepEqual(
      order.map((one) => one.replace(/^\S+ /, '')),
      ['POST /login', '200', 'PUT /up?x=1', 'GET /old', '304'],
    );
  });

  test('what is known at the end', async () => {
    assert.deepEqual(await lines(loginFile, { match: 'response and bodyLength > 5' }), ['1 200']);
    assert.deepEqual(await lines(loginFile, { match: 'integrity != complete' }), []);
    assert.equal((await lines(loginFile, { match: 'method == PUT and duration >= 0ns' })).length, 1);
  });

  test('the counters add up', async () => {
    const tap = capture({ file: loginFile, match: 'method == GET and path ~ /old/' });
    assert.equal((await collect(tap)).length, 1);
    const { http, delivery } = tap.stats();
    assert.equal(http.messagesStarted, 9);
    assert.equal(http.messagesNotSelected, 7);
    assert.equal(http.messagesFinished, 2);
    assert.equal(delivery.messagesDelivered, 2);
    assert.equal(delivery.messagesNotMatched, 1);
    assert.equal(http.bodyBytesCut, http.bodyBytes);
    assert.equal(delivery.requestsForgotten, 0);
  });

  test('requests() and responses() push the kind down', async () => {
    const requests = capture.requests({ file: loginFile, match: { path: '/*o*' } });
    assert.deepEqual((await requests.toArray()).map(line), ['1 POST /login', '2 GET /old']);
    assert.deepEqual((await capture.responses({ file: loginFile, match: 'status != 200' }).toArray()).map(line), [
      '1 401',
      '2 100',
      '3 500',
      '4 304',
    ]);
  });
});

suite('exchanges', () => {
  const cases: [match: CaptureOptions['match'], want: string[]][] = [
    ['status == 401', ['1 POST /login', '2<-1 401']],
    [{ status: 401 }, ['1 POST /login', '2<-1 401']],
    ['method == PUT and status >= 500', ['1 PUT /up?x=1', '2<-1 100', '3<-1 500']],
    ['status == 100', []],
    ['path == /', ['1 GET /', '2<-1 200']],
    ['not path == / and status != 500', ['1 POST /login', '2<-1 401', '3 GET /old', '4<-3 304']],
    ['header.cookie exists', ['1 GET /', '2<-1 200']],
    ['statusText ~ /./ and path ~ /login/', ['1 POST /login', '2<-1 401']],
    ['path ~ /^.$/', ['1 GET /', '2<-1 200']],
  ];
  for (const body of bodies) {
    for (const [match, want] of cases) {
      test(`${JSON.stringify(match)} with body: '${body}'`, async () => {
        assert.deepEqual(await lines(loginFile, { match, body, matchScope: 'exchange' }), want);
        const exchanges = await collect(capture({ file: loginFile, match, body }).exchanges());
        const requests = want.filter((one) => / \w+ \//.test(one));
        assert.deepEqual(
          exchanges.map((exchange) => exchange.request?.target),
          requests.map((one) => one.split(' ')[2]),
        );
        assert.ok(exchanges.every((exchange) => exchange.response?.request?.target === exchange.request?.target));
      });
    }
  }

  test('conditions on the body of either side', async () => {
    const of = async (match: string) => (await collect(capture({ file: loginFile, match }).exchanges())).map(side);
    assert.deepEqual(await of('body contains needle'), ['/up?x=1 500']);
    assert.deepEqual(await of('response.body contains world'), ['/ 200']);
    assert.deepEqual(await of('wait >= 0ns and status == 304'), ['/old 304']);
    const [asked] = await collect(capture({ file: loginFile, match: 'status == 401', matchScope: 'exchange' }));
    assert.equal(await asked?.text(), 'user=a');
  });

  test('pipelined requests are decided one by one', async () => {
    const conversation = new Conversation().handshake();
    const targets = Array.from({ length: 20 }, (_, i) => `/${i}`);
    conversation.pipeline(
      targets.map((target, i) => ({ request: request({ target }), responses: [response({ status: 200 + (i % 3) })] })),
    );
    const file = fileOf(conversation.close());
    const want = targets
      .filter((_, i) => i % 3 === 1)
      .map((target, i) => [`${2 * i + 1} GET ${target}`, `${2 * i + 2}<-${2 * i + 1} 201`]);
    for (const body of bodies) {
      assert.deepEqual(await lines(file, { match: 'status == 201', matchScope: 'exchange', body }), want.flat());
      const regular = await lines(file, { match: 'status == 201 and path ~ /./', matchScope: 'exchange', body });
      assert.deepEqual(regular, want.flat());
    }
  });

  test('a response before the end of its request', async () => {
    const conversation = new Conversation().handshake();
    const post = request({ method: 'POST', target: '/early', body: 'x'.repeat(3000) });
    const asked: Said = { message: post, conversation, side: 0, start: 0, end: post.wire.length };
    conversation.said.push(asked);
    conversation.send(0, post.wire.subarray(0, 1500));
    conversation.say([response({ status: 413 })], [asked]);
    conversation.send(0, post.wire.subarray(1500)).close();
    const file = fileOf(conversation);
    for (const body of bodies) {
      for (const match of ['status == 413', 'status == 413 and path ~ /early/']) {
        const messages = await collect(capture({ file, match, matchScope: 'exchange', body }));
        assert.deepEqual(messages.map(line), ['1 POST /early', '2<-1 413']);
        if (body === 'buffer') assert.equal((await messages[0]?.bytes())?.length, 3000);
        assert.deepEqual(await lines(file, { match: 'status == 200', matchScope: 'exchange', body }), []);
      }
    }
  });

  test('requests whose response was lost, or never came', async () => {
    const unanswered = new Conversation().handshake();
    unanswered.exchange(request({ target: '/a' }), response({ status: 200 }));
    unanswered.say([request({ target: '/never' })]);
    const file = fileOf(unanswered.reset(1));
    const targets = async (match: string, options: CaptureOptions = {}) =>
      (await collect(capture({ file, match, ...options }).exchanges())).map(
        (exchange) => `${exchange.request?.target} ${exchange.response?.status ?? exchange.noResponse}`,
      );
    for (const body of bodies) {
      assert.deepEqual(await targets('not response.status exists', { body }), ['/never reset']);
      assert.deepEqual(await targets('not status == 200', { body }), ['/never reset']);
      assert.deepEqual(await targets('status exists', { body }), ['/a 200']);
      assert.deepEqual(await targets('response', { body }), ['/a 200']);
      assert.deepEqual(await targets('not status == 200 and path ~ /e/', { body }), ['/never reset']);
      assert.deepEqual(await lines(file, { match: 'not status == 200', matchScope: 'exchange', body }), [
        '1 GET /never',
      ]);
    }
  });

  test('a response whose request was not captured', async () => {
    const conversation = new Conversation().withoutHandshake();
    conversation.say([response({ status: 404 })]);
    const file = fileOf(conversation.close());
    assert.deepEqual(await lines(file, { match: 'status == 404', matchScope: 'exchange' }), ['1 404']);
    assert.deepEqual(await lines(file, { match: 'status == 404 and statusText ~ /./', matchScope: 'exchange' }), [
      '1 404',
    ]);
    assert.deepEqual(await lines(file, { match: 'request.path == /', matchScope: 'exchange' }), []);
  });

  test('more than maxUndecidedBytes is given up, oldest first', async () => {
    const conversation = new Conversation().handshake();
    const many = Array.from({ length: 40 }, (_, i) =>
      request({ target: `/${i}`, method: 'POST', body: 'x'.repeat(4096) }),
    );
    const asked = conversation.say(many);
    conversation.say(
      many.map(() => response({ status: 500 })),
      asked,
    );
    const file = fileOf(conversation.close());
    const tap = capture({ file, match: 'status == 500', matchScope: 'exchange', maxUndecidedBytes: 64 * 1024 });
    const messages = await collect(tap);
    const { http } = tap.stats();
    assert.ok(http.undecidedDropped > 20 && http.undecidedDropped < 40, `${http.undecidedDropped}`);
    assert.equal(messages.length, 2 * (40 - http.undecidedDropped));
    const last = messages.findLast((message) => message.kind === 'request');
    assert.equal(last?.kind === 'request' && last.target, '/39');
    assert.equal(http.messagesNotSelected, 2 * http.undecidedDropped);
    assert.equal(http.undecidedBytes, 0);
  });
});

suite('options', () => {
  const code = 'ERR_OPTION';
  const noFile = { file: '/nowhere' };
  test('mistakes are told at once', () => {
    assert.throws(() => capture({ ...noFile, match: 'metod == GET' }), { code, position: 0 });
    assert.throws(() => capture({ ...noFile, match: { staus: 200 } as never }), { code });
    assert.throws(() => capture({ ...noFile, matchScope: 'both' as never }), { code, message: /matchScope/ });
    assert.throws(() => capture({ ...noFile, match: 'body contains x', body: 'stream' }), {
      code,
      message: /'body contains x'.*body: 'buffer'/,
    });
    assert.throws(() => capture({ ...noFile, match: 'duration > 1s', body: 'stream' }), {
      code,
      message: /end of a message/,
    });
    assert.throws(() => capture({ ...noFile, match: 'body contains x', body: 'none' }), {
      code,
      message: /body: 'buffer'/,
    });
    assert.throws(() => capture({ ...noFile, match: 'request and response', matchScope: 'message' }), {
      code,
      message: /never hold/,
    });
  });

  test('an expression about both sides holds for no single message', async () => {
    const match = 'method == POST and status == 401';
    const advice = { code, message: /matchScope: 'exchange'/ };
    assert.throws(() => capture({ ...noFile, match, matchScope: 'message' }), advice);
    assert.throws(() => capture.requests({ ...noFile, match }), advice);
    await assert.rejects(
      collect({ [Symbol.asyncIterator]: () => capture({ file: loginFile, match })[Symbol.asyncIterator]() }),
      advice,
    );
    assert.deepEqual((await collect(capture({ file: loginFile, match }).exchanges())).map(side), ['/login 401']);
    assert.equal((await lines(loginFile, { match, matchScope: 'exchange' })).length, 2);
  });

  test('an empty match is none', async () => {
    assert.equal((await lines(loginFile, { match: {} })).length, 9);
    assert.equal((await lines(loginFile, { match: { path: undefined }, matchScope: 'exchange' })).length, 9);
  });
});
