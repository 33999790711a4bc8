/** How late messages come when traffic is light, and what an idle capture costs. */
import { parseArgs } from 'node:util';
import { buildPrograms } from '../build.js';
import { formatColumns, median } from '../table.js';
import { type Delays, measureDelays, measureIdle } from './delays.js';
import { NodeLoad } from './node-load.js';
import { builtTap } from './tools.js';

const help = `usage: npm run bench -- latency [options]

  --runs N       captures, each with a first message (default: 5)
  --seconds N    seconds of traffic of each (default: 5)
  --every N      milliseconds from one request to the next (default: 7)
  --idle N       seconds for which nothing comes (default: 10)
`;

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    every: { type: 'string', default: '7' },
    idle: { type: 'string', default: '10' },
    help: { type: 'boolean', default: false },
  },
});

const targetMs = 10;
const targetIdleShare = 0.001;

async function main(): Promise<number> {
  if (flags.help) {
    console.log(help);
    return 0;
  }
  const programs = buildPrograms();
  const tap = builtTap(programs);
  const load = await NodeLoad.start(1, Number(flags.every));
  try {
    const runs: Delays[] = [];
    for (let run = 0; run < Number(flags.runs); run++)
      runs.push(await measureDelays(tap, load, Number(flags.seconds), programs.measureChild));
    const failures = runs.map(({ failure }) => failure).filter((failure) => failure !== '');
    console.log(`\nA request every ${flags.every} ms for ${flags.seconds} s, ${flags.runs} captures, milliseconds\n`);
    if (failures.length > 0) console.log(`FAILED: ${failures.join('; ')}`);
    else console.log(formatColumns(formatDelays(runs)));
    const share = await measureIdle(tap, load.port, Number(flags.idle));
    const verdict = share < targetIdleShare ? 'met' : 'missed';
    console.log(
      `\nIdle for ${flags.idle} s: ${(share * 100).toFixed(3)} % of a processor (target < 0.1 %: ${verdict})`,
    );
    return failures.length > 0 ? 1 : 0;
  } finally {
    await load.close();
  }
}

function formatDelays(runs: readonly Delays[]): string[][] {
  const columns = ['first', 'p50', 'p90', 'p99', 'max'] as const;
  const ms = (value: number) => value.toFixed(2);
  const greatest = columns.map((name) => Math.max(...runs.map((run) => run[name])));
  return [
    ['', ...columns, `first ≤ ${targetMs} ms`],
    ['median of the captures', ...columns.map((name) => ms(median(runs.map((run) => run[name])))), ''],
    ['greatest', ...greatest.map(ms), (greatest[0] as number) <= targetMs ? 'met' : 'missed'],
  ];
}

process.exitCode = await main();
