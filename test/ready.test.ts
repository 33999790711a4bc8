/** `tap.ready` of captures that are ended before anybody knows whether they began. */
import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { type CaptureOptions, capture, flows } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { thenSilence } from './support/endless.js';
import { collect, loopback, skipUnlessLive, temporaryFile, within } from './support/environment.js';
import { traffic } from './support/traffic.js';

const live = await skipUnlessLive();
const { segments } = traffic({ seed: 77, conversations: 2, exchanges: 3 });
const bytes = pcap(toPackets(segments, { link: 'ethernet' }), { nanoseconds: true });
const file = temporaryFile(bytes);

const sources: [name: string, skip: string | false, options: () => CaptureOptions][] = [
  ['live', live, () => ({ interface: loopback })],
  ['a file', false, () => ({ file })],
  ['a stream', false, () => ({ stream: thenSilence(bytes) })],
  ['a stream that never begins', false, () => ({ stream: thenSilence(Buffer.alloc(0)) })],
];
const starts = { capture, flows };

/** What happens to `ready`; nobody may hear of it otherwise. */
async function unheard(run: () => Promise<void>): Promise<void> {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  try {
    await run();
    for (let i = 0; i < 5; i++) await new Promise(setImmediate);
    assert.deepEqual(unhandled, []);
  } finally {
    process.off('unhandledRejection', note);
  }
}

for (const [called, start] of Object.entries(starts))
  for (const [name, skip, options] of sources)
    suite(`${called}(): ${name}`, { skip, timeout: 300_000 }, () => {
      for (const end of ['stop', 'close'] as const)
        for (const asked of ['before', 'after'] as const)
          test(`${end}() at once: ready, asked for ${asked}, rejects unless it was opened`, async () => {
            await unheard(async () => {
              const tap = start(options());
              const before = asked === 'before' ? tap.ready : undefined;
              void tap[end]();
              const settled = await within(Promise.allSettled([before ?? tap.ready]), 'ready');
              if (settled[0].status === 'rejected') assert.equal(settled[0].reason.code, 'ERR_CLOSED');
              else assert.ok(tap.info?.linkType);
              await within(collect<unknown>(tap), 'the iterator');
              await tap.close();
            });
          });

      test('stop() while nobody asks for ready is no unhandled rejection', async () => {
        await unheard(async () => {
          const tap = start(options());
          tap.stop();
          tap.stop();
          await within(collect<unknown>(tap), 'the iterator');
        });
      });
    });

test('ready of what captured before stop() resolves, although nobody looked', async () => {
  for (const options of [{ file }, { stream: thenSilence(bytes) }]) {
    const tap = capture(options);
    while (tap.stats().packets.received < segments.length) await new Promise((resolve) => setTimeout(resolve, 1));
    tap.stop();
    await within(tap.ready, 'ready');
    assert.equal(tap.info?.linkType, 'EN10MB');
    assert.ok((await collect(tap)).length > 0);
    await within(tap.ready, 'ready, at the end');
  }
});

test('ready has resolved when the first message was delivered', async () => {
  const tap = capture({ file });
  await tap[Symbol.asyncIterator]().next();
  tap.stop();
  await within(tap.ready, 'ready');
  await tap.close();
});
