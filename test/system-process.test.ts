import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { type CaptureOptions, capture, type Message, type Tap } from '../lib/index.js';
import { opened, runProgram, skip, skipUnlessLive, temporaryFolder, within } from './support/environment.js';
import { addNamespace, HttpProcess, skipUnlessNamespaces } from './support/http-process.js';

const live = process.platform === 'linux' ? await skipUnlessLive() : skip('processes are followed on Linux only');
const options = { skip: live, timeout: 60_000 };
const inNamespaces = { skip: live || skipUnlessNamespaces(), timeout: 60_000 };

/** The next messages that are asked for, as `GET /path` and `200`. */
async function next(messages: AsyncIterator<Message>, count: number): Promise<string[]> {
  const seen: string[] = [];
  while (seen.length < count) {
    const { value, done } = await within(messages.next(), `message ${seen.length + 1} of ${count}`);
    if (done) break;
    seen.push(value.kind === 'request' ? `${value.method} ${value.path}` : String(value.status));
  }
  return seen;
}

/** Starts processes and a tap, and lets both go whatever happens. */
async function during(
  body: (start: typeof HttpProcess.start, tapOf: (of: CaptureOptions) => Promise<Tap>) => Promise<void>,
) {
  const started: (() => Promise<void>)[] = [];
  try {
    await body(
      async (...of) => {
        const one = await HttpProcess.start(...of);
        started.push(() => one.stop());
        return one;
      },
      async (of) => {
        const tap = await opened(of);
        started.push(() => tap.close());
        return tap;
      },
    );
  } finally {
    for (const stop of started.reverse()) await stop();
  }
}

suite('pid', options, () => {
  test('captures what that process carries, and nothing else', async () => {
    await during(async (start, tapOf) => {
      const [followed, other] = await Promise.all([start(), start()]);
      const port = await followed.do({ act: 'listen' });
      const otherPort = await other.do({ act: 'listen' });
      const tap = await tapOf({ pid: followed.pid });
      const messages = tap[Symbol.asyncIterator]();
      await other.do({ act: 'get', port: otherPort, path: '/unseen' });
      await other.do({ act: 'get', port, path: '/seen' });
      assert.deepEqual(await next(messages, 2), ['GET /seen', '200']);
      tap.stop();
      assert.deepEqual(await next(messages, 1), []);
      assert.equal(tap.stats().http.messagesStarted, 2);
      assert.ok(tap.stats().tcp.notSelected > 0);
    });
  });

  test('follows ports as they open, from the first request on', async () => {
    await during(async (start, tapOf) => {
      const [followed, other] = await Promise.all([start(), start()]);
      const tap = await tapOf({ pid: followed.pid });
      const messages = tap[Symbol.asyncIterator]();
      for (const path of ['/1', '/2']) {
        const port = await followed.do({ act: 'listen' });
        await other.do({ act: 'get', port, path });
        assert.deepEqual(await next(messages, 2), [`GET ${path}`, '200']);
      }
    });
  });

  test('follows the connections that it makes', async () => {
    await during(async (start, tapOf) => {
      const [followed, other] = await Promise.all([start(), start()]);
      const port = await other.do({ act: 'listen' });
      const tap = await tapOf({ pid: followed.pid });
      const messages = tap[Symbol.asyncIterator]();
      await followed.do({ act: 'get', port, path: '/kept', keep: true });
      assert.deepEqual(await next(messages, 2), ['GET /kept', '200']);
    });
  });

  test('picks up a connection that began before in mid-stream', async () => {
    await during(async (start, tapOf) => {
      const [followed, other] = await Promise.all([start(), start()]);
      const port = await followed.do({ act: 'listen' });
      await other.do({ act: 'get', port, path: '/before', keep: true });
      const tap = await tapOf({ pid: followed.pid });
      const messages = tap[Symbol.asyncIterator]();
      await other.do({ act: 'get', port, path: '/after', keep: true });
      assert.deepEqual(await next(messages, 2), ['GET /after', '200']);
    });
  });

  test('includes the processes that it starts', async () => {
    await during(async (start, tapOf) => {
      const [parent, other] = await Promise.all([start(), start()]);
      const tap = await tapOf({ pid: parent.pid });
      const messages = tap[Symbol.asyncIterator]();
      const port = await parent.inChild({ act: 'listen' });
      await other.do({ act: 'get', port, path: '/child' });
      assert.deepEqual(await next(messages, 2), ['GET /child', '200']);
    });
  });

  test('ends with the process, when everything was delivered', async () => {
    await during(async (start, tapOf) => {
      const [followed, other] = await Promise.all([start(), start()]);
      const port = await followed.do({ act: 'listen' });
      const tap = await tapOf({ pid: followed.pid });
      const messages = tap[Symbol.asyncIterator]();
      await other.do({ act: 'get', port, path: '/last' });
      await followed.stop();
      assert.deepEqual(await next(messages, 3), ['GET /last', '200']);
    });
  });

  test('is combined with port', async () => {
    await during(async (start, tapOf) => {
      const [followed, other] = await Promise.all([start(), start()]);
      const unwanted = await followed.do({ act: 'listen' });
      const wanted = await followed.do({ act: 'listen' });
      const tap = await tapOf({ pid: followed.pid, port: wanted });
      const messages = tap[Symbol.asyncIterator]();
      await other.do({ act: 'get', port: unwanted, path: '/unwanted' });
      await other.do({ act: 'get', port: wanted, path: '/wanted' });
      assert.deepEqual(await next(messages, 2), ['GET /wanted', '200']);
    });
  });
});

suite('process', options, () => {
  // Longer than the kernel keeps names.
  for (const name of [`flow-${randomBytes(3).toString('hex')}`, `flowtap-speaker-${randomBytes(3).toString('hex')}`])
    test(`captures all of the name ${name}, also those that come later`, async () => {
      const node = path.join(temporaryFolder(), name);
      symlinkSync(process.execPath, node);
      await during(async (start, tapOf) => {
        const [first, other] = await Promise.all([start([], node), start()]);
        const tap = await tapOf({ process: name });
        const messages = tap[Symbol.asyncIterator]();
        const later = await start([], node);
        for (const [of, path] of [
          [first, '/first'],
          [later, '/later'],
        ] as const) {
          const port = await of.do({ act: 'listen' });
          await other.do({ act: 'get', port, path });
          assert.deepEqual(await next(messages, 2), [`GET ${path}`, '200']);
        }
      });
    });

  test('says what is nearest when there is none', async () => {
    const name = `flow-${randomBytes(3).toString('hex')}`;
    const node = path.join(temporaryFolder(), name);
    symlinkSync(process.execPath, node);
    await during(async (start) => {
      await start([], node);
      const tap = capture({ process: `${name}x` });
      await assert.rejects(tap.ready, {
        code: 'ERR_NO_PROCESS',
        message: `There is no process named "${name}x". Did you mean "${name}"?`,
      });
      await assert.rejects(tap[Symbol.asyncIterator]().next(), { code: 'ERR_NO_PROCESS' });
    });
  });

  test('says so when there is none at all', async () => {
    await assert.rejects(capture({ pid: 2 ** 22 + 1 }).ready, {
      code: 'ERR_NO_PROCESS',
      message: /no process 4194305/,
    });
  });

  test('asks which when they are in several network namespaces', inNamespaces, async () => {
    const name = `flow-${randomBytes(3).toString('hex')}`;
    const node = path.join(temporaryFolder(), name);
    symlinkSync(process.execPath, node);
    await during(async (start) => {
      const here = await start([], node);
      const there = await start(['unshare', '-n'], node);
      await assert.rejects(capture({ process: name }).ready, {
        code: 'ERR_NO_PROCESS',
        message: new RegExp(`by pid: (${here.pid}, ${there.pid}|${there.pid}, ${here.pid})`),
      });
    });
  });
});

suite('network namespaces', inNamespaces, () => {
  test('a process is captured in its own, by pid; by name, path or pid a namespace is', async () => {
    const namespace = addNamespace();
    try {
      await during(async (start, tapOf) => {
        const [server, client] = await Promise.all([start(namespace.wrapper), start(namespace.wrapper)]);
        const port = await server.do({ act: 'listen' });
        const places: CaptureOptions[] = [
          { pid: server.pid },
          { netns: namespace.name },
          { netns: `/run/netns/${namespace.name}` },
          { netns: client.pid, interface: 'lo' },
        ];
        for (const place of places) {
          const tap = await tapOf({ ...place, port });
          const here = await tapOf({ port });
          await client.do({ act: 'get', port, path: '/inside' });
          assert.deepEqual(await next(tap[Symbol.asyncIterator](), 2), ['GET /inside', '200'], JSON.stringify(place));
          here.stop();
          assert.deepEqual(await next(here[Symbol.asyncIterator](), 1), [], 'seen from outside');
        }
      });
    } finally {
      namespace.remove();
    }
  });

  test('that are not there are an error', async () => {
    await assert.rejects(capture({ netns: 'flowtap-none' }).ready, { code: 'ERR_NO_NAMESPACE', message: /ip netns/ });
    await assert.rejects(capture({ netns: '/etc/passwd' }).ready, { code: 'ERR_NO_NAMESPACE' });
    await assert.rejects(capture({ netns: 2 ** 22 + 1 }).ready, { code: 'ERR_NO_NAMESPACE' });
  });
});

suite('without privileges', inNamespaces, () => {
  const wrapper = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

  test('errors say what to do', async () => {
    await during(async (start) => {
      const there = await start(['unshare', '-n']);
      const { stdout, stderr } = await runProgram('process-errors', { wrapper, args: [String(there.pid)] });
      const lines = stdout.trim().split('\n');
      assert.equal(lines.length, 3, stderr);
      assert.match(
        lines[0] as string,
        /^ERR_PERMISSION The sockets of the process \d+ cannot be seen.*setcap \S*cap_dac_read_search\S* \/\S*node$/,
      );
      assert.match(
        lines[1] as string,
        /^ERR_PERMISSION entering the network namespace .*setcap \S*cap_sys_admin\S* \/\S*node$/,
      );
      assert.match(lines[2] as string, /^own listener: true$/);
    });
  });
});

test('options that cannot be together', { timeout: 10_000 }, () => {
  for (const [wrong, message] of [
    [{ pid: 1, process: 'x' }, /^pid and process are given/],
    [{ pid: 1, netns: 'x' }, /^pid and netns are given/],
    [{ pid: 1, file: 'x' }, /^pid is for live captures/],
    [{ netns: 'x', stream: [] }, /^stream must|^netns is for live/],
    [{ pid: 0 }, /^pid must be the number of a process, not 0/],
    [{ pid: '12' }, /^pid must be the number of a process, not '12'/],
    [{ process: '' }, /^process must not be empty/],
    [{ netns: '' }, /^netns must be a path, a name or the number of a process/],
    [{ netns: -1 }, /^netns must be the number of a process, not -1/],
    [{ processes: 1 }, /^processes must be true or false/],
  ] as [object, RegExp][])
    assert.throws(() => capture(wrong as CaptureOptions), { code: 'ERR_OPTION', message });
});
