/** Follows a process of somebody else, and looks at its own sockets. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { CaptureError, capture, listeners } from '../../../lib/index.js';

const pid = Number(process.argv[2]);

for (const where of [{ pid }, { netns: pid }]) {
  const tap = capture(where);
  await tap.ready.catch((error) => {
    if (!(error instanceof CaptureError)) throw error;
    console.log(error.code, error.message);
  });
  await tap.close();
}
const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const own = (await listeners()).find((one) => one.port === port);
console.log(`own listener: ${own?.processes[0]?.pid === process.pid}`);
server.close();
