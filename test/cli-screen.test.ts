/** What is drawn on a terminal and drawn again: the progress of a file, the table of a live capture. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { suite, test } from 'node:test';
import { SummaryPrinter } from '../lib/cli/printers/summary-table.js';
import { bytesRead, Progress } from '../lib/cli/progress.js';
import { type CaptureStats, capture } from '../lib/index.js';
import { commandArgs, MemoryOutput, pcapOf } from './cli-support.js';
import { loopback, skip, skipUnlessLive, temporaryFile } from './support/environment.js';

const noLive = await skipUnlessLive();
const noTerminals = process.platform === 'linux' ? false : skip('script(1) is another command here');

const exchange = {
  request: 'GET /orders/1 HTTP/1.1\r\nHost: a.test\r\n\r\n',
  response: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
};
const capturedBytes = pcapOf(Array.from({ length: 10 }, () => [exchange]));

/** The command with a terminal of 100 columns; resolves with everything that was drawn. `look` sees it as it comes. */
async function onTerminal(shell: string, look: (drawn: string) => void = () => {}) {
  const child = spawn('script', ['-qec', `stty cols 100 rows 20; ${shell}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let drawn = '';
  child.stdout.on('data', (chunk) => {
    drawn += chunk;
    look(drawn);
  });
  const [code] = await once(child, 'close');
  return { code, drawn };
}

const quoted = (...args: string[]) => [process.execPath, ...commandArgs, ...args].map((word) => `'${word}'`).join(' ');

suite('progress', () => {
  test('of a file that takes a while: bytes, rate, time left, messages; gone at the end', async () => {
    const path = temporaryFile(capturedBytes);
    const stream = new PassThrough() as unknown as NodeJS.WriteStream & PassThrough;
    Object.assign(stream, { isTTY: true, columns: 100, cursorTo: () => true, clearLine: () => true });
    let drawn = '';
    const shown = new Promise<void>((resolve) => {
      stream.on('data', (chunk) => {
        drawn += chunk;
        if (/\d messages/.test(drawn)) resolve();
      });
    });
    // All of it was read, and half of that handed on.
    const stats = () =>
      ({
        packets: { received: 90, bytes: 90 * 75, filteredOut: 0 },
        delivery: { messagesDelivered: 2568, messagesNotMatched: 50 },
      }) as unknown as CaptureStats;
    const progress = new Progress({ path, stream, stats, messages: () => 1234 });
    const alive = setInterval(() => {}, 1000);
    await shown;
    clearInterval(alive);
    progress.stop();
    assert.match(drawn, /\[=*-*\] 5\d% {2}0\.0 MB of 0\.0 MB {2}\d+\.\d MB\/s {2}\S+ left {2}1,234 messages/);
    const length = drawn.length;
    progress.stop();
    assert.equal(drawn.length, length);
  });

  test('knows what packets take in the file', async () => {
    const tap = capture({ file: temporaryFile(capturedBytes) });
    for await (const batch of tap.batches()) assert.ok(batch);
    assert.equal(bytesRead(tap.stats(), { bytes: 0, headerBytes: 24, packetBytes: 16 }), capturedBytes.length);
    const filtered = capture({ file: temporaryFile(capturedBytes), filter: 'tcp[13] & 2 == 0' });
    for await (const batch of filtered.batches()) assert.ok(batch);
    const read = bytesRead(filtered.stats(), { bytes: 0, headerBytes: 24, packetBytes: 16 });
    assert.ok(Math.abs(read / capturedBytes.length - 1) < 0.1, `${read} of ${capturedBytes.length}`);
  });

  test('is drawn by the command beside a pipe', { skip: noTerminals, timeout: 120_000 }, async () => {
    const big = temporaryFile(pcapOf(Array.from({ length: 200 }, () => Array.from({ length: 100 }, () => exchange))));
    const { code, drawn } = await onTerminal(`${quoted('-r', big, '--redact')} | cat > /dev/null`);
    assert.equal(code, 0);
    assert.match(drawn, /\[=*-+\] \d+% .* messages/);
    assert.match(drawn, /flowtap: 40,000 messages /);
  });

  test('is not drawn where messages are', { skip: noTerminals, timeout: 60_000 }, async () => {
    const { drawn } = await onTerminal(quoted('-r', temporaryFile(capturedBytes)));
    assert.doesNotMatch(drawn, /left/);
  });
});

suite('the live table', () => {
  test('is drawn in the place of the one before, and fits the screen', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const output = Object.assign(new MemoryOutput(), { flush: () => {} });
    const exchanges = await capture({ file: temporaryFile(capturedBytes) })
      .exchanges()
      .toArray();
    const printer = new SummaryPrinter(output, { size: () => ({ columns: 60, rows: 20 }), live: true });
    t.mock.timers.tick(1000);
    assert.equal(output.text, '');
    for (const one of exchanges) printer.printExchange(one);
    t.mock.timers.tick(1000);
    assert.match(output.text, /^count .*\n +10 .*\n$/);
    t.mock.timers.tick(1000);
    assert.equal(output.text.split('\n').length, 3, 'nothing is new');
    printer.printExchange(exchanges[0] as (typeof exchanges)[0]);
    printer.end();
    const [, again] = output.text.split('\r\x1b[2A\x1b[J');
    assert.match(again ?? '', /^count .*\n +11 .*\n$/);
  });

  test('by the command, live', { skip: noTerminals || noLive, timeout: 60_000 }, async (t) => {
    const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    let asking: NodeJS.Timeout | undefined;
    t.after(() => {
      clearInterval(asking);
      server.close();
    });
    const ask = () => {
      // The last ones may find the server closed.
      get({ port, agent: false }, (response) => response.resume()).on('error', () => {});
    };
    // Four seconds at least: the table is drawn each second.
    const args = ['-i', loopback, '-p', String(port), '--summary', '--count', '80'];
    const { code, drawn } = await onTerminal(quoted(...args), (text) => {
      // Not before: a request that is not captured is an endpoint of its own.
      if (text.includes('listening on')) asking ??= setInterval(ask, 50);
    });
    assert.equal(code, 0, JSON.stringify(drawn));
    // Twice again, and at the end.
    assert.ok(drawn.split('\x1b[2A\x1b[J').length >= 3, JSON.stringify(drawn));
    assert.match(drawn, /GET localhost:\d+\/\r\nflowtap: \d+ messages/);
  });
});
