/** Brings a capture to a stage and says so; what ends it there comes from argv or, in a worker, from outside. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { type SourceKind, start, startDownload } from '../endless.js';
import { nextUnfinished } from '../packet-feed.js';
import type { How, Stage } from '../stages.js';

const [kind, stage, how] = (
  isMainThread ? process.argv.slice(2) : [workerData.kind, workerData.stage, workerData.how]
) as [SourceKind, Stage, How];

async function end(): Promise<void> {
  if (how === 'exit') process.exit(7);
  if (how === 'throw') {
    // Not a rejection: nothing that awaits may see it.
    setImmediate(() => {
      throw new Error('thrown on purpose');
    });
    await new Promise(() => {});
  }
  if (how === 'stay') {
    setInterval(() => {}, 60_000);
    parentPort?.postMessage('there');
    await new Promise(() => {});
  }
  console.log('left');
}

async function reach(): Promise<void> {
  const streamed = kind !== 'file' && (stage === 'reading-body' || stage === 'awaiting-finished');
  const { tap, messages, release } = streamed ? startDownload(kind) : start(kind);
  const iterator = () => tap[Symbol.asyncIterator]();
  switch (stage) {
    case 'opening':
      await end();
      break;
    case 'capturing':
      await tap.ready;
      await end();
      break;
    case 'mid-batch':
      for await (const _ of tap) {
        await end();
        break;
      }
      break;
    case 'parked': {
      const all = iterator();
      for (let i = 0; i < messages; i++) await all.next();
      const parked = all.next();
      await new Promise(setImmediate);
      await end();
      await parked;
      break;
    }
    case 'parked-in-batches': {
      const batches = tap.batches()[Symbol.asyncIterator]();
      for (let seen = 0; seen < messages; ) {
        const { value, done } = await batches.next();
        if (done) break;
        seen += [...value].length;
      }
      const parked = batches.next();
      await new Promise(setImmediate);
      await end();
      await parked;
      break;
    }
    case 'parked-in-exchanges': {
      const exchanges = tap.exchanges();
      let parked = exchanges.next();
      // How many there are the messages do not tell.
      while (await Promise.race([parked.then(() => true), sleep(300, false)])) parked = exchanges.next();
      await end();
      await parked;
      break;
    }
    case 'reading-body': {
      const chunks = (await nextUnfinished(iterator())).stream();
      await chunks.next();
      const parked = chunks.next();
      await new Promise(setImmediate);
      await end();
      await parked;
      break;
    }
    case 'awaiting-finished': {
      const { finished } = await nextUnfinished(iterator());
      await new Promise(setImmediate);
      await end();
      await finished;
      break;
    }
    case 'stopping':
      await tap.ready;
      void tap.stop();
      await end();
      break;
    case 'closing':
      await tap.ready;
      void tap.close();
      await end();
      break;
    case 'closed':
      await iterator().next();
      await tap.close();
      await end();
      break;
    case 'drained':
      await tap.ready;
      void tap.stop();
      for await (const _ of tap);
      await end();
      break;
  }
  await release();
}

await reach();
