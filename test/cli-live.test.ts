import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { temporaryFolder } from './support/environment.js';
import { assertValidHar } from './support/har.js';
import { listen } from './support/live-command.js';

const loopback = Object.keys(networkInterfaces()).find((name) => /^lo0?$/.test(name)) ?? 'lo';

async function serve(t: TestContext): Promise<{ port: number; ask(path: string): Promise<void> }> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ path: request.url }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async ask(path) {
      const request = get({ host: '127.0.0.1', port, path, agent: false });
      const [response] = await once(request, 'response');
      response.resume();
      await once(response, 'end');
    },
  };
}

test('live: --json is flushed a message at a time, SIGINT ends it with a summary', { timeout: 60_000 }, async (t) => {
  const { port, ask } = await serve(t);
  const tap = await listen(t, ['-i', loopback, '-p', String(port), '--json']);
  if (!tap) return;
  assert.match(tap.stderr(), new RegExp(`^flowtap: listening on ${loopback} \\(.+\\), port ${port}\n`));
  const lines = createInterface({ input: tap.child.stdout as NonNullable<ChildProcess['stdout']> })[
    Symbol.asyncIterator
  ]();
  // Each answer is read before the next question: nothing waits for a batch to fill.
  for (const path of ['/one', '/two', '/three']) {
    await ask(path);
    const request = JSON.parse((await lines.next()).value);
    const response = JSON.parse((await lines.next()).value);
    assert.deepEqual([request.method, request.target], ['GET', path]);
    assert.deepEqual([response.status, response.requestId, response.body], [200, request.id, JSON.stringify({ path })]);
  }
  const closed = once(tap.child, 'close');
  tap.child.kill('SIGINT');
  assert.equal((await lines.next()).done, true);
  assert.deepEqual(await closed, [0, null]);
  assert.match(tap.stderr(), /\nflowtap: 6 messages \(3 requests, 3 responses\), \d+ packets\n$/);
});

test('live: --count ends it; silence is explained', { timeout: 60_000 }, async (t) => {
  const { port, ask } = await serve(t);
  const tap = await listen(t, ['-i', loopback, '-p', String(port), '-n', '2']);
  if (!tap) return;
  tap.child.stdout?.resume();
  const closed = once(tap.child, 'close');
  await ask('/');
  assert.deepEqual(await closed, [0, null]);

  const silent = await listen(t, ['-i', loopback, '-p', '1']);
  if (!silent) return;
  silent.child.stdout?.resume();
  const ended = once(silent.child, 'close');
  silent.child.kill('SIGINT');
  assert.deepEqual(await ended, [0, null]);
  assert.match(silent.stderr(), /\nflowtap: 0 messages.*\nflowtap: (no packets that match were seen|.*none of port 1)/);
});

test('live: an archive, lines and a filter at once; SIGINT completes them', { timeout: 60_000 }, async (t) => {
  const { port, ask } = await serve(t);
  const file = path.join(temporaryFolder(), 'live.har');
  const args = ['--har', file, '--exchanges', '--path', '/api/*', '--grep', '"path"'];
  const tap = await listen(t, ['-i', loopback, '-p', String(port), ...args]);
  if (!tap) return;
  const lines = createInterface({ input: tap.child.stdout as NonNullable<ChildProcess['stdout']> })[
    Symbol.asyncIterator
  ]();
  for (const target of ['/api/1', '/other', '/api/2']) {
    await ask(target);
    if (target === '/other') continue;
    const { value } = await lines.next();
    assert.match(
      value,
      new RegExp(`^\\S+Z 127\\.0\\.0\\.1:\\d+ GET http://127\\.0\\.0\\.1:${port}${target} 200 0 17 \\S+ms \\S+ms$`),
    );
  }
  const closed = once(tap.child, 'close');
  tap.child.kill('SIGINT');
  assert.deepEqual(await closed, [0, null]);
  assert.match(tap.stderr(), /\nflowtap: 2 exchanges in .*live\.har\n$/);
  const har: unknown = JSON.parse(readFileSync(file, 'utf8'));
  assertValidHar(har);
  assert.deepEqual(
    har.log.entries.map((entry) => entry.response.content.text),
    ['{"path":"/api/1"}', '{"path":"/api/2"}'],
  );
});
