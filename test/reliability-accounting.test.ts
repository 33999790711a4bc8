/** The counters of stats() add up, at the end and at any time before, whatever the traffic is. */
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { describe as suite, test } from 'node:test';
import { type CaptureOptions, capture, type Tap } from '../lib/index.js';
import { checkAccounts, checkEnd, hostile } from './reliability-support.js';
import { pcap } from './support/capture-file.js';
import { temporaryFile } from './support/environment.js';
import { Random } from './support/random.js';

/** Options that reach limits, one or the other at a time. */
function randomOptions(random: Random): Partial<CaptureOptions> {
  return random.pick<Partial<CaptureOptions>>([
    {},
    {},
    { maxConnections: 2 },
    { maxBufferedBytes: 65_536 },
    { maxBufferedBytesPerDirection: 4096 },
    { idleTimeoutMs: 1 },
    { maxBodyBytes: 100 },
    { body: 'none' },
    { verifyChecksums: true },
    { port: 8000 },
    { port: 20_001 },
    { maxHeadBytes: 1024, maxHeaders: 16 },
  ]);
}

/** Reads everything, with a look at the counters now and then. Returns how many messages there were. */
async function readAndCheck(tap: Tap, everyMessages: number): Promise<number> {
  let count = 0;
  for await (const _ of tap) if (++count % everyMessages === 0) checkAccounts(tap.stats());
  checkAccounts(tap.stats());
  checkEnd(tap.stats());
  return count;
}

suite('counters reconcile', () => {
  for (let seed = 301; seed <= 330; seed++) {
    const options = randomOptions(new Random(seed));
    test(`hostile traffic, seed ${seed}, ${JSON.stringify(options)}`, async () => {
      const packets = hostile(seed);
      const file = temporaryFile(pcap(packets, { nanoseconds: true }));
      const fromFile = capture({ ...options, file });
      const count = await readAndCheck(fromFile, 7);
      const stats = fromFile.stats();
      assert.equal(stats.packets.received, packets.length);
      assert.equal(
        stats.packets.bytes,
        packets.reduce((sum, packet) => sum + packet.data.length, 0),
      );
      // Those that the file calls cut, and those whose own length says so.
      const cut = packets.filter((packet) => (packet.wireLength ?? packet.data.length) > packet.data.length).length;
      assert.ok(stats.packets.truncated >= cut, `${stats.packets.truncated} truncated of ${cut}`);
      assert.equal(stats.delivery.messagesDelivered, count);
      assert.equal(stats.delivery.messagesDropped, 0);

      // How the bytes arrive makes no difference.
      const fromStream = capture({ ...options, stream: createReadStream(file, { highWaterMark: 1500 }) });
      assert.equal(await readAndCheck(fromStream, 3), count);
      const ofStream = fromStream.stats();
      for (const group of ['packets', 'decode', 'tcp', 'http'] as const)
        assert.deepEqual({ ...ofStream[group] }, { ...stats[group] }, group);
    });
  }

  test('in the middle, while bytes wait and messages are open', async () => {
    const seen = { buffered: 0, open: 0, held: 0, connections: 0 };
    for (let seed = 361; seed <= 364; seed++) {
      const bytes = pcap(hostile(seed), { nanoseconds: true });
      let tap: Tap | undefined;
      async function* drip() {
        for (let at = 0; at < bytes.length; at += 20_000) {
          yield bytes.subarray(at, at + 20_000);
          await new Promise((resolve) => setTimeout(resolve, 1));
          if (!tap) continue;
          const stats = tap.stats();
          checkAccounts(stats);
          seen.buffered = Math.max(seen.buffered, stats.tcp.bufferedBytes);
          seen.open = Math.max(seen.open, stats.http.messagesOpen);
          seen.held = Math.max(seen.held, stats.delivery.messagesHeld);
          seen.connections = Math.max(seen.connections, stats.tcp.connectionsOpened - stats.tcp.connectionsClosed);
        }
      }
      tap = capture({ stream: drip() });
      await readAndCheck(tap, 5);
    }
    // Otherwise this shows nothing.
    assert.ok(seen.buffered > 0 && seen.open > 0 && seen.connections > 0, JSON.stringify(seen));
  });

  test('when the reader leaves early', async () => {
    const file = temporaryFile(pcap(hostile(350), { nanoseconds: true }));
    const tap = capture({ file });
    let count = 0;
    for await (const _ of tap) {
      checkAccounts(tap.stats());
      if (++count === 5) break;
    }
    checkAccounts(tap.stats());
  });
});
