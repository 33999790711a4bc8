/** examples/opentelemetry.mjs, with a collector that keeps what it gets. */
import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import * as conventions from '@opentelemetry/semantic-conventions';
import { capture, type Exchange } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation, interleave } from './support/conversation.js';
import { collect, loopback, skipUnlessLive, temporaryFile } from './support/environment.js';
import { Example, runExample, startTraffic } from './support/example.js';
import { type RequestOptions, type ResponseOptions, request, response } from './support/http.js';
import { Collector, valuesOf } from './support/otlp-collector.js';
import { traffic } from './support/traffic.js';

const live = await skipUnlessLive();

const server = 2;
const error = 2;
const buckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

function say(conversation: Conversation, asked: RequestOptions, answered: ResponseOptions = {}): void {
  conversation.exchange(request(asked), response(answered));
}

function captureOf(...conversations: Conversation[]): string {
  return temporaryFile(pcap(toPackets(interleave(conversations), { link: 'ethernet' }), { nanoseconds: true }));
}

/** A span to the nanosecond, and what tells which exchange it is of. */
function spanOf({ request, response, connection }: Exchange): object {
  assert.ok(request);
  return {
    name: request.method,
    start: `${request.startTime}`,
    end: `${(response ?? request).endTime}`,
    path: request.path,
    status: response?.status,
    peer: connection.client.port,
  };
}

suite('opentelemetry', { timeout: 120_000 }, () => {
  test('a span for each of thousands of exchanges, and their histogram', async (t) => {
    const many = traffic({ seed: 94, conversations: 20, exchanges: 150, maxBodyBytes: 100 });
    const file = captureOf(...many.conversations);
    const exchanges = (await collect(capture({ file }).exchanges())).filter(({ response }) => response);
    assert.ok(exchanges.length > 2048, 'more than the queue of the span processor holds');
    const collector = await Collector.start(t, { slow: true });
    await runExample(t, 'opentelemetry', ['-r', file], { env: collector.env });

    type One = { start: string; peer?: unknown };
    const byTime = (a: One, b: One) => Number(BigInt(a.start) - BigInt(b.start)) || Number(a.peer) - Number(b.peer);
    const spans = collector.spans.map(({ name, startTimeUnixNano: start, endTimeUnixNano: end, attributes }) => {
      const values = valuesOf(attributes);
      return {
        name,
        start,
        end,
        path: values['url.path'],
        status: values['http.response.status_code'],
        peer: values['network.peer.port'],
      };
    });
    const expected = exchanges.map((exchange) => spanOf(exchange) as (typeof spans)[0]);
    assert.deepEqual(spans.sort(byTime), expected.sort(byTime));

    assert.deepEqual([...collector.services], ['payments']);
    const { name, unit, histogram } = collector.duration;
    assert.deepEqual([name, unit], [conventions.METRIC_HTTP_SERVER_REQUEST_DURATION, 's']);
    for (const { attributes, count, sum, bucketCounts, explicitBounds } of histogram.dataPoints) {
      const values = valuesOf(attributes);
      const of = exchanges.filter(
        ({ request, response }) =>
          request?.method === values['http.request.method'] && response?.status === values['http.response.status_code'],
      );
      const seconds = of.map(({ timing }) => (timing.total ?? 0) / 1000);
      assert.equal(Number(count), of.length);
      assert.ok(Math.abs(sum - seconds.reduce((a, b) => a + b, 0)) < 1e-9);
      assert.deepEqual(explicitBounds, buckets);
      assert.deepEqual(
        bucketCounts.map(Number),
        [...buckets, Number.POSITIVE_INFINITY].map(
          (bound, i) => seconds.filter((one) => one <= bound && one > (buckets[i - 1] ?? -1)).length,
        ),
      );
    }
    const counted = histogram.dataPoints.reduce((total, { count }) => total + Number(count), 0);
    assert.equal(counted, exchanges.length);
  });

  test('attributes follow the conventions', async (t) => {
    const conversation = new Conversation({
      client: { address: '10.1.0.7', port: 47106 },
      server: { address: '10.2.0.80' },
    });
    conversation.handshake();
    const agent: [string, string] = ['User-Agent', 'curl/8.0'];
    say(conversation, { target: '/a%20b?x=1&token=0123456789abcdef', host: 'shop.test:8443', headers: [agent] });
    say(conversation, { method: 'PURGE', host: null }, { status: 404 });
    say(conversation, {}, { status: 503 });
    conversation.close();
    const collector = await Collector.start(t);
    await runExample(t, 'opentelemetry', ['-r', captureOf(conversation)], { env: collector.env });

    const [get, purge, failed, ...rest] = collector.spans.map(({ name, kind, status, attributes }) => {
      assert.equal(kind, server);
      return { name, status: status.code, ...valuesOf(attributes) };
    });
    assert.deepEqual(rest, []);
    const common = {
      'url.scheme': 'http',
      'network.protocol.version': '1.1',
      'client.address': '10.1.0.7',
      'network.peer.address': '10.1.0.7',
      'network.peer.port': 47106,
    };
    const { 'url.query': query, ...ofGet } = get as Record<string, unknown>;
    assert.match(query as string, /^x=1&token=redacted-/);
    assert.deepEqual(ofGet, {
      ...common,
      name: 'GET',
      status: 0,
      'http.request.method': 'GET',
      'url.path': '/a%20b',
      'server.address': 'shop.test',
      'server.port': 8443,
      'http.response.status_code': 200,
      'user_agent.original': 'curl/8.0',
    });
    assert.deepEqual(purge, {
      ...common,
      name: 'HTTP',
      status: 0,
      'http.request.method': '_OTHER',
      'http.request.method_original': 'PURGE',
      'url.path': '/',
      'server.address': '10.2.0.80',
      'server.port': 8000,
      'http.response.status_code': 404,
    });
    assert.deepEqual(failed, {
      ...common,
      name: 'GET',
      status: error,
      'http.request.method': 'GET',
      'url.path': '/',
      'server.address': 'example.test',
      'server.port': 8000,
      'http.response.status_code': 503,
      'error.type': '503',
    });
    const known = new Set<unknown>(Object.values(conventions));
    const used = [...collector.spans, ...collector.duration.histogram.dataPoints].flatMap(({ attributes }) =>
      attributes.map(({ key }) => key),
    );
    assert.deepEqual(
      used.filter((key) => !known.has(key)),
      [],
    );
    const points = collector.duration.histogram.dataPoints.map(({ attributes }) => valuesOf(attributes));
    const ofMetric = { 'url.scheme': 'http', 'network.protocol.version': '1.1' };
    assert.deepEqual(points, [
      { ...ofMetric, 'http.request.method': 'GET', 'http.response.status_code': 200 },
      { ...ofMetric, 'http.request.method': '_OTHER', 'http.response.status_code': 404 },
      { ...ofMetric, 'http.request.method': 'GET', 'http.response.status_code': 503, 'error.type': '503' },
    ]);
  });

  test('the traceparent header names the trace and the parent, and whether it is sampled', async (t) => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const parent = '00f067aa0ba902b7';
    const conversation = new Conversation().handshake();
    const traced = (target: string, traceparent: string) =>
      say(conversation, { target, headers: [['traceparent', traceparent]] });
    traced('/sampled', `00-${traceId}-${parent}-01`);
    traced('/unsampled', `00-${traceId}-${parent}-00`);
    traced('/malformed', `00-${traceId}`);
    conversation.close();
    const collector = await Collector.start(t);
    await runExample(t, 'opentelemetry', ['-r', captureOf(conversation)], { env: collector.env });
    assert.deepEqual(
      collector.spans.map(({ attributes }) => valuesOf(attributes)['url.path']),
      ['/sampled', '/malformed'],
    );
    const [sampled, malformed] = collector.spans;
    assert.deepEqual([sampled?.traceId, sampled?.parentSpanId], [traceId, parent]);
    assert.notEqual(malformed?.traceId, traceId);
    assert.ok(!malformed?.parentSpanId);
    assert.deepEqual(
      collector.duration.histogram.dataPoints.map(({ count }) => Number(count)),
      [3],
    );
  });

  test('a request that is not answered is an error, unless the capture may have missed the answer', async (t) => {
    const conversations = ['closed', 'ended'].map((target, i) => {
      const conversation = new Conversation({ client: { port: 40_000 + i } }).handshake();
      conversation.say([request({ target: `/${target}` })]);
      return target === 'closed' ? conversation.close(1) : conversation;
    });
    const collector = await Collector.start(t);
    await runExample(t, 'opentelemetry', ['-r', captureOf(...conversations)], { env: collector.env });
    const [closed, ...rest] = collector.spans;
    assert.ok(closed);
    assert.deepEqual(rest, []);
    const values = valuesOf(closed.attributes);
    assert.deepEqual([values['url.path'], values['error.type'], closed.status.code], ['/closed', 'closed', error]);
    assert.deepEqual(collector.metrics, []);
  });

  test('live, until Ctrl-C', { skip: live }, async (t) => {
    const { port, ask } = await startTraffic(t, (_body, incoming, outgoing) => {
      outgoing.statusCode = incoming.url === '/2' ? 500 : 200;
      outgoing.end();
    });
    const collector = await Collector.start(t);
    const example = new Example(t, 'opentelemetry', ['-i', loopback, '-p', String(port)], { env: collector.env });
    await example.reading();
    for (const target of ['/1', '/2', '/3']) await ask(target);
    example.interrupt();
    assert.equal(await example.end(), 0, example.stderr);
    assert.equal(example.stdout, '3 exchanges\n');
    assert.deepEqual(
      collector.spans.map(({ status, attributes }) => {
        const values = valuesOf(attributes);
        return [values['url.path'], values['server.port'], values['http.response.status_code'], status.code];
      }),
      [
        ['/1', port, 200, 0],
        ['/2', port, 500, error],
        ['/3', port, 200, 0],
      ],
    );
  });

  test('to the console, as the standard variables say', async (t) => {
    const conversation = new Conversation().handshake();
    say(conversation, { target: '/x' });
    const env = { OTEL_TRACES_EXPORTER: 'console', OTEL_METRICS_EXPORTER: 'console' };
    const lines = await runExample(t, 'opentelemetry', ['-r', captureOf(conversation.close())], { env });
    const text = lines.join('\n');
    assert.match(text, /'url\.path': '\/x'/);
    assert.match(text, /name: 'http\.server\.request\.duration'/);
  });

  test('says when the collector refuses', async (t) => {
    const conversation = new Conversation().handshake();
    say(conversation, {});
    const collector = await Collector.start(t, { status: 400 });
    const example = new Example(t, 'opentelemetry', ['-r', captureOf(conversation.close())], { env: collector.env });
    assert.equal(await example.end(), 1);
    assert.match(example.stderr, /^The last of it was not exported: /m);
  });
});
