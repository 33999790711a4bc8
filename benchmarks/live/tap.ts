/**
 * The library on a live interface, in a process of its own: `tap.js LIBRARY MODE OPTIONS`, OPTIONS being those of capture() as JSON. Says
 * "ready" on standard error when it captures, ends with SIGINT, and then prints one line of JSON. `tap.js LIBRARY idle OPTIONS SECONDS
 * SETTLE_SECONDS` measures so many seconds, so long after its start, and ends by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaptureOptions, Message, Tap } from '../../lib/index.js';

type Library = typeof import('../../lib/index.js');

/** What it prints. CPU time is from the call of capture() to its end; in mode `idle` that of those seconds. */
export interface TapReport {
  cpuSeconds: number;
  wallSeconds: number;
  /** Delivered and complete, where the mode looks at them; else delivered. */
  requests: number;
  responses: number;
  kernelDropped: number;
  messagesDropped: number;
  /** Milliseconds between the time stamp of a message's last packet and the moment that the iterator gave it. */
  delays?: number[];
}

const [library = '', mode = '', options = '{}', seconds = '10', settleSeconds = '10'] = process.argv.slice(2);
const counts = { requests: 0, responses: 0 };
const delays: number[] = [];
/** Keeps what is read from being optimised away. */
let used = 0;

function count(message: Message): void {
  if (message.integrity !== 'complete') return;
  if (message.kind === 'request') counts.requests++;
  else counts.responses++;
}

const modes: Record<string, (tap: Tap) => Promise<void>> = {
  async batches(tap) {
    for await (const batch of tap.batches()) used += batch.length;
    // Which of them are requests nobody has looked at.
    const { requests } = tap.stats().http;
    counts.requests = requests;
    counts.responses = used - requests;
  },
  async fields(tap) {
    for await (const message of tap) {
      count(message);
      used += message.kind === 'request' ? message.method.length + (message.url?.length ?? 0) : message.status;
    }
  },
  async delays(tap) {
    for await (const message of tap) {
      const nowMs = performance.timeOrigin + performance.now();
      // A difference of two large numbers: whole milliseconds and the rest, each by itself.
      const wholeMs = Number(message.endTime / 1_000_000n);
      delays.push(nowMs - wholeMs - Number(message.endTime % 1_000_000n) / 1e6);
      count(message);
    }
  },
};

const { capture }: Library = await import(library);
let cpuBefore = process.cpuUsage();
let started = performance.now();
const tap = capture(JSON.parse(options) as CaptureOptions);
process.once('SIGINT', () => tap.stop());
const done = modes[mode === 'idle' ? 'fields' : mode]?.(tap);
await tap.ready;
process.stderr.write('ready\n');

let cost: Pick<TapReport, 'cpuSeconds' | 'wallSeconds'> | undefined;
if (mode === 'idle') {
  // Neither what starting costs nor what ending does.
  await sleep(Number(settleSeconds) * 1000);
  cpuBefore = process.cpuUsage();
  started = performance.now();
  await sleep(Number(seconds) * 1000);
  cost = costSoFar();
  tap.stop();
}
await done;
cost ??= costSoFar();
const { packets, delivery } = tap.stats();
const report: TapReport = {
  ...cost,
  ...counts,
  kernelDropped: packets.kernelDropped,
  messagesDropped: delivery.messagesDropped,
  ...(mode === 'delays' && { delays }),
};
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exitCode = used < 0 ? 1 : 0;

function costSoFar() {
  const { user, system } = process.cpuUsage(cpuBefore);
  return { cpuSeconds: (user + system) / 1e6, wallSeconds: (performance.now() - started) / 1000 };
}
