/** examples/redis.mjs, with a server of its own. */
import assert from 'node:assert/strict';
import { describe as suite, type TestContext, test } from 'node:test';
import { createClient } from 'redis';
import { capture } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { collect, loopback, skipUnlessLive, temporaryFile } from './support/environment.js';
import { Example, runExample, skipWithout, startTraffic } from './support/example.js';
import { startRedis } from './support/redis.js';
import { traffic } from './support/traffic.js';

const live = await skipUnlessLive();
const { segments } = traffic({ seed: 95, conversations: 12, exchanges: 40 });
const file = temporaryFile(pcap(toPackets(segments, { link: 'ethernet' }), { nanoseconds: true }));

/** A server, and a client that looks at what is in it. */
async function startBoth(t: TestContext) {
  const url = await startRedis(t);
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  t.after(() => client.destroy());
  return {
    client,
    env: { REDIS_URL: url },
    lines: async () => {
      const entries = await client.xRange('http', '-', '+');
      assert.ok(entries);
      return entries.map((entry) => entry?.message.message ?? '');
    },
  };
}

suite('redis', { timeout: 120_000, skip: skipWithout('redis-server') }, () => {
  test('adds every message, in order', async (t) => {
    const { env, lines } = await startBoth(t);
    const messages = await collect(capture({ file }));
    assert.deepEqual(await runExample(t, 'redis', ['-r', file, 'http'], { env }), [
      `${messages.length} messages added to http, 0 dropped`,
    ]);
    assert.deepEqual(
      await lines(),
      messages.map((message) => JSON.stringify(message)),
    );
  });

  test('the stream does not grow for ever', async (t) => {
    const { client, env } = await startBoth(t);
    await runExample(t, 'redis', ['-r', file, '--keep', '100', 'http'], { env });
    const length = await client.xLen('http');
    // It is trimmed by whole nodes, of 100 entries by default.
    assert.ok(length >= 100 && length <= 200, `${length} entries`);
  });

  test('live, until Ctrl-C', { skip: live }, async (t) => {
    const { port, ask } = await startTraffic(t, (_body, incoming, outgoing) => outgoing.end(`this is ${incoming.url}`));
    const { env, lines } = await startBoth(t);
    const example = new Example(t, 'redis', ['-i', loopback, '-p', String(port), 'http'], { env });
    await example.reading();
    for (const target of ['/1', '/2', '/3']) await ask(target);
    example.interrupt();
    assert.equal(await example.end(), 0, example.stderr);
    assert.equal(example.stdout, '6 messages added to http, 0 dropped\n');
    assert.deepEqual(
      (await lines()).map((line) => JSON.parse(line)).map((message) => message.target ?? message.body),
      ['/1', '/2', '/3'].flatMap((target) => [target, `this is ${target}`]),
    );
  });

  test('ends, and says why, when Redis refuses', async (t) => {
    const { client, env } = await startBoth(t);
    await client.set('http', 'no stream');
    const example = new Example(t, 'redis', ['-r', file, 'http'], { env });
    assert.equal(await example.end(), 1);
    assert.match(example.stderr, /^Reading .*\nWRONGTYPE .*\n$/);
  });

  test('closes its connection when there is nothing to read', async (t) => {
    const { env } = await startBoth(t);
    const example = new Example(t, 'redis', ['-r', '/no/such/file', 'http'], { env });
    assert.equal(await example.end(), 1);
    assert.equal(example.stderr, '"/no/such/file" cannot be opened: No such file or directory\n');
  });
});
