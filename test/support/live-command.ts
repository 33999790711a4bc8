/** The command while it captures live. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import type { TestContext } from 'node:test';
import { commandArgs } from '../cli-support.js';
import { within } from './environment.js';

export interface LiveCommand {
  child: ChildProcess;
  /** What it has said so far. */
  stderr(): string;
}

/** Starts the command and resolves when it listens; undefined, and the test skipped, where that is not permitted. */
export async function listen(
  t: TestContext,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<LiveCommand | undefined> {
  const child = spawn(process.execPath, [...commandArgs, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  t.after(() => child.kill('SIGKILL'));
  let stderr = '';
  const listening = new Promise<boolean>((resolve) => {
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
      if (/listening on .*\n/.test(stderr)) resolve(true);
    });
    child.once('close', () => resolve(false));
  });
  if (await within(listening, 'listening')) return { child, stderr: () => stderr };
  assert.match(stderr, /permi|setcap|CAP_NET_RAW|root/i, stderr);
  assert.equal(child.exitCode, 1);
  console.log(`# SKIP live capture is not permitted here: ${stderr.trim()}`);
  t.skip('live capture is not permitted here');
  return undefined;
}
