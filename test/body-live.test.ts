/** Bodies that do not end, live from node:http on loopback. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, createServer, get, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe as suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { constants, createGzip } from 'node:zlib';
import type { CaptureOptions, ResponseMessage, Tap } from '../lib/index.js';
import { collect, loopback, opened, skipUnlessLive, within } from './support/environment.js';
import { next, nextResponse } from './support/packet-feed.js';

const live = await skipUnlessLive();

interface Watched {
  tap: Tap;
  response: ResponseMessage;
  client: ClientRequest;
  get(path: string): ClientRequest;
}

/** A server, a client that asks it once, and what a tap sees of the answer. */
async function watch(
  listener: RequestListener,
  check: (watched: Watched) => Promise<void>,
  options: CaptureOptions = {},
): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const tap = await opened({ interface: loopback, port, body: 'stream', ...options });
  const ask = (path: string) =>
    get({ host: '127.0.0.1', port, path }, (answer) => answer.on('error', () => {}).resume()).on('error', () => {});
  const client = ask('/');
  try {
    const messages = tap[Symbol.asyncIterator]();
    const response = await nextResponse(messages);
    await check({ tap, response, client, get: ask });
  } finally {
    client.destroy();
    await tap.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}

suite('live', { skip: live, timeout: 300_000 }, () => {
  test('server-sent events are seen while the response goes on', async () => {
    let send = (_: string): void => {};
    await watch(
      (_, outgoing) => {
        outgoing.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
        send = (text) => (text === '' ? outgoing.end() : outgoing.write(text));
      },
      async ({ response }) => {
        const events = response.events();
        for (let i = 1; i <= 10; i++) {
          send(`id: ${i}\ndata: event ${i}\n\n`);
          assert.deepEqual(await next(events, `event ${i}`), {
            type: 'message',
            data: `event ${i}`,
            lastEventId: `${i}`,
          });
          assert.equal(response.unfinished, true);
        }
        send('');
        assert.equal((await within(events.next(), 'the end')).done, true);
        assert.equal((await within(response.finished, 'finished')).integrity, 'complete');
      },
    );
  });

  test('compressed ones too', async () => {
    const gzip = createGzip();
    await watch(
      (_, outgoing) => {
        outgoing.writeHead(200, { 'Content-Type': 'text/event-stream', 'Content-Encoding': 'gzip' }).flushHeaders();
        gzip.pipe(outgoing);
      },
      async ({ response }) => {
        const events = response.events();
        for (let i = 1; i <= 10; i++) {
          gzip.write(`event: tick\ndata: ${i}\n\n`);
          gzip.flush(constants.Z_SYNC_FLUSH);
          assert.deepEqual(await next(events, `event ${i}`), { type: 'tick', data: `${i}`, lastEventId: '' });
        }
        gzip.end();
        assert.equal((await within(events.next(), 'the end')).done, true);
      },
    );
  });

  test('an endless download: who has read enough leaves, and the capture goes on', async () => {
    let over = false;
    let noticed = () => {};
    const closed = new Promise<void>((resolve) => {
      noticed = resolve;
    });
    await watch(
      async (incoming, outgoing) => {
        if (incoming.url !== '/') {
          outgoing.end('the other');
          return;
        }
        outgoing.on('close', () => {
          over = true;
          noticed();
        });
        const block = Buffer.alloc(16 << 10, 'endless ');
        // Not as fast as it goes: a busy machine would miss packets, and the response would have a gap instead.
        for (; !over; await sleep(1)) outgoing.write(block);
      },
      async ({ tap, response, client, get: ask }) => {
        let read = 0;
        for await (const chunk of response.stream()) {
          read += chunk.length;
          if (read > 1 << 20) break;
        }
        assert.ok(read > 1 << 20);
        assert.equal(over, false);
        ask('/other');
        client.destroy();
        const end = await within(response.finished, 'finished');
        assert.equal(end.integrity, 'aborted');
        assert.ok(end.bodyLength >= read);
        assert.equal(tap.stats().delivery.bodyBytesLetGo, 0);
        await within(closed, 'the server to see that its client left');
      },
    );
  });

  test('a body that came faster than it was read is told, not shown with a hole', async () => {
    // Far more than the mailbox holds, far less than the kernel does.
    const total = 16 << 20;
    await watch(
      (_, outgoing) => outgoing.end(Buffer.alloc(total, 'fast ')),
      async ({ tap, response }) => {
        const chunks = response.stream();
        await next(chunks);
        // Nobody takes batches until the mailbox has been full.
        while (tap.stats().http.bodyBytes < total && tap.stats().packets.kernelDropped === 0)
          await new Promise(setImmediate);
        const cut = tap.stats().http.bodyBytesCut;
        const rest = collect({ [Symbol.asyncIterator]: () => chunks });
        if (cut > 0) await assert.rejects(within(rest, 'the rest'), { code: 'ERR_BODY_DROPPED' });
        else await within(rest, 'the rest');
        assert.ok(cut > 0 || tap.stats().packets.kernelDropped > 0);
      },
      { maxQueuedBytes: 64 << 10 },
    );
  });
});
