/** Several capture threads on one interface, and several interfaces in one tap. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe as suite, test } from 'node:test';
import type { CaptureOptions, Message } from '../lib/index.js';
import { capture } from '../lib/index.js';
import { checkAccounts } from './reliability-support.js';
import { collect, loopback, opened, skip, skipUnlessLive, within } from './support/environment.js';
import { checkOrder, compare, expect } from './support/expected.js';
import { Gatherer } from './support/gather.js';
import { randomExchange } from './support/http.js';
import { addNamespace, HttpProcess, skipUnlessNamespaces } from './support/http-process.js';
import { rawServer } from './support/loopback.js';
import { Random } from './support/random.js';

const live = await skipUnlessLive();
const options = { skip: live, timeout: 60_000 };

/** Many connections at a time, with several requests in each. */
async function talkALot(seed: number, connections: number, talk: Awaited<ReturnType<typeof rawServer>>['talk']) {
  const random = new Random(seed);
  const turns = (c: number) =>
    Array.from({ length: 4 }, (_, t) =>
      Array.from({ length: random.between(1, 4) }, (_, i) =>
        randomExchange(random, `${c}-${t}-${i}`, { maxBodyBytes: 20_000 }),
      ),
    );
  return expect(await Promise.all(Array.from({ length: connections }, (_, c) => talk(turns(c)))));
}

suite('workers on an interface', options, () => {
  for (const [name, of, host] of [
    [loopback, { workers: 2 }, '127.0.0.1'],
    [loopback, { workers: 3, immediate: true }, '127.0.0.1'],
    ['any', { workers: 2, filter: 'tcp' }, '127.0.0.1'],
  ] as const)
    test(`${name}, ${JSON.stringify(of)}: nothing is lost, nothing comes twice`, {
      ...options,
      skip: live || (name === 'any' && process.platform !== 'linux'),
    }, async () => {
      const server = await rawServer(host);
      const one: CaptureOptions = { interface: name, port: server.port };
      const tap = await opened({ ...one, ...of });
      const alone = await opened(one);
      const gatherer = new Gatherer(tap);
      const aloneGatherer = new Gatherer(alone);
      try {
        const want = await talkALot(91, 24, server.talk);
        const messages = await gatherer.finish(want.length);
        await aloneGatherer.finish(want.length);
        compare(messages, want, { resolutionNs: false });
        assert.deepEqual(
          messages.map(({ id }) => id),
          messages.map((_, index) => index + 1),
        );
        for (const worker of Array(of.workers).keys())
          assert.ok(
            messages.some(({ connection }) => connection.id % of.workers === worker),
            `worker ${worker} has no connection`,
          );
        const stats = tap.stats();
        checkAccounts(stats);
        const expected = alone.stats();
        // Of the last connections one may have seen the end, and the other not.
        assert.ok(Math.abs(stats.tcp.segments - expected.tcp.segments) <= 48, 'segments count twice');
        assert.equal(stats.tcp.payloadBytes, expected.tcp.payloadBytes);
        assert.equal(stats.tcp.connectionsOpened, expected.tcp.connectionsOpened);
        assert.equal(stats.packets.kernelDropped, 0);
        assert.equal(tap.info?.interface, name);
        assert.doesNotMatch(tap.info?.filter ?? '', />>/, 'the part of a worker shows');
      } finally {
        await Promise.all([tap.close(), alone.close()]);
        await server.close();
      }
    });

  test('close and abort end all of them', options, async () => {
    const closed = await opened({ interface: loopback, workers: 4 });
    const reading = collect(closed);
    await within(closed.close(), 'close()');
    await within(reading, 'the end after close()');
    const controller = new AbortController();
    const aborted = await opened({ interface: loopback, workers: 4, signal: controller.signal });
    controller.abort(new Error('enough'));
    await assert.rejects(within(collect(aborted), 'the end after abort()'), /enough/);
  });

  test('a bad filter is one error', options, async () => {
    const tap = capture({ interface: loopback, workers: 3, filter: 'tcp porp 80' });
    await assert.rejects(within(tap.ready, 'ready'), { code: 'ERR_FILTER' });
    await assert.rejects(within(collect(tap), 'the end'), { code: 'ERR_FILTER' });
  });
});

/** False when there is no such type of interface here. */
const ip = (...args: string[]) => spawnSync('ip', args).status === 0;

suite('workers on an interface that carries a tunnel', options, () => {
  const namespaces = live || skipUnlessNamespaces();
  test('VXLAN: connections are shared, packets count once', { ...options, skip: namespaces }, async (t) => {
    const namespace = addNamespace();
    try {
      namespace.connect('10.97.58.1', '10.97.58.2');
      const vxlan = ['type', 'vxlan', 'id', '5', 'dstport', '4789'];
      const here = `vx${process.pid}`;
      const inside = ['-n', namespace.name];
      if (!ip('link', 'add', here, ...vxlan, 'remote', '10.97.58.2', 'dev', namespace.outside)) {
        t.skip(skip('VXLAN interfaces cannot be made here'));
        return;
      }
      t.after(() => ip('link', 'del', here));
      assert.ok(ip(...inside, 'link', 'add', 'vx', ...vxlan, 'remote', '10.97.58.1', 'dev', 'eth0'));
      assert.ok(ip('addr', 'add', '10.97.59.1/30', 'dev', here) && ip('link', 'set', here, 'up'));
      assert.ok(ip(...inside, 'addr', 'add', '10.97.59.2/30', 'dev', 'vx') && ip(...inside, 'link', 'set', 'vx', 'up'));
      const remote = await HttpProcess.start(namespace.wrapper);
      const local = await HttpProcess.start();
      try {
        const port = await remote.do({ act: 'listen', host: '10.97.59.2' });
        const one: CaptureOptions = { interface: namespace.outside, port };
        const tap = await opened({ ...one, workers: 2 });
        const alone = await opened(one);
        const gatherers = [new Gatherer(tap), new Gatherer(alone)];
        const count = 24;
        for (let i = 0; i < count; i++) await local.do({ act: 'get', port, host: '10.97.59.2', path: `/${i}` });
        const [messages = [], expected = []] = await Promise.all(gatherers.map((one) => one.finish(2 * count)));
        checkOrder(messages);
        const told = (list: readonly Message[]) =>
          list.map((message) => `${message.connection.client.port} ${message.kind}`).sort();
        assert.deepEqual(told(messages), told(expected));
        assert.deepEqual(new Set(messages.map(({ connection }) => connection.id % 2)), new Set([0, 1]));
        const { packets, tcp } = tap.stats();
        checkAccounts(tap.stats());
        // Of the last connection one may have seen the end, and the other not.
        assert.ok(Math.abs(packets.decoded - alone.stats().packets.decoded) <= 8, 'packets count twice');
        assert.equal(tcp.payloadBytes, alone.stats().tcp.payloadBytes);
        assert.equal(tcp.duplicateBytes, alone.stats().tcp.duplicateBytes);
      } finally {
        await Promise.all([remote.stop(), local.stop()]);
      }
    } finally {
      namespace.remove();
    }
  });
});

suite('several interfaces', options, () => {
  test('one that does not exist is the failure of all', options, async () => {
    const tap = capture({ interface: [loopback, 'flowtap-none'] });
    await assert.rejects(within(tap.ready, 'ready'), { code: 'ERR_NO_INTERFACE', message: /flowtap-none/ });
    await assert.rejects(within(collect(tap), 'the end'), { code: 'ERR_NO_INTERFACE' });
  });

  const namespaces = live || skipUnlessNamespaces();
  for (const workers of [1, 2])
    test(`loopback and another in one tap, workers: ${workers}`, { ...options, skip: namespaces }, async () => {
      const namespace = addNamespace();
      try {
        namespace.connect('10.97.56.1', '10.97.56.2');
        const remote = await HttpProcess.start(namespace.wrapper);
        const local = await HttpProcess.start();
        try {
          const there = await remote.do({ act: 'listen', host: '10.97.56.2' });
          const here = await local.do({ act: 'listen', host: '127.0.0.1' });
          const tap = await opened({ interface: [loopback, namespace.outside], port: [there, here], workers });
          assert.equal(tap.info?.interface, `${loopback}, ${namespace.outside}`);
          const gatherer = new Gatherer(tap);
          for (let i = 0; i < 6; i++) {
            await local.do({ act: 'get', port: there, host: '10.97.56.2', path: `/there/${i}` });
            await local.do({ act: 'get', port: here, path: `/here/${i}` });
          }
          const messages = await gatherer.finish(24);
          checkOrder(messages);
          const targets = messages.flatMap((message) => (message.kind === 'request' ? [message.target] : []));
          assert.deepEqual(
            targets.sort(),
            ['here', 'there'].flatMap((where) => [0, 1, 2, 3, 4, 5].map((i) => `/${where}/${i}`)),
          );
          assert.equal(new Set(messages.map(({ connection }) => connection.id)).size, 12);
        } finally {
          await Promise.all([remote.stop(), local.stop()]);
        }
      } finally {
        namespace.remove();
      }
    });

  test('one that goes away ends the tap, behind what was captured', { ...options, skip: namespaces }, async () => {
    const namespace = addNamespace();
    let removed = false;
    try {
      namespace.connect('10.97.57.1', '10.97.57.2');
      const local = await HttpProcess.start();
      try {
        const port = await local.do({ act: 'listen', host: '127.0.0.1' });
        const tap = await opened({ interface: [namespace.outside, loopback], port });
        const messages: Message[] = [];
        const reading = (async () => {
          for await (const message of tap) {
            messages.push(message);
            if (messages.length < 2) continue;
            if (!removed) namespace.remove();
            removed = true;
          }
        })();
        await local.do({ act: 'get', port });
        await assert.rejects(within(reading, 'the error'), { code: 'ERR_CAPTURE' });
        assert.equal(messages.length, 2);
      } finally {
        await local.stop();
      }
    } finally {
      if (!removed) namespace.remove();
    }
  });
});
