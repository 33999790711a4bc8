/** The packets of sockets that are followed: also those that came before it was known that they are. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { capture } from '../lib/index.js';
import { collect, opened, skip, skipUnlessLive, temporaryFolder, within } from './support/environment.js';
import { HttpProcess } from './support/http-process.js';

const live = process.platform === 'linux' ? await skipUnlessLive() : skip('processes are followed on Linux only');

test('a port that a process has just opened: from the handshake on', { skip: live, timeout: 60_000 }, async (t) => {
  const file = path.join(temporaryFolder(), 'process.pcapng');
  const [followed, other] = await Promise.all([HttpProcess.start(), HttpProcess.start()]);
  t.after(() => Promise.all([followed.stop(), other.stop()]));
  const unseen = await other.do({ act: 'listen' });
  const tap = await opened({ pid: followed.pid, write: file });
  t.after(() => tap.close());
  const messages = tap[Symbol.asyncIterator]();
  for (const name of ['/1', '/2']) {
    const port = await followed.do({ act: 'listen' });
    await other.do({ act: 'get', port: unseen, path: '/unseen' });
    await other.do({ act: 'get', port, path: name });
    for (let count = 0; count < 2; count++) await within(messages.next(), 'a message');
  }
  tap.stop();
  while (!(await within(messages.next(), 'the end')).done);
  const exchanges = await collect(capture({ file }).exchanges());
  assert.deepEqual(
    exchanges.map(({ request }) => request?.target),
    ['/1', '/2'],
  );
  for (const { timing, response } of exchanges) {
    assert.ok(timing.handshake, 'the handshake was held and is written');
    assert.equal(response?.integrity, 'complete');
  }
  assert.equal(tap.stats().write.connections, 2);
});
