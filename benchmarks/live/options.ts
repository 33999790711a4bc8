/** What the options of a live capture cost and gain: one varied at a time, the others at their defaults. */
import { parseArgs } from 'node:util';
import type { CaptureOptions } from '../../lib/index.js';
import { buildPrograms } from '../build.js';
import { formatColumns, median } from '../table.js';
import { type Delays, measureDelays } from './delays.js';
import { hasNginxAndWrk, NginxLoad } from './load.js';
import { NodeLoad } from './node-load.js';
import { runRounds } from './round.js';
import { type LiveRow, summarizeLive } from './summary.js';
import { bareTool, builtTap, libraryTool, type Tool } from './tools.js';

const KiB = 1024;
const MiB = 1024 * KiB;

const variants: Record<string, readonly CaptureOptions[]> = {
  bufferBytes: [512 * KiB, 2 * MiB, 16 * MiB, 64 * MiB, 256 * MiB].map((bufferBytes) => ({ bufferBytes })),
  snaplen: [2048, 65_536, 262_144].map((snaplen) => ({ snaplen })),
  pollTimeoutMs: [1, 2, 5, 10, 20, 100].map((pollTimeoutMs) => ({ pollTimeoutMs })),
  immediate: [false, true].map((immediate) => ({ immediate })),
};

const help = `usage: npm run bench -- options [NAME...] [options]; NAME: ${Object.keys(variants).join(', ')} (default: all)

  --rounds N    rounds, in each of which every value has its turn (default: 5)
  --seconds N   seconds of load a turn (default: 3)

Needs nginx and wrk, and the permission to capture.
`;

const { values: flags, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

interface Variant {
  title: string;
  row: LiveRow;
  delays: Delays[];
}

async function main(): Promise<number> {
  if (flags.help) {
    console.log(help);
    return 0;
  }
  if (!hasNginxAndWrk) {
    console.error('nginx and wrk are needed: node scripts/install-peers.mjs');
    return 1;
  }
  let failed = false;
  for (const [name, values] of Object.entries(variants)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const measured = await measure(values);
    console.log(`\n## ${name}\n`);
    console.log(formatColumns(format(measured)));
    if (measured.some(({ row, delays }) => row.failure !== '' || delays.some(({ failure }) => failure !== '')))
      failed = true;
  }
  return failed ? 1 : 0;
}

async function measure(values: readonly CaptureOptions[]): Promise<Variant[]> {
  const programs = buildPrograms();
  const tap = builtTap(programs);
  const [rounds, seconds] = [Number(flags.rounds), Number(flags.seconds)];
  const tools = values.map((options) => libraryTool(tap, 'fields', titleOf(options), options));
  const full = await NginxLoad.start();
  let rows: LiveRow[];
  try {
    const all: Tool[] = [bareTool(programs.live), ...tools];
    rows = summarizeLive(await runRounds(all, full, { rounds, seconds, measureChild: programs.measureChild }));
  } finally {
    await full.close();
  }
  const light = await NodeLoad.start(1, 7);
  try {
    const delays = values.map((): Delays[] => []);
    for (let round = 0; round < rounds; round++)
      for (const [index, options] of values.entries())
        delays[index]?.push(await measureDelays(tap, light, seconds, programs.measureChild, options));
    return rows.slice(1).map((row, index) => ({ title: row.tool.title, row, delays: delays[index] ?? [] }));
  } finally {
    await light.close();
  }
}

function titleOf(options: CaptureOptions): string {
  const [[name = '', value] = []] = Object.entries(options);
  if (name !== 'bufferBytes') return String(value);
  return value >= MiB ? `${value / MiB} MiB` : `${value / KiB} KiB`;
}

function format(measured: readonly Variant[]): string[][] {
  const head = ['', 'missed', 'packets dropped', 'CPU s / 100 k requests', '× bare'];
  const lines = [[...head, 'light: missed', 'p50 ms', 'p99 ms', 'max ms', 'CPU %']];
  for (const { title, row, delays } of measured) {
    const failure = [row.failure, ...delays.map((one) => one.failure)].find((text) => text !== '');
    if (failure !== undefined) {
      lines.push([title, `FAILED: ${failure}`, ...Array.from({ length: 8 }, () => '')]);
      continue;
    }
    const ms = (name: 'p50' | 'p99' | 'max') => median(delays.map((one) => one[name])).toFixed(2);
    lines.push([
      title,
      String((row.missedRequests ?? 0) + (row.missedResponses ?? 0)),
      String(row.kernelDropped),
      row.cpuPer100k.toFixed(3),
      row.relative.toFixed(2),
      String(Math.max(...delays.map(({ missed }) => missed))),
      ...[ms('p50'), ms('p99'), ms('max')],
      ((median(delays.map(({ cpuSeconds }) => cpuSeconds)) / Number(flags.seconds)) * 100).toFixed(1),
    ]);
  }
  return lines;
}

process.exitCode = await main();
