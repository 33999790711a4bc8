/** `--tcp` as a process: how it begins and ends. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe as suite, type TestContext, test } from 'node:test';
import { commandArgs, pcapOf } from './cli-support.js';
import { temporaryFile, within } from './support/environment.js';

/** Starts the command and resolves when it has said what it reads. */
async function start(
  t: TestContext,
  args: string[],
): Promise<{ child: ChildProcess; said(words: RegExp): Promise<string> }> {
  const child = spawn(process.execPath, [...commandArgs, '--tcp', ...args], { stdio: 'pipe' });
  t.after(() => child.kill('SIGKILL'));
  let stderr = '';
  const said = (words: RegExp): Promise<string> =>
    new Promise((resolve) => {
      const look = () => words.test(stderr) && resolve(stderr);
      child.stderr?.on('data', look).once('close', () => resolve(stderr));
      look();
    });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  await within(said(/reading .*\n/), 'reading');
  return { child, said };
}

suite('--tcp', { timeout: 60_000 }, () => {
  test('Ctrl-C before standard input has told anything is no error', async (t) => {
    const { child, said } = await start(t, ['-r', '-']);
    const closed = once(child, 'close');
    child.kill('SIGINT');
    assert.deepEqual(await within(closed, 'the end'), [0, null]);
    assert.match(
      await said(/0 packets/),
      /^flowtap: reading standard input.*\nflowtap: 0 connections, 0 bytes, 0 packets\n$/,
    );
  });

  test('Ctrl-C while nobody reads the output says what it waits for', async (t) => {
    const body = 'x'.repeat(100_000);
    const exchanges = Array.from({ length: 20 }, () => ({ request: 'GET / HTTP/1.1\r\n\r\n', response: body }));
    const { child, said } = await start(t, ['-r', temporaryFile(pcapOf([exchanges]))]);
    // The first bytes have come, and the pipe is full soon.
    await within(once(child.stdout as NonNullable<typeof child.stdout>, 'readable'), 'output');
    child.kill('SIGINT');
    const stderr = await within(said(/another Ctrl-C/), 'what it waits for');
    assert.match(stderr, /^flowtap: waiting for the output to be read; another Ctrl-C ends it at once$/m);
    const closed = once(child, 'close');
    child.stdout?.resume();
    assert.deepEqual(await within(closed, 'the end'), [0, null]);
  });
});
