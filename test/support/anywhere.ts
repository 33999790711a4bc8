/** Runs test/support/programs/anywhere.mjs in a runtime, and checks what it captured. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type { InterfaceInfo } from '../../lib/index.js';
import { top } from './environment.js';

const program = path.join(top, 'test/support/programs/anywhere.mjs');
const incident = path.join(top, 'examples/demo/incident.pcap');

interface Captured {
  libpcap: string;
  interfaces: InterfaceInfo[];
  messages: [id: number, kind: string, time: number, startOf: string | number, body: string][];
  filterError: string;
  live?: [kind: string, path: string, body: string][];
}

/**
 * @param runtime what to start
 * @param entry URL of the library
 */
export function useAnywhere(
  runtime: string,
  entry: string,
  options: { env?: NodeJS.ProcessEnv; interface?: string | undefined } = {},
): Captured {
  const args = [program, entry, incident, ...(options.interface === undefined ? [] : [options.interface])];
  const { status, stdout, stderr, error } = spawnSync(runtime, args, {
    encoding: 'utf8',
    env: { ...process.env, ...options.env },
    timeout: 60_000,
  });
  if (error) throw error;
  assert.equal(status, 0, stderr);
  const captured: Captured = JSON.parse(stdout);
  assert.equal(captured.messages.length, 18);
  assert.deepEqual(captured.messages[0]?.slice(1, 4).toSpliced(1, 1), ['request', 'GET']);
  assert.match(captured.filterError, /^ERR_FILTER .*syntax error/);
  assert.ok(captured.interfaces.some((one) => one.loopback));
  if (options.interface !== undefined)
    assert.deepEqual(captured.live, [
      ['request', '/live', ''],
      ['response', '/live', 'hello'],
    ]);
  return captured;
}
