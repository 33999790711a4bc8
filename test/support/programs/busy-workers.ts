/** Ends the process while several workers are in the middle of their captures. */
import { once } from 'node:events';
import { startWorker } from '../worker.js';

const workers = (['opening', 'mid-batch', 'parked', 'capturing'] as const).map((stage) =>
  startWorker('stage', { kind: 'stream', stage, how: 'stay' }),
);
await Promise.all(workers.map((worker) => once(worker, 'message')));
process.exit(7);
