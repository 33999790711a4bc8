/** An interface under a load that saturates the machine: what each tool misses and costs, and what is left for the load. */
import { parseArgs } from 'node:util';
import { buildPrograms } from '../build.js';
import { formatColumns } from '../table.js';
import { hasNginxAndWrk, NginxLoad } from './load.js';
import { runRounds } from './round.js';
import { formatLive, summarizeLive } from './summary.js';
import { isAvailable, liveTools } from './tools.js';

const help = `usage: npm run bench -- live [options]

  --rounds N        rounds, in each of which every tool has its turn (default: 5)
  --seconds N       seconds of load a turn (default: 5)
  --connections N   of the load (default: 64)
  --tools A,B       of bare, batches, fields, json, tcpflow, tcpdump, tshark (default: all but tshark); bare is always there

Needs nginx and wrk, and the permission to capture.
`;

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
    tools: { type: 'string', default: 'bare,batches,fields,json,tcpflow,tcpdump' },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  if (flags.help) {
    console.log(help);
    return 0;
  }
  if (!hasNginxAndWrk) {
    console.error('nginx and wrk are needed: node scripts/install-peers.mjs');
    return 1;
  }
  const programs = buildPrograms();
  const wanted = ['bare', ...flags.tools.split(',')];
  const tools = liveTools(programs).filter(({ id }) => wanted.includes(id));
  for (const tool of tools) if (!isAvailable(tool)) console.error(`${tool.program} is not installed`);
  const load = await NginxLoad.start(Number(flags.connections));
  try {
    const rounds = await runRounds(tools.filter(isAvailable), load, {
      rounds: Number(flags.rounds),
      seconds: Number(flags.seconds),
      measureChild: programs.measureChild,
    });
    const rows = summarizeLive(rounds);
    console.log(
      `\n${load.title}, ${load.connections} connections, ${flags.seconds} s a turn, medians of ${flags.rounds} rounds\n`,
    );
    console.log(formatColumns(formatLive(rows)));
    return rows.some(({ failure }) => failure !== '') ? 1 : 0;
  } finally {
    await load.close();
  }
}

process.exitCode = await main();
