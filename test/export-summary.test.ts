import assert from 'node:assert/strict';
import { createHistogram } from 'node:perf_hooks';
import { describe as suite, test } from 'node:test';
import fc from 'fast-check';
import { accessLogLine } from '../lib/export/access-log.js';
import { Durations } from '../lib/export/durations.js';
import { foldPath } from '../lib/export/endpoint.js';
import { summarize } from '../lib/export/summary.js';
import { shortBytes, shortMs } from '../lib/export/units.js';
import type { DetachedExchange, DetachedRequest, Exchange } from '../lib/index.js';
import { Conversation } from './support/conversation.js';
import { readExchanges } from './support/exchanges.js';
import { request, response } from './support/http.js';

suite('foldPath', () => {
  const folded: Record<string, string> = {
    '/orders/17': '/orders/{id}',
    '/orders/17/': '/orders/{id}/',
    '/a/-5/b/2024-01-31/10.0.0.1/1,2,3': '/a/{id}/b/{id}/{id}/{id}',
    '/2022-11-12T04:59:00.123Z': '/{id}',
    '/u/123e4567-e89b-12d3-a456-426614174000': '/u/{id}',
    '/u/123E4567-E89B-12D3-A456-426614174000.json': '/u/{id}.json',
    '/c/3f9c2a1b/x': '/c/{id}/x',
    '/c/507f1f77bcf86cd799439011': '/c/{id}',
    '/c/aaaaaaaabbbbbbbbccccccccdddddddd': '/c/{id}',
    '/static/app.3f9c2a1b.js': '/static/app.{id}.js',
    '/17.json': '/{id}.json',
    '/k/01ARZ3NDEKTSV4RRFFQ69G5FAV': '/k/{id}',
    '/k/V1StGXR8_Z5jdHi6B-myT': '/k/{id}',
    '/k/cus_9s6xkzknriz8i3': '/k/{id}',
    '/k/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N': '/k/{id}.{id}.{id}',
    '/a;jsessionid=0123ABCD/b': '/a/b',
  };
  for (const [path, wanted] of Object.entries(folded)) test(path, () => assert.equal(foldPath(path), wanted));

  const kept = [
    ...[
      '/',
      '',
      '*',
      '/api/v2/users',
      '/deadbeef',
      '/defaced',
      '/user42',
      '/s3/h264',
      '/app.js',
      '/jquery-3.6.0.min.js',
    ],
    ...[
      '/my-long-blog-post-title-2024',
      '/configuration-management',
      '/INTERNATIONALIZATION',
      '/getUserPreferencesById',
      '/v1.2/x',
    ],
  ];
  for (const path of kept) test(`${path} stays`, () => assert.equal(foldPath(path), path));

  test('endless paths are cut', () => assert.equal(foldPath(`/${'x'.repeat(5000)}`).length, 201));
  test('hostile paths take no time', () => {
    const started = performance.now();
    for (const piece of ['1-', 'a1', '-', '.', '0x', 'A']) foldPath(`/${piece.repeat(50_000)}!`);
    assert.ok(performance.now() - started < 1000);
  });
});

test('Durations are those of a histogram of the runtime', () => {
  const value = fc.double({ min: 0, max: 33, noNaN: true }).map((exponent) => Math.floor(2 ** exponent));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 200 }), (values) => {
      const histogram = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 2 });
      const durations = new Durations();
      const clamped = values.map((us) => Math.min(3_600_000_000, Math.max(1, us)));
      for (const us of clamped) {
        histogram.record(us);
        durations.add(us / 1000);
      }
      const ms = (percent: number) => Math.min(histogram.percentile(percent), Math.max(...clamped)) / 1000;
      assert.deepEqual(durations.percentiles(), { p50: ms(50), p90: ms(90), p99: ms(99) });
    }),
  );
});

test('Durations', () => {
  const durations = new Durations();
  assert.equal(durations.percentiles(), null);
  durations.add(null);
  assert.equal(durations.percentiles(), null);
  for (let ms = 1; ms <= 1000; ms++) durations.add(ms);
  const { p50, p90, p99 } = durations.percentiles() ?? assert.fail();
  for (const [got, wanted] of [
    [p50, 500],
    [p90, 900],
    [p99, 990],
  ] as const) {
    assert.ok(Math.abs(got - wanted) <= wanted / 100, `${got} for ${wanted}`);
  }
  const one = new Durations();
  one.add(0);
  one.add(1e9);
  assert.deepEqual(one.percentiles(), { p50: 0.001, p90: 3_600_000, p99: 3_600_000 });
});

test('units', () => {
  assert.deepEqual([null, 0, 0.34, 0.9996, 1, 2.5, 99.95, 999.6, 12_345, 4_500_000].map(shortMs), [
    ...['-', '0us', '340us', '1ms', '1ms', '2.5ms', '100ms', '1s', '12.3s', '75min'],
  ]);
  assert.deepEqual([0, 999, 1000, 4_520, 999_600, 12_345_678, 5e9, 7e15].map(shortBytes), [
    ...['0', '999', '1k', '4.52k', '1M', '12.3M', '5G', '7000T'],
  ]);
});

/** Exchanges a second apart, in connections of their own. */
async function exchangesOf(list: [target: string, status: number | undefined, waitMs: number][]): Promise<Exchange[]> {
  const conversations = list.map(([target, status, waitMs], i) => {
    const startNs = 1_668_229_140_000_000_000n + BigInt(i) * 1_000_000_000n;
    const conversation = new Conversation({ client: { port: 1000 + i }, startNs, stepNs: 1000n }).handshake();
    const said = conversation.say([request({ target })]);
    conversation.wait(BigInt(waitMs * 1_000_000));
    if (status !== undefined) conversation.say([response({ status, body: 'x'.repeat(10) })], said);
    return conversation.close();
  });
  return readExchanges(conversations);
}

suite('summarize', () => {
  test('counts by endpoint', async () => {
    const exchanges = await exchangesOf([
      ['/orders/1', 200, 10],
      ['/orders/2?x=1', 404, 20],
      ['/orders/3', 500, 30],
      ['/orders/4', undefined, 0],
      ['/health', 200, 1],
    ]);
    const summary = summarize();
    for (const exchange of exchanges) summary.add(exchange);
    const [orders, health, ...others] = summary.rows();
    assert.equal(others.length, 0);
    assert.ok(orders && health);
    const { wait, total, responseBytes, requestBytes, ...rest } = orders;
    assert.deepEqual(rest, {
      endpoint: 'GET example.test/orders/{id}',
      method: 'GET',
      host: 'example.test',
      path: '/orders/{id}',
      count: 4,
      rate: 1,
      clientErrors: 1,
      serverErrors: 1,
      unanswered: 1,
      errorShare: 0.75,
    });
    assert.ok(wait && total);
    assert.ok(Math.abs(wait.p50 - 20) < 0.5 && Math.abs(wait.p99 - 30) < 0.5, JSON.stringify(wait));
    assert.ok(total.p50 >= wait.p50);
    const bytesOf = (side: 'request' | 'response') =>
      exchanges
        .filter((exchange) => exchange.request?.path !== '/health')
        .reduce((sum, { [side]: message }) => sum + (message ? message.head.length + message.bodyLength : 0), 0);
    assert.deepEqual([requestBytes, responseBytes], [bytesOf('request'), bytesOf('response')]);
    assert.equal(health.errorShare, 0);
    const plain = summarize();
    for (const exchange of exchanges) plain.add(exchange.detach());
    assert.deepEqual(plain.rows(), summary.rows());
  });

  test('further endpoints are one row, the last', async () => {
    const exchanges = await exchangesOf([
      ['/a', 200, 1],
      ['/b', 200, 1],
      ['/c', 200, 1],
      ['/d', 500, 1],
      ['/a', 200, 1],
    ]);
    const summary = summarize({ maxEndpoints: 2 });
    for (const exchange of exchanges) summary.add(exchange);
    assert.deepEqual(
      summary.rows().map((row) => [row.endpoint, row.count, row.serverErrors]),
      [
        ['GET example.test/a', 2, 0],
        ['GET example.test/b', 1, 0],
        ['other endpoints', 2, 1],
      ],
    );
  });

  test('nothing, one, and a response alone', async () => {
    const summary = summarize();
    assert.deepEqual(summary.rows(), []);
    assert.match(summary.table(), /^ *count .*endpoint\n$/);
    const conversation = new Conversation().withoutHandshake();
    conversation.say([response()]);
    for (const exchange of await readExchanges([conversation.close()])) summary.add(exchange);
    const [row] = summary.rows();
    assert.deepEqual([row?.endpoint, row?.rate, row?.wait], ['100.100.102.17:8000 (request not captured)', 0, null]);
  });

  test('as a table', async () => {
    const summary = summarize();
    const exchanges = await exchangesOf([
      ['/orders/1', 200, 10],
      ['/orders/2', 503, 20],
      [`/${'long'.repeat(30)}`, 200, 1],
      ['/caf\xe9\x1b[2J', 200, 1],
    ]);
    for (const exchange of exchanges) summary.add(exchange);
    const lines = summary.table({ width: 80, limit: 2 }).split('\n');
    assert.equal(lines.length, 5);
    assert.match(lines[0] ?? '', /^count +rate\/s +errors +p50 +p90 +p99 +bytes +endpoint$/);
    assert.match(lines[1] ?? '', /^ +2 +0\.67 +50% +\S+ms +\S+ms +\S+ms +\d+ +GET example\.test\/.*…?$/);
    assert.equal(lines[3], 'and 1 more with 1 exchange');
    for (const line of lines) assert.ok(line.length <= 80, line);
    assert.doesNotMatch(summary.table(), /[^\n -~…]/);
    assert.throws(() => summary.table({ width: 0 }), { code: 'ERR_OPTION' });
    assert.throws(() => summarize({ maxEndpoint: 1 } as object), { code: 'ERR_OPTION', message: /'maxEndpoints'/ });
  });
});

suite('accessLogLine', () => {
  const lineOf = async (conversation: Conversation, columns?: number) => {
    const [exchange] = await readExchanges([conversation.close()]);
    return accessLogLine(exchange as Exchange, { columns });
  };
  const slow = (target = '/orders/17') => {
    const conversation = new Conversation({ stepNs: 1_000_000n }).handshake();
    const said = conversation.say([request({ method: 'POST', target, body: 'abc' })]);
    conversation.wait(10_000_000n).say([response({ status: 201, body: 'x'.repeat(1200) })], said);
    return conversation;
  };

  test('an exchange', async () => {
    assert.equal(
      await lineOf(slow()),
      '2022-11-12T04:59:00.126456Z 100.100.102.33:47106 POST http://example.test/orders/17 201 3 1200 12ms 12ms',
    );
  });

  test('without a response, and without a request', async () => {
    const asked = new Conversation().handshake().exchange(request({ host: null }));
    assert.match(await lineOf(asked), / GET \/ closed 0 - - -$/);
    const answered = new Conversation().withoutHandshake();
    answered.say([response({ status: 404 })]);
    assert.match(await lineOf(answered), / - http:\/\/100\.100\.102\.17:8000 404 - 0 - -$/);
  });

  test('fits the terminal', async () => {
    for (const columns of [100, 120, 200]) {
      for (const target of ['/', `/${'long/'.repeat(80)}`]) {
        const line = await lineOf(slow(target), columns);
        assert.equal(line.length, columns, line);
        assert.match(line, /^04:59:00\.126 100\.100\.102\.33:47106 +POST +http:\/\/.* +201 +3 +1\.2k +12ms +12ms$/);
      }
    }
    assert.match(await lineOf(slow(), 10), /http:\/\/example\.test…/);
  });

  test('whose socket it is, when that is asked for', async () => {
    const [exchange] = await readExchanges([slow().close()]);
    const plain = (exchange as Exchange).detach();
    const process = { pid: 1355, name: 'my ru\x1bby', end: 'server' } as const;
    const known = { ...plain, connection: { ...plain.connection, process } } satisfies DetachedExchange;
    assert.match(accessLogLine(plain, { process: true }), / 12ms 12ms -$/);
    assert.match(accessLogLine(known, { process: true }), / 12ms 12ms server=my\\x20ru\\x1bby\[1355\]$/);
    assert.match(accessLogLine(known), / 12ms 12ms$/);
    const line = accessLogLine(known, { process: true, columns: 150 });
    assert.equal(line.length, 150);
    assert.match(line, / 12ms {3}12ms server=my\\x20ru\\x…\[1355\]$/);
  });

  test('control characters cannot reach the terminal', async () => {
    const [exchange] = await readExchanges([slow().close()]);
    const plain = (exchange as Exchange).detach();
    const hostile = { ...(plain.request as DetachedRequest), method: 'GET\n', url: 'http://a/\x1b]0;\\\x9b\u202e' };
    const line = accessLogLine({ ...plain, request: hostile } satisfies DetachedExchange);
    assert.ok(line.includes(' GET\\x0a http://a/\\x1b]0;\\x5c\\x9b\\u{202e} '), line);
  });
});
