import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { capture } from '../lib/index.js';
import { keyOfText } from '../lib/system/address-key.js';
import { processOf, type SeenConnection } from '../lib/system/connection-process.js';
import { openSocketsOf, statOf } from '../lib/system/proc.js';
import { SocketTable } from '../lib/system/socket-table.js';
import type { TcpSocket } from '../lib/system/tcp-sockets.js';
import { opened, skip, skipUnlessLive, within } from './support/environment.js';
import { addNamespace, HttpProcess, skipUnlessNamespaces } from './support/http-process.js';
import { serve } from './support/loopback.js';

const linux = process.platform === 'linux';
const live = linux ? await skipUnlessLive() : skip('processes are told on Linux only');

suite('connection.process', { skip: live, timeout: 60_000 }, () => {
  test('is that of the server, when both ends are here; the same for request and response', async () => {
    const [server, client] = await Promise.all([HttpProcess.start(), HttpProcess.start()]);
    try {
      const port = await server.do({ act: 'listen', host: '0.0.0.0' });
      const tap = await opened({ port, processes: true });
      const messages = tap[Symbol.asyncIterator]();
      for (const keep of [true, false]) {
        await client.do({ act: 'get', port, keep });
        for (const kind of ['request', 'response']) {
          const { value } = await within(messages.next(), kind);
          assert.equal(value.kind, kind);
          const expected = { pid: server.pid, name: 'node', end: 'server' };
          assert.deepEqual(value.connection.process, expected, `${kind}, kept alive: ${keep}`);
          assert.deepEqual(value.detach().connection.process, expected);
          assert.deepEqual(value.toJSON().connection.process, expected);
        }
      }
      await tap.close();
    } finally {
      await Promise.all([server.stop(), client.stop()]);
    }
  });

  test('is in NDJSON and of exchanges too', async () => {
    const server = await serve((_body, _request, response) => response.end('x'));
    const client = await HttpProcess.start();
    try {
      const tap = await opened({ port: server.port, processes: true });
      const batches = tap.batches();
      await client.do({ act: 'get', port: server.port, keep: true });
      const { value } = await within(batches.next(), 'a batch');
      const line = JSON.parse(value.toNDJSON().toString().split('\n')[0]);
      assert.equal(line.connection.process.pid, process.pid);
      await tap.close();

      const paired = await opened({ port: server.port, processes: true });
      const exchanges = paired.exchanges()[Symbol.asyncIterator]();
      await client.do({ act: 'get', port: server.port, keep: true });
      const exchange = await within(exchanges.next(), 'an exchange');
      assert.equal(exchange.value?.connection.process?.pid, process.pid);
      await paired.close();
    } finally {
      await client.stop();
      await server.close();
    }
  });

  test('is absent unless asked for', async () => {
    const server = await serve((_body, _request, response) => response.end('x'));
    const client = await HttpProcess.start();
    try {
      const tap = await opened({ port: server.port });
      const messages = tap[Symbol.asyncIterator]();
      await client.do({ act: 'get', port: server.port });
      const { value } = await within(messages.next(), 'a message');
      assert.ok(!('process' in value.connection));
      await tap.close();
    } finally {
      await client.stop();
      await server.close();
    }
  });

  test('is that of the client, when the server is elsewhere', { skip: skipUnlessNamespaces() }, async () => {
    const namespace = addNamespace();
    try {
      namespace.connect('10.97.55.1', '10.97.55.2');
      const server = await HttpProcess.start(namespace.wrapper);
      const client = await HttpProcess.start();
      try {
        const port = await server.do({ act: 'listen', host: '10.97.55.2' });
        const here = await opened({ port, processes: true, interface: namespace.outside });
        const there = await opened({ port, processes: true, netns: namespace.name });
        await client.do({ act: 'get', port, host: '10.97.55.2', keep: true });
        const [atClient, atServer] = await Promise.all([
          within(here[Symbol.asyncIterator]().next(), 'at the client'),
          within(there[Symbol.asyncIterator]().next(), 'at the server'),
        ]);
        assert.deepEqual(atClient.value?.connection.process, { pid: client.pid, name: 'node', end: 'client' });
        assert.deepEqual(atServer.value?.connection.process, { pid: server.pid, name: 'node', end: 'server' });
        await Promise.all([here.close(), there.close()]);
      } finally {
        await Promise.all([server.stop(), client.stop()]);
      }
    } finally {
      namespace.remove();
    }
  });
});

suite('whose a connection is, by the sockets that were seen', { skip: linux ? false : 'Linux only' }, () => {
  const local = '192.0.2.1';
  const remote = '198.51.100.7';
  const self = { pid: process.pid, startTicks: statOf(process.pid)?.startTicks ?? '', descriptor: 0 };
  const socket = (over: Partial<TcpSocket> = {}): TcpSocket => ({
    local: keyOfText(local),
    localPort: 80,
    remote: keyOfText(remote),
    remotePort: 40000,
    listening: false,
    ipv6: false,
    inode: '11',
    ...over,
  });
  const listening = (over: Partial<TcpSocket> = {}) =>
    socket({
      listening: true,
      local: keyOfText('0.0.0.0'),
      remote: keyOfText('0.0.0.0'),
      remotePort: 0,
      inode: '10',
      ...over,
    });
  interface Case {
    beganMs?: number;
    sockets?: TcpSocket[];
    before?: { beganMs: number; sockets: TcpSocket[] };
    owners?: Record<string, (typeof self)[]>;
    seen?: Partial<SeenConnection>;
    parent?: number;
  }
  const find = ({
    beganMs = 5000,
    sockets = [],
    before,
    owners = { 10: [self], 11: [self] },
    seen,
    parent = 1,
  }: Case) => {
    const common = {
      local: new Set([keyOfText(local)]),
      owners: new Map(Object.entries(owners)),
      stats: new Map([[99, { name: 'x', parent, startTicks: '1' }]]),
    };
    const table = new SocketTable({ ...common, beganMs, sockets }, before && new SocketTable({ ...common, ...before }));
    const connection = { id: 1, client: { address: remote, port: 40000 }, server: { address: local, port: 80 } };
    return processOf({ connection, openMs: 4900, lastMs: 4990, ...seen }, table)?.end;
  };

  const cases: [what: string, of: Case, expected: 'client' | 'server' | undefined][] = [
    ['its own socket is there', { sockets: [socket()] }, 'server'],
    ['nothing is there', {}, undefined],
    ['the sockets were seen before it began', { sockets: [socket()], seen: { openMs: 5001 } }, undefined],
    [
      'it was over for long when they were seen: the ends may be used again',
      { sockets: [socket()], seen: { openMs: 1000, lastMs: 3000 } },
      undefined,
    ],
    [
      'the same, but the socket was there all the time',
      { sockets: [socket()], seen: { openMs: 1000, lastMs: 3000 }, before: { beganMs: 2000, sockets: [socket()] } },
      'server',
    ],
    [
      'another process has the number now',
      { sockets: [socket()], owners: { 11: [{ ...self, startTicks: '1' }] } },
      undefined,
    ],
    ['the process is gone', { sockets: [socket()], owners: { 11: [{ ...self, pid: 2 ** 22 + 1 }] } }, undefined],
    ['several have the socket', { sockets: [socket()], owners: { 11: [self, { ...self, pid: 1 }] } }, undefined],
    ['the owner may not be seen', { sockets: [socket()], owners: {} }, undefined],
    [
      'its socket is closed; who listened before and after',
      { sockets: [listening()], before: { beganMs: 4000, sockets: [listening()] } },
      'server',
    ],
    ['who listens began later', { sockets: [listening()] }, undefined],
    [
      'another socket listened before',
      { sockets: [listening()], before: { beganMs: 4000, sockets: [listening({ inode: '9' })] } },
      undefined,
    ],
    [
      'several sockets listen',
      { sockets: [listening(), listening({ inode: '12' })], before: { beganMs: 4000, sockets: [listening()] } },
      undefined,
    ],
    [
      'it listens on another address',
      { sockets: [listening({ local: keyOfText('192.0.2.9') })], before: { beganMs: 4000, sockets: [listening()] } },
      undefined,
    ],
    [
      'who listens has started others, which may have the connection',
      { sockets: [listening()], before: { beganMs: 4000, sockets: [listening()] }, parent: process.pid },
      undefined,
    ],
    [
      'it began after the sockets were seen, and who listened then does no more',
      {
        sockets: [listening()],
        before: { beganMs: 4000, sockets: [listening()] },
        seen: { openMs: 6000, lastMs: 6001 },
      },
      undefined,
    ],
    [
      'the local end is the client',
      {
        sockets: [socket({ localPort: 40000, remotePort: 80 })],
        seen: { connection: { id: 1, client: { address: local, port: 40000 }, server: { address: remote, port: 80 } } },
      },
      'client',
    ],
  ];
  for (const [what, of, expected] of cases) test(what, () => assert.equal(find(of), expected));

  test('it began after the sockets were seen, and who listened then still does', async () => {
    const server = await serve((_body, _request, response) => response.end());
    try {
      const [inode, descriptor] = [...(openSocketsOf(process.pid) ?? [])].at(-1) ?? ['', 0];
      const sockets = [listening({ inode })];
      const of: Case = {
        sockets,
        before: { beganMs: 4000, sockets },
        owners: { [inode]: [{ ...self, descriptor }] },
        seen: { openMs: 6000, lastMs: 6001 },
      };
      assert.equal(find(of), 'server');
    } finally {
      await server.close();
    }
  });
});

test('processes has no effect on a file', () => {
  assert.doesNotThrow(() => capture({ file: '/dev/null', processes: true }).close());
});
