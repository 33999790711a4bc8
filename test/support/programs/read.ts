/** In a worker: reads a file, one or more captures at a time, and posts what it held. */
import { parentPort, workerData } from 'node:worker_threads';
import { capture, type Message } from '../../../lib/index.js';
import { collect } from '../environment.js';

export interface ReadResult {
  messages: ReturnType<Message['detach']>[];
}

const { file, captures } = workerData as { file: string; captures: number };
const all = await Promise.all(Array.from({ length: captures }, () => collect(capture({ file }))));
parentPort?.postMessage(all.map((messages): ReadResult => ({ messages: messages.map((message) => message.detach()) })));
