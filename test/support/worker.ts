import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Starts a program of test/support/programs in a worker thread. */
export function startWorker(program: string, data: object, options: WorkerOptions = {}): Worker {
  return new Worker(new URL('./programs/worker.mjs', import.meta.url), {
    ...options,
    execArgv: [],
    workerData: { ...data, program: new URL(`./programs/${program}.ts`, import.meta.url).href },
  });
}
