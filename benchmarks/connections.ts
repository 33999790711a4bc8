/** What a packet costs when so many connections are open. */
import { parseArgs } from 'node:util';
import { buildPrograms } from './build.js';
import { measureConnections } from './open-connections.js';
import { formatColumns, median } from './table.js';

const help = `usage: npm run bench -- connections [options]

  --counts A,B      connections that are open at a time (default: 1000,10000,100000,1000000)
  --exchanges N     exchanges, each of a connection picked at random (default: 1000000)
  --runs N          runs of each, in turn (default: 5)
`;

const { values: flags } = parseArgs({
  options: {
    counts: { type: 'string', default: '1000,10000,100000,1000000' },
    exchanges: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '5' },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  if (flags.help) {
    console.log(help);
    return 0;
  }
  const program = buildPrograms().connections;
  const results = new Map(flags.counts.split(',').map((count) => [Number(count), [] as Measured[]]));
  for (let run = 0; run < Number(flags.runs); run++)
    for (const [count, runs] of results) runs.push(await measureConnections(program, count, Number(flags.exchanges)));
  const lines = [['open connections', 'ns a packet', 'of handshakes', 'bytes a connection']];
  for (const [count, runs] of results) {
    const of = (name: keyof Measured) => median(runs.map((run) => run[name])).toFixed(0);
    lines.push([count.toLocaleString('en'), of('exchangeNs'), of('openNs'), of('bytesPerConnection')]);
  }
  console.log(
    `\n${Number(flags.exchanges).toLocaleString('en')} exchanges of three packets, medians of ${flags.runs} runs\n`,
  );
  console.log(formatColumns(lines));
  return 0;
}

type Measured = Awaited<ReturnType<typeof measureConnections>>;

process.exitCode = await main();
