/**
 * Records incident.pcap anew: `node --import tsx examples/demo/record.ts`, where tcpdump may capture. The demo plays that file where
 * live capture is not permitted.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { runClients } from './clients.js';
import { loopback } from './loopback.js';
import { startServer } from './server.js';

const file = fileURLToPath(new URL('incident.pcap', import.meta.url));
const server = await startServer(8000);
const tcpdump = spawn('tcpdump', ['-i', loopback(), '-U', '--immediate-mode', '-w', file, `tcp port ${server.port}`], {
  stdio: ['ignore', 'inherit', 'pipe'],
});
const said: Promise<unknown[]> = once(tcpdump.stderr, 'data');
await said;
await runClients(server.port, 100);
await server.close();
tcpdump.kill('SIGINT');
await once(tcpdump, 'close');
