/** A Redis server of a test's own: no port, nothing written, gone with the test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryFolder, within } from './environment.js';

/** Starts it, and resolves to its URL when it answers. */
export async function startRedis(t: TestContext): Promise<string> {
  const folder = temporaryFolder();
  const socket = path.join(folder, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(server, 'close');
  t.after(async () => {
    server.kill('SIGKILL');
    await closed;
  });
  let said = '';
  const ready = new Promise<void>((resolve, reject) => {
    server.stdout.on('data', (text) => {
      said += text;
      if (/ready to accept connections/i.test(said)) resolve();
    });
    closed.then(() => reject(new Error(`redis-server ended: ${said}`)), reject);
  });
  await within(ready, 'redis-server');
  return `unix://${socket}`;
}
