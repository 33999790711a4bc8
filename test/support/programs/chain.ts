/** In a worker: chains over a file, posts what came of it, then waits for a capture that stays silent. */
import { parentPort, workerData } from 'node:worker_threads';
import { capture } from '../../../lib/index.js';
import { pcap } from '../capture-file.js';
import { thenSilence } from '../endless.js';

const { file } = workerData as { file: string };
const requests = await capture
  .requests({ file })
  .map((request) => request.detach())
  .toArray();
parentPort?.postMessage(requests);
await capture({ stream: thenSilence(pcap([])) })
  .filter(() => true)
  .toArray();
