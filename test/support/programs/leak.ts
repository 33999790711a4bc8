/** Opens and closes many captures; prints threads, descriptors and memory of some rounds as JSON. */
import { readdirSync } from 'node:fs';
import { capture } from '../../../lib/index.js';
import { pcap, toPackets } from '../capture-file.js';
import { type SourceKind, thenSilence } from '../endless.js';
import { loopback, temporaryFile } from '../environment.js';
import { traffic } from '../traffic.js';

const kind = process.argv[2] as SourceKind;
const bytes = pcap(toPackets(traffic({ seed: 99, conversations: 10, exchanges: 10 }).segments, { link: 'ethernet' }));
const file = temporaryFile(bytes);

const open = () => {
  if (kind === 'file') return capture({ file });
  if (kind === 'stream') return capture({ stream: thenSilence(bytes) });
  return capture({ interface: loopback, bufferBytes: 2 << 20 });
};

async function one(i: number): Promise<void> {
  const tap = open();
  if (i % 4 === 0) await tap.close();
  else if (i % 4 === 1) {
    await tap.ready;
    await tap.close();
  } else if (i % 4 === 2 && kind !== 'live') for await (const _ of tap) break;
  else {
    await tap.ready;
    await tap.stop();
    for await (const _ of tap);
  }
}

const count = (folder: string) => (process.platform === 'linux' ? readdirSync(folder).length : 0);

async function round(captures: number) {
  for (let i = 0; i < captures; i++) await one(i);
  for (let i = 0; i < 3; i++) {
    (globalThis as unknown as { gc(): void }).gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    threads: count('/proc/self/task'),
    descriptors: count('/proc/self/fd'),
    residentBytes: process.memoryUsage.rss(),
  };
}

async function rounds(times: number) {
  const list = [];
  for (let i = 0; i < times; i++) list.push(await round(kind === 'live' ? 12 : 80));
  return list;
}

// The allocator keeps some memory a thread: it grows at first, whatever is given back.
console.log(JSON.stringify({ before: await rounds(kind === 'live' ? 2 : 5), after: await rounds(3) }));
