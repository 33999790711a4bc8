/**
 * What several workers over one file gain, and what they cost: wall-clock and CPU time of the api workload. Each in a process of its own, the
 * numbers of workers in turn; the least of the runs, because all cores are needed and whatever else runs is in the way.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { capture } from '../lib/index.js';
import { selection } from './selection.js';
import { formatColumns } from './table.js';
import { ensureWorkload } from './workloads/cache.js';

interface Cost {
  messages: number;
  wallMs: number;
  cpuMs: number;
}

let used = 0;

const scenarios: Record<string, (file: string, workers: number) => Promise<number>> = {
  async 'messages: kind, method, url, status'(file, workers) {
    let messages = 0;
    for await (const message of capture({ file, workers })) {
      messages++;
      used += message.kind === 'request' ? message.method.length + (message.url?.length ?? 0) : message.status;
    }
    return messages;
  },
  async 'batches() untouched'(file, workers) {
    let messages = 0;
    for await (const batch of capture({ file, workers }).batches()) messages += batch.length;
    return messages;
  },
  async 'match, one message in a hundred'(file, workers) {
    let messages = 0;
    for await (const message of capture({ file, workers, match: selection })) if (message.id > 0) messages++;
    return messages;
  },
};

const help = `usage: npm run bench -- workers [options]

  --workers A,B   numbers of workers (default: 1,2)
  --runs N        runs of each, in turn (default: 5)
  --scale N       size of the workload, as with files (default: 1)
  --rows TEXT     only those with this in their title
`;

const { values: flags } = parseArgs({
  options: {
    workers: { type: 'string', default: '1,2' },
    runs: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    rows: { type: 'string', default: '' },
    /** In a child: what it measures. */
    scenario: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

async function measure(name: string, workers: number): Promise<Cost> {
  const { path } = ensureWorkload('api', Number(flags.scale), 1);
  const began = performance.now();
  const before = process.cpuUsage();
  const messages = (await scenarios[name]?.(path, workers)) ?? 0;
  const { user, system } = process.cpuUsage(before);
  return { messages, wallMs: performance.now() - began, cpuMs: (user + system) / 1000 };
}

function inChild(name: string, workers: number): Cost {
  const args = ['--import', 'tsx', fileURLToPath(import.meta.url), '--scenario', name, '--workers', String(workers)];
  const child = spawnSync(process.execPath, [...args, '--scale', flags.scale], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`${name}: ${child.stderr}`);
  return JSON.parse(child.stdout);
}

function* measureAll(name: string): Generator<string[]> {
  const counts = flags.workers.split(',').map(Number);
  const costs = new Map(counts.map((workers) => [workers, [] as Cost[]]));
  for (let run = 0; run < Number(flags.runs); run++)
    for (const [workers, list] of costs) list.push(inChild(name, workers));
  const numbers = new Set([...costs.values()].flat().map(({ messages }) => messages));
  if (numbers.size !== 1) throw new Error(`${name}: the numbers of messages differ: ${[...numbers]}`);
  for (const [workers, list] of costs) {
    const wallMs = Math.min(...list.map((cost) => cost.wallMs));
    const cpuMs = Math.min(...list.map((cost) => cost.cpuMs));
    yield [name, String(workers), wallMs.toFixed(0), cpuMs.toFixed(0)];
  }
}

async function main(): Promise<void> {
  if (flags.help) {
    console.log(help);
  } else if (flags.scenario !== undefined) {
    console.log(JSON.stringify({ ...(await measure(flags.scenario, Number(flags.workers))), used }));
  } else {
    ensureWorkload('api', Number(flags.scale), 1);
    const names = Object.keys(scenarios).filter((name) => name.includes(flags.rows));
    const lines = names.flatMap((name) => [...measureAll(name)]);
    console.log(`\napi from a file, least of ${flags.runs} runs\n`);
    console.log(formatColumns([['', 'workers', 'wall-clock ms', 'CPU ms'], ...lines]));
  }
}

await main();
