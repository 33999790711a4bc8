/** What all programs in examples/ have in common, and those that print. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { describe as suite, type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { accessLogLine, capture, type Message } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation, interleave } from './support/conversation.js';
import { collect, loopback, skipUnlessLive, temporaryFile, top, within } from './support/environment.js';
import { Example, linesOf, runExample, skipWithout, startTraffic } from './support/example.js';
import { request, response } from './support/http.js';
import { traffic } from './support/traffic.js';

const live = await skipUnlessLive();
const names = readdirSync(path.join(top, 'examples'))
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => path.basename(file, '.mjs'));
const { segments } = traffic({ seed: 91, conversations: 12, exchanges: 40 });
const file = temporaryFile(pcap(toPackets(segments, { link: 'ethernet' }), { nanoseconds: true }));

suite('every example', { timeout: 120_000 }, () => {
  for (const name of names)
    test(`${name}: is checked, tells its usage, and why it cannot read`, async (t) => {
      const source = readFileSync(path.join(top, 'examples', `${name}.mjs`), 'utf8');
      assert.match(source, /^\/\/ @ts-check\n\/\*\*/);
      const imports = [...source.matchAll(/from '([^']+)'/g)].map((match) => match[1]);
      // Whoever copies one file needs no other.
      assert.deepEqual(
        imports.filter((one) => one?.startsWith('.')),
        [],
      );

      const help = new Example(t, name, ['--help']);
      assert.equal(await help.end(), 0);
      assert.match(help.stdout + help.stderr, new RegExp(`^Usage: node ${name}\\.mjs `));

      const wrong = new Example(t, name, ['--no-such-flag']);
      assert.equal(await wrong.end(), 1);
      assert.match(wrong.stderr, /Unknown option '--no-such-flag'/);
    });

  for (const name of names.filter((one) => one !== 'remote' && one !== 'redis'))
    test(`${name}: says in one line that there is no such file`, async (t) => {
      const example = new Example(t, name, ['-r', '/no/such/file', 'x'].slice(0, takesArgument(name) ? 3 : 2), {
        env: { OTEL_TRACES_EXPORTER: 'console', OTEL_METRICS_EXPORTER: 'console' },
      });
      assert.equal(await example.end(), 1);
      assert.match(example.stderr, /^"\/no\/such\/file" cannot be opened: .*\n$/);
    });
});

function takesArgument(name: string): boolean {
  return ['endpoint', 'har', 'archive'].includes(name);
}

suite('endpoint', { timeout: 120_000 }, () => {
  test('prints the exchanges of the endpoint with their bodies', async (t) => {
    const expected: string[] = [];
    for await (const exchange of capture({ file, match: { path: '/a/b/*', method: 'POST' } }).exchanges()) {
      expected.push(accessLogLine(exchange));
      expected.push(...(await printed('>', exchange.request)), ...(await printed('<', exchange.response)));
    }
    assert.ok(expected.length > 20);
    assert.deepEqual(await runExample(t, 'endpoint', ['-r', file, '-p', '8000', '/a/b/*', 'POST']), expected);
  });

  test('tells of a body that cannot be decoded, and escapes what a terminal would obey', async (t) => {
    const conversation = new Conversation().handshake();
    const damaged = response({ headers: [['Content-Encoding', 'gzip']], body: 'not gzip' });
    conversation.exchange(request({ target: '/x', method: 'POST', body: '\u001b[2J\u009b31m' }), damaged).close();
    const lines = await runExample(t, 'endpoint', ['-r', captureOf(conversation), '/x']);
    assert.equal(lines[1], "  > '\\x1B[2J\\x9B31m'");
    assert.match(lines[2] ?? '', /^ {2}< \(.*gzip.*\)$/);
  });

  test('live, until Ctrl-C', { skip: live }, async (t) => {
    const { port, ask } = await startTraffic(t, (_body, incoming, outgoing) => outgoing.end(`this is ${incoming.url}`));
    const example = new Example(t, 'endpoint', ['-i', loopback, '-p', String(port), '/api/*']);
    await example.reading();
    for (const target of ['/api/1', '/other', '/api/2']) await ask(target);
    example.interrupt();
    assert.equal(await example.end(), 0);
    assert.equal(example.stderr, `Reading ${loopback}\n`);
    const line = (target: string) =>
      new RegExp(`^\\S+Z 127\\.0\\.0\\.1:\\d+ GET http://127\\.0\\.0\\.1:${port}${target} 200 0 14 \\S+ms \\S+ms$`);
    const [first = '', body, second = '', ...rest] = linesOf(example.stdout);
    assert.match(first, line('/api/1'));
    assert.equal(body, "  < 'this is /api/1'");
    assert.match(second, line('/api/2'));
    assert.deepEqual(rest, ["  < 'this is /api/2'"]);
  });

  test('live, ends when its output is closed', { skip: live }, async (t) => {
    const { port, ask } = await startTraffic(t, (_body, _incoming, outgoing) => outgoing.end('ok'));
    const example = new Example(t, 'endpoint', ['-i', loopback, '-p', String(port), '/']);
    await example.reading();
    example.child.stdout.destroy();
    await ask('/');
    assert.equal(await example.end(), 0, example.stderr);
  });
});

async function printed(mark: string, message: Message | undefined): Promise<string[]> {
  if (!message?.bodyLength) return [];
  return [`  ${mark} ${inspect(await message.text(), { breakLength: Infinity, maxStringLength: 200 })}`];
}

function captureOf(...conversations: Conversation[]): string {
  return temporaryFile(pcap(toPackets(interleave(conversations), { link: 'ethernet' }), { nanoseconds: true }));
}

const start = Date.parse('2022-11-12T04:59:00Z');

/** A client that is refused at these seconds. */
function refusedAt(address: string, seconds: readonly number[], status = 401): Conversation {
  const conversation = new Conversation({ client: { address }, startNs: BigInt(start) * 1_000_000n, stepNs: 0n });
  conversation.handshake();
  for (const second of seconds) {
    conversation.timeNs = BigInt(start + second * 1000) * 1_000_000n;
    conversation.exchange(request({ target: '/login' }), response({ status }));
  }
  return conversation;
}

function alertOf(client: string, second: number): object {
  return { text: `${client}: 3 × 401 within 10 s`, at: new Date(start + second * 1000).toISOString() };
}

suite('alert', { timeout: 120_000 }, () => {
  const args = ['--limit', '3', '--seconds', '10'];

  test('tells of bursts, once a window, and of nothing else', async (t) => {
    const capture = captureOf(
      refusedAt('10.0.0.1', [0, 4, 8]),
      refusedAt('10.0.0.2', [0, 9, 11, 25]),
      refusedAt('10.0.0.3', [1, 2, 3, 4, 5, 12, 13, 14, 40]),
      refusedAt('10.0.0.4', [0, 1, 2, 3], 403),
      refusedAt('10.0.0.5', [0, 5, 10]),
    );
    const alerts = (await runExample(t, 'alert', ['-r', capture, ...args])).map((line) => JSON.parse(line));
    assert.deepEqual(alerts, [
      alertOf('10.0.0.3', 3),
      alertOf('10.0.0.1', 8),
      alertOf('10.0.0.5', 10),
      alertOf('10.0.0.3', 13),
    ]);
  });

  test('live: posts to the webhook', { skip: live }, async (t) => {
    const { port, ask } = await startTraffic(t, (_body, incoming, outgoing) => {
      outgoing.statusCode = incoming.url === '/ok' ? 200 : 401;
      outgoing.end();
    });
    const webhook = await startWebhook(t, 204);
    const example = new Example(t, 'alert', ['-i', loopback, '-p', String(port), ...args, '--webhook', webhook.url]);
    await example.reading();
    for (const target of ['/1', '/ok', '/2', '/ok', '/3']) await ask(target);
    const posted = await within(webhook.posted, 'the alert');
    example.interrupt();
    assert.equal(await example.end(), 0, example.stderr);
    const [alert = '', ...rest] = linesOf(example.stdout);
    assert.deepEqual(rest, []);
    assert.deepEqual(JSON.parse(alert), posted);
    assert.equal((posted as { text: string }).text, '127.0.0.1: 3 × 401 within 10 s');
  });

  test('goes on when the webhook fails', async (t) => {
    const webhook = await startWebhook(t, 500);
    const both = captureOf(refusedAt('10.0.0.1', [0, 1, 2]), refusedAt('10.0.0.2', [0, 1, 3]));
    const example = new Example(t, 'alert', ['-r', both, ...args, '--webhook', webhook.url]);
    assert.equal(await example.end(), 0);
    assert.equal(linesOf(example.stdout).length, 2);
    assert.match(
      example.stderr,
      /^Reading .*\nThe webhook failed: it answered 500\nThe webhook failed: it answered 500\n$/,
    );
  });
});

async function startWebhook(t: TestContext, status: number) {
  let take: (posted: unknown) => void;
  const posted = new Promise<unknown>((resolve) => {
    take = resolve;
  });
  const server = createServer(async (incoming: IncomingMessage, outgoing) => {
    take(await json(incoming));
    outgoing.writeHead(status).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    posted,
  };
}

suite('remote', { timeout: 120_000 }, () => {
  test('prints what the command captures', async (t) => {
    const expected = (await collect(capture({ file }).exchanges())).map((exchange) => accessLogLine(exchange));
    assert.ok(expected.length > 100);
    assert.deepEqual(await runExample(t, 'remote', ['--', 'cat', file]), expected);
  });

  // A command that captures until it is told to end, as kubectl exec does: what it has captured so far is shown at once.
  const endless = `require('fs').createReadStream(${JSON.stringify(file)}).pipe(process.stdout, {end: false}); setInterval(() => {}, 1e6);`;

  test('shows messages while the command goes on, and ends it with Ctrl-C', async (t) => {
    const example = new Example(t, 'remote', ['--', process.execPath, '-e', endless]);
    await example.said(({ stdout }) => linesOf(stdout).length > 100);
    example.interrupt();
    assert.equal(await example.end(), 0, example.stderr);
  });

  test('ends the command when its own output is closed', async (t) => {
    const example = new Example(t, 'remote', ['--', process.execPath, '-e', endless]);
    example.child.stdout.destroy();
    assert.equal(await example.end(), 0, example.stderr);
  });

  test('tells how the command failed', async (t) => {
    const failing = new Example(t, 'remote', ['--', 'sh', '-c', 'echo "pods are forbidden" >&2; exit 3']);
    assert.equal(await failing.end(), 1);
    assert.equal(failing.stderr, 'pods are forbidden\nsh ended with 3\n');
    const missing = new Example(t, 'remote', ['--', 'no-such-command']);
    assert.equal(await missing.end(), 1);
    assert.match(missing.stderr, /^no-such-command cannot be started: .*ENOENT\n$/);
    const cut = new Example(t, 'remote', ['--', 'head', '-c', '100000', file]);
    assert.equal(await cut.end(), 1);
    assert.match(cut.stderr, /^the stream is truncated .*\n$/);
    assert.ok(linesOf(cut.stdout).length > 5);
  });

  test('live: another process captures', { skip: live || skipWithout('tcpdump') }, async (t) => {
    const { port, ask } = await startTraffic(t, (_body, _incoming, outgoing) => outgoing.end('ok'));
    const example = new Example(t, 'remote', ['--', 'tcpdump', '-i', loopback, '-U', '-w', '-', `tcp port ${port}`]);
    await example.said(({ stderr }) => /listening on/.test(stderr));
    for (const target of ['/1', '/2', '/3']) await ask(target);
    await example.said(({ stdout }) => linesOf(stdout).length === 3);
    example.interrupt();
    assert.equal(await example.end(), 0, example.stderr);
    assert.deepEqual(
      linesOf(example.stdout).map((line) => line.split(' ').slice(2, 5).join(' ')),
      ['/1', '/2', '/3'].map((target) => `GET http://127.0.0.1:${port}${target} 200`),
    );
  });
});

suite('worker', { timeout: 120_000 }, () => {
  test('the main thread gets every message', async (t) => {
    const messages = await collect(capture({ file }));
    assert.ok(messages.length > 300);
    assert.deepEqual(await runExample(t, 'worker', ['-r', file]), messages.map(shown));
  });

  test('ends after so many, in the middle of the capture', async (t) => {
    const messages = await collect(capture({ file }).take(7));
    assert.deepEqual(await runExample(t, 'worker', ['-r', file, '-n', '7']), messages.map(shown));
  });

  test('live, until Ctrl-C', { skip: live }, async (t) => {
    const { port, ask } = await startTraffic(t, (_body, incoming, outgoing) => outgoing.end(`this is ${incoming.url}`));
    const example = new Example(t, 'worker', ['-i', loopback, '-p', String(port)]);
    await example.reading();
    for (const target of ['/1', '/2', '/3']) await ask(target);
    example.interrupt();
    assert.equal(await example.end(), 0, example.stderr);
    assert.deepEqual(
      linesOf(example.stdout).map((line) => line.replace(/^\S+Z /, '')),
      ['/1', '/2', '/3'].flatMap((target, i) => [
        `#${2 * i + 1} GET ${target}, 0 bytes`,
        `#${2 * i + 2} 200, 10 bytes`,
      ]),
    );
  });

  test('live, terminated after so many', { skip: live }, async (t) => {
    const { port, ask } = await startTraffic(t, (_body, _incoming, outgoing) => outgoing.end('ok'));
    const example = new Example(t, 'worker', ['-i', loopback, '-p', String(port), '-n', '3']);
    await example.reading();
    for (const target of ['/1', '/2']) await ask(target);
    assert.equal(await example.end(), 0, example.stderr);
    assert.equal(linesOf(example.stdout).length, 3);
  });
});

function shown(message: Message): string {
  const what = message.kind === 'request' ? `${message.method} ${message.target}` : message.status;
  return `${message.timestamp.toISOString()} #${message.id} ${what}, ${message.body?.length} bytes`;
}
