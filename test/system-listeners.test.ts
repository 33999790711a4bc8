import assert from 'node:assert/strict';
import { after, describe as suite, test } from 'node:test';
import { CaptureError, interfaces, type Listener, listeners } from '../lib/index.js';
import { loopback, skip, skipUnlessLive } from './support/environment.js';
import { addNamespace, HttpProcess, skipUnlessNamespaces } from './support/http-process.js';
import { serve } from './support/loopback.js';

const linux = process.platform === 'linux' ? false : skip('listeners are told on Linux only');
const at = (list: Listener[], port: number) => list.filter((one) => one.port === port);

suite('listeners()', { skip: linux, timeout: 60_000 }, () => {
  test('tells address, port and process of a server of this process', async () => {
    const server = await serve((_body, _request, response) => response.end());
    try {
      const [listener, ...more] = at(await listeners(), server.port);
      assert.deepEqual(more, []);
      assert.equal(listener?.address, '127.0.0.1');
      assert.equal(listener.sameNamespace, true);
      const [owner] = listener.processes;
      assert.equal(listener.processes.length, 1);
      assert.equal(owner?.pid, process.pid);
      assert.equal(owner.name, 'node');
      assert.match(owner.commandLine, /^\S*node .*system-listeners\.test\.ts$/);
    } finally {
      await server.close();
    }
    assert.deepEqual(at(await listeners(), server.port), []);
  });

  test('tells every address as such, of IPv4 and of IPv6', async () => {
    const speaker = await HttpProcess.start();
    try {
      const v4 = await speaker.do({ act: 'listen', host: '0.0.0.0' });
      const v6 = await speaker.do({ act: 'listen', host: '::1' });
      const list = await listeners();
      assert.deepEqual(
        at(list, v4).map(({ address, processes }) => [address, processes[0]?.pid]),
        [['0.0.0.0', speaker.pid]],
      );
      assert.deepEqual(
        at(list, v6).map(({ address }) => address),
        ['::1'],
      );
      assert.deepEqual(
        list.map((one) => one.port),
        list.map((one) => one.port).sort((a, b) => a - b),
      );
    } finally {
      await speaker.stop();
    }
  });

  test('tells all processes that share a socket', async () => {
    const speaker = await HttpProcess.start();
    try {
      const { port, childPid } = await speaker.do<{ port: number; childPid: number }>({ act: 'share' });
      const [listener] = at(await listeners(), port);
      assert.deepEqual(
        listener?.processes.map(({ pid }) => pid),
        [speaker.pid, childPid].sort((a, b) => a - b),
      );
    } finally {
      await speaker.stop();
    }
  });

  test('sees other network namespaces', { skip: skipUnlessNamespaces() }, async () => {
    const namespace = addNamespace();
    after(() => namespace.remove());
    const speaker = await HttpProcess.start(namespace.wrapper);
    try {
      const port = await speaker.do({ act: 'listen', host: '0.0.0.0' });
      const there = at(await listeners(), port).filter((one) => !one.sameNamespace);
      assert.deepEqual(
        there.map(({ processes }) => processes.map(({ pid }) => pid)),
        [[speaker.pid]],
      );
    } finally {
      await speaker.stop();
    }
  });
});

suite('interfaces()', { timeout: 60_000 }, () => {
  test('tells of the loopback interface', async () => {
    const live = await skipUnlessLive();
    const found = (await interfaces()).find(({ name }) => name === loopback);
    assert.ok(found);
    assert.equal(found.loopback, true);
    assert.equal(found.up, true);
    assert.ok(found.addresses.includes('127.0.0.1'), String(found.addresses));
    if (live) {
      assert.ok(found.error instanceof CaptureError);
      assert.equal(found.error.code, 'ERR_PERMISSION');
      assert.equal(found.linkType, undefined);
    } else {
      assert.equal(found.linkType, process.platform === 'linux' ? 'EN10MB' : 'NULL');
      assert.ok(!('error' in found));
    }
  });
});
