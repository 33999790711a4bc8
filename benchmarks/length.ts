/** Whether speed falls and memory grows with the length of a capture: api, and the same eight times as long. */
import { parseArgs } from 'node:util';
import { buildPrograms } from './build.js';
import { compareCounts, expectedCounts } from './counts.js';
import { libraryRows, nativeRows } from './rows.js';
import { formatColumns, median, rate, short } from './table.js';
import { ensureWorkload } from './workloads/cache.js';

const help = `usage: npm run bench -- length [options]

  --scale N     size of the shorter capture, as with files (default: 1)
  --times N     how much longer the other one is (default: 8)
  --runs N      runs of each row, in turn (default: 3)
  --rows A,B    of those of files (default: pipeline,fields)
`;

const { values: flags } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    times: { type: 'string', default: '8' },
    runs: { type: 'string', default: '3' },
    rows: { type: 'string', default: 'pipeline,fields' },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  if (flags.help) {
    console.log(help);
    return 0;
  }
  const programs = buildPrograms();
  const wanted = flags.rows.split(',');
  const rows = [...nativeRows(programs), ...libraryRows(programs)].filter(({ id }) => wanted.includes(id));
  const scales = [Number(flags.scale), Number(flags.scale) * Number(flags.times)];
  const workloads = scales.map((scale) => ensureWorkload('api', scale));
  const lines = [['', 'MB', 'CPU s', 'MB/s', 'messages/s', 'peak MiB']];
  let failed = false;
  for (const row of rows) {
    const results = workloads.map(() => ({ seconds: [] as number[], peakKiB: 0, failure: '' }));
    for (let run = 0; run < Number(flags.runs); run++) {
      for (const [index, { path, truth }] of workloads.entries()) {
        const result = results[index] as (typeof results)[number];
        const measured = await row.measure({ path, port: truth.port });
        result.failure ||= compareCounts(measured, expectedCounts(truth));
        result.seconds.push(measured.cpuSeconds);
        result.peakKiB = Math.max(result.peakKiB, measured.peakKiB);
      }
    }
    for (const [index, { truth }] of workloads.entries()) {
      const { seconds, peakKiB, failure } = results[index] as (typeof results)[number];
      if (failure !== '') failed = true;
      const time = median(seconds);
      const megabytes = truth.file.bytes / 1e6;
      const messages = truth.complete.requests + truth.complete.responses;
      const figures = [time.toFixed(3), short(megabytes / time), rate(messages / time), short(peakKiB / 1024)];
      lines.push([row.title, megabytes.toFixed(0), ...(failure === '' ? figures : [`FAILED: ${failure}`, '', '', ''])]);
    }
  }
  console.log(`\n${formatColumns(lines)}`);
  return failed ? 1 : 0;
}

process.exitCode = await main();
