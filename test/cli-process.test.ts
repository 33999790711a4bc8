/** `--process`, `--pid`, `--netns` and `--show-process`: whose traffic it is. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { describe as suite, type TestContext, test } from 'node:test';
import { capture } from '../lib/index.js';
import { flowtap } from './cli-support.js';
import { skip, skipUnlessLive, temporaryFolder, within } from './support/environment.js';
import { addNamespace, HttpProcess, skipUnlessNamespaces } from './support/http-process.js';
import { type LiveCommand, listen } from './support/live-command.js';

const live = process.platform === 'linux' ? await skipUnlessLive() : skip('processes are followed on Linux only');
const options = { skip: live, timeout: 120_000 };
const inNamespaces = { skip: live || skipUnlessNamespaces(), timeout: 120_000 };

async function start(t: TestContext, ...of: Parameters<typeof HttpProcess.start>): Promise<HttpProcess> {
  const one = await HttpProcess.start(...of);
  t.after(() => one.stop());
  return one;
}

function linesOf({ child }: LiveCommand): () => Promise<string> {
  const lines = createInterface({ input: child.stdout as Readable })[Symbol.asyncIterator]();
  return async () => (await within(lines.next(), 'a line')).value ?? '';
}

async function stop({ child, stderr }: LiveCommand): Promise<string> {
  const closed = once(child, 'close');
  child.kill('SIGINT');
  assert.deepEqual(await within(closed, 'the end'), [0, null], stderr());
  return stderr();
}

async function lineLike(next: () => Promise<string>, pattern: RegExp): Promise<string> {
  const seen: string[] = [];
  for (;;) {
    const line = await next();
    if (pattern.test(line)) return line;
    seen.push(line);
    assert.ok(seen.length < 50, `no ${pattern} in:\n${seen.join('\n')}`);
  }
}

// Whose it is, is certain from the second connection on, of servers that listened before: by then their sockets were seen.

suite('one process', options, () => {
  test(
    '--pid in a network namespace of its own, with the process in every message; it ends with it',
    inNamespaces,
    async (t) => {
      const namespace = addNamespace();
      t.after(() => namespace.remove());
      const [server, client] = [await start(t, namespace.wrapper), await start(t, namespace.wrapper)];
      const port = await server.do({ act: 'listen' });
      const tap = await listen(t, ['--pid', String(server.pid), '--show-process', '--json']);
      assert.ok(tap);
      assert.match(
        tap.stderr(),
        new RegExp(`^flowtap: listening on any \\(.*\\) for process ${server.pid}, every TCP port\n`),
      );
      const next = linesOf(tap);
      await client.do({ act: 'get', port, path: '/first' });
      assert.equal(JSON.parse(await next()).target, '/first');
      assert.equal(JSON.parse(await next()).status, 200);
      await client.do({ act: 'get', port, path: '/inside' });
      for (const about of [
        { kind: 'request', target: '/inside' },
        { kind: 'response', status: 200 },
      ]) {
        const message = JSON.parse(await next());
        assert.deepEqual({ ...message, ...about }, message);
        assert.equal(message.connection.process.pid, server.pid);
        assert.equal(message.connection.process.end, 'server');
      }
      const closed = once(tap.child, 'close');
      await server.stop();
      assert.deepEqual(await within(closed, 'the end'), [0, null], tap.stderr());
      assert.match(tap.stderr(), /\nflowtap: 4 messages \(2 requests, 2 responses\)/);
    },
  );

  test('--process, shown in the heading of each message', async (t) => {
    const name = `flow-${randomBytes(3).toString('hex')}`;
    const node = path.join(temporaryFolder(), name);
    symlinkSync(process.execPath, node);
    const [server, other] = [await start(t, [], node), await start(t)];
    const [port, unseen] = [await server.do({ act: 'listen' }), await other.do({ act: 'listen' })];
    const tap = await listen(t, ['--process', name, '--show-process']);
    assert.ok(tap);
    assert.match(tap.stderr(), new RegExp(`^flowtap: listening on any \\(.*\\) for processes named ${name}, every`));
    const next = linesOf(tap);
    await other.do({ act: 'get', port: unseen, path: '/unseen' });
    await other.do({ act: 'get', port, path: '/first' });
    await lineLike(next, / #2 answers #1 /);
    await other.do({ act: 'get', port, path: '/seen' });
    const ends = String.raw`127\.0\.0\.1:\d+ -> 127\.0\.0\.1:${port} \(${name} ${server.pid}\)`;
    assert.match(await lineLike(next, / #3$/), new RegExp(`^\\S+Z {2}${ends} {2}#3$`));
    assert.equal(await next(), 'GET /seen HTTP/1.1');
    assert.match(await stop(tap), /\nflowtap: 4 messages/);
  });

  test('that is not there: what was meant', async () => {
    const { code, stderr } = await flowtap(['--process', `nobody-${randomBytes(8).toString('hex')}`]);
    assert.equal(code, 1);
    assert.match(stderr, /^flowtap: There is no process named "nobody-/);
  });
});

suite('--netns', inNamespaces, () => {
  test('by name and by pid; a column of --exchanges tells the process', async (t) => {
    const namespace = addNamespace();
    t.after(() => namespace.remove());
    const server = await start(t, namespace.wrapper);
    const port = await server.do({ act: 'listen' });
    for (const [place, said] of [
      [namespace.name, namespace.name],
      [`/run/netns/${namespace.name}`, `/run/netns/${namespace.name}`],
      [String(server.pid), `of process ${server.pid}`],
    ] as const) {
      const tap = await listen(t, ['--netns', place, '-p', String(port), '--exchanges', '--show-process']);
      assert.ok(tap);
      assert.match(tap.stderr(), new RegExp(` in the network namespace ${said}, port ${port}\n`));
      const next = linesOf(tap);
      await server.do({ act: 'get', port, path: '/first' });
      assert.match(await next(), / GET http:\/\/\S+\/first 200 /);
      await server.do({ act: 'get', port, path: '/inside' });
      assert.match(
        await next(),
        new RegExp(`GET http://\\S+/inside 200 \\d+ \\d+ \\S+ms \\S+ms server=node\\[${server.pid}\\]$`),
      );
      await stop(tap);
    }
  });

  test('beside -o and --write: the process is in the report too', async (t) => {
    const namespace = addNamespace();
    t.after(() => namespace.remove());
    const server = await start(t, namespace.wrapper);
    const port = await server.do({ act: 'listen' });
    const folder = path.join(temporaryFolder(), 'out');
    const written = `${folder}.pcapng`;
    const args = ['--netns', namespace.name, '-p', String(port), '--exchanges', '--show-process'];
    const tap = await listen(t, [...args, '-o', folder, '--write', written]);
    assert.ok(tap);
    const next = linesOf(tap);
    await server.do({ act: 'get', port, path: '/first' });
    assert.match(await next(), / GET http:\/\/\S+\/first 200 /);
    await server.do({ act: 'get', port, path: '/second' });
    assert.match(await next(), new RegExp(`GET http://\\S+/second 200 .* server=node\\[${server.pid}\\]$`));
    assert.match(await stop(tap), /wrote \d+ packets of 2 connections/);
    const report = readFileSync(path.join(folder, 'report.xml'), 'utf8');
    assert.match(report, new RegExp(`<process pid='${server.pid}' name='node' end='server'/>`));
    const targets: string[] = [];
    for await (const message of capture({ file: written }))
      if (message.kind === 'request') targets.push(message.target);
    assert.deepEqual(targets, ['/first', '/second']);
  });

  test('that is not there', async () => {
    const { code, stderr } = await flowtap(['--netns', 'flowtap-none']);
    assert.equal(code, 1);
    assert.match(stderr, /^flowtap: there is no network namespace \/run\/netns\/flowtap-none/);
  });
});
