// Runs a TypeScript program of this folder in a worker thread; `--import tsx` does not reach into one on Node 20.
import { workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
await import(workerData.program);
