// @ts-check
/**
 * Captures in a worker thread, so that a main thread that is busy with other things neither holds up the capture nor is held up by it. The
 * worker sends batches of plain objects, and the next one only when the last one was taken.
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { capture } from 'flowtap';

if (isMainThread) await main();
else await captureForMain();

async function main() {
  const { values } = parseArgs({
    options: {
      interface: { type: 'string', short: 'i' },
      port: { type: 'string', short: 'p', multiple: true },
      read: { type: 'string', short: 'r' },
      count: { type: 'string', short: 'n', default: 'Infinity' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log('Usage: node worker.mjs [-i INTERFACE] [-p PORT]... [-r FILE] [-n COUNT]');
  const options = { interface: values.interface, port: values.port?.map(Number), file: values.read };
  const worker = new Worker(new URL(import.meta.url), { workerData: options });
  process.once('SIGINT', () => worker.postMessage('stop'));
  let left = Number(values.count);
  worker.on('message', (/** @type {import('flowtap').DetachedMessage[] | string} */ sent) => {
    if (typeof sent === 'string') return console.error(`Reading ${sent}`);
    for (const message of sent.slice(0, left)) {
      const what = message.kind === 'request' ? `${message.method} ${message.target}` : message.status;
      console.log(`${message.timestamp.toISOString()} #${message.id} ${what}, ${message.body?.length} bytes`);
    }
    left -= sent.length;
    // Terminating a worker closes its captures, whatever it is doing.
    if (left > 0) worker.postMessage('next');
    else void worker.terminate();
  });
  await once(worker, 'exit').catch((error) => {
    console.error(error.message); // What the worker failed with.
    process.exitCode = 1;
  });
}

async function captureForMain() {
  const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
  const tap = capture(workerData);
  /** @type {(word: string) => void} */
  let taken = () => {};
  port.on('message', (word) => (word === 'stop' ? tap.stop() : taken(word)));
  await tap.ready;
  port.postMessage(workerData.file ?? tap.info?.interface);
  for await (const batch of tap.batches()) {
    const messages = Array.from(batch, (message) => message.detach());
    // Bodies change hands instead of being copied.
    const bodies = messages.flatMap(({ body }) => (body?.length ? [/** @type {ArrayBuffer} */ (body.buffer)] : []));
    const answer = new Promise((resolve) => {
      taken = resolve;
    });
    port.postMessage(messages, bodies);
    await answer;
  }
  port.close();
}
