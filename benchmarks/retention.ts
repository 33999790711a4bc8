/**
 * What it costs to keep messages, and what keeps requests alive until their responses come: peak memory of a capture of the api workload
 * whose consumer keeps this or that. Each in a process of its own.
 *
 *   node --import tsx benchmarks/retention.ts [NAME...]
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { capture, type Exchange, type Message } from '../lib/index.js';
import { ensureWorkload } from './workloads/cache.js';

const kept: unknown[] = [];
const every = 1000;
let seen = 0;
const isKept = () => seen++ % every === 0;

async function eachMessage(file: string, visit: (message: Message) => void) {
  const tap = capture({ file });
  for await (const message of tap) visit(message);
  return tap;
}

async function eachExchange(file: string, visit: (exchange: Exchange) => void) {
  const tap = capture({ file });
  for await (const exchange of tap.exchanges()) visit(exchange);
  return tap;
}

let used = 0;

const scenarios: Record<string, (file: string) => ReturnType<typeof eachMessage>> = {
  'nothing kept': (file) => eachMessage(file, (message) => (used += message.bodyLength)),
  'request read of every response': (file) =>
    eachMessage(file, (message) => {
      if (message.kind === 'response') used += message.request?.method.length ?? 0;
    }),
  'one message in 1000 kept as it is': (file) =>
    eachMessage(file, (message) => {
      if (isKept()) kept.push(message);
    }),
  'one message in 1000 kept by detach()': (file) =>
    eachMessage(file, (message) => {
      if (isKept()) kept.push(message.detach());
    }),
  'one response in 1000 kept with its request': (file) =>
    eachMessage(file, (message) => {
      if (message.kind === 'response' && isKept()) kept.push([message, message.request]);
    }),
  'requests whose responses are not captured': async (file) => {
    const tap = capture({ file, filter: 'dst port 8000' });
    for await (const message of tap) used += message.bodyLength;
    return tap;
  },
  'exchanges, nothing kept': (file) => eachExchange(file, (exchange) => (used += exchange.response?.bodyLength ?? 0)),
  'exchanges whose responses are not captured': async (file) => {
    const tap = capture({ file, filter: 'dst port 8000' });
    for await (const exchange of tap.exchanges()) used += exchange.request?.bodyLength ?? 0;
    return tap;
  },
};

const { values, positionals } = parseArgs({ options: { scenario: { type: 'string' } }, allowPositionals: true });
const { path } = ensureWorkload('api', 1, 1);
if (values.scenario !== undefined) {
  const tap = await scenarios[values.scenario]?.(path);
  const { messagesDelivered, requestsForgotten } = tap?.stats().delivery ?? {};
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify({ messagesDelivered, requestsForgotten, peakMiB, kept: kept.length, used }));
} else {
  for (const name of Object.keys(scenarios)) {
    if (positionals.length > 0 && !positionals.some((part) => name.includes(part))) continue;
    const program = fileURLToPath(import.meta.url);
    const child = spawnSync(process.execPath, ['--import', 'tsx', program, '--scenario', name], { encoding: 'utf8' });
    if (child.status !== 0) throw new Error(`${name}: ${child.stderr}`);
    const { messagesDelivered, requestsForgotten, peakMiB, kept: held } = JSON.parse(child.stdout);
    console.log(
      `${name}: peak ${peakMiB.toFixed(0)} MiB, ${messagesDelivered} messages, ${held} kept, ${requestsForgotten} requests forgotten`,
    );
  }
}
