/** How fast capture files are read. Every row's counts are checked against the truth of the workload before its speed is printed. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPrograms, type Programs } from './build.js';
import { type Counts, compareCounts, expectedCounts } from './counts.js';
import { defaultPeers, isInstalled, peerNames, peerRow } from './peers.js';
import {
  commandRows,
  hasLibrary,
  type Input,
  libraryRows,
  nativeRows,
  type Row,
  referenceRows,
  selectionRows,
  verifyLibrary,
  verifyNative,
} from './rows.js';
import { formatTable, type Result } from './table.js';
import { targets } from './targets.js';
import { ensureWorkload } from './workloads/cache.js';
import { type Truth, type WorkloadName, workloadNames } from './workloads/truth.js';

const help = `usage: npm run bench -- [files] [options]

  --workload NAME   ${workloadNames.join(', ')}; repeatable (default: api)
  --all             all of them
  --scale N         size of the workloads; 1 is the full one, of 350 to 1150 MB each (default: 1)
  --seed N          another seed gives other messages (default: 1)
  --file FILE       a capture file of your own instead
  --port N          with --file: select this TCP port (default: every one)
  --runs N          runs of each row, in turn (default: 5)
  --rows A,B        only these rows, for example read,pcap-aligned,pipeline,fields
  --peers A,B       of ${peerNames.join(', ')}; none (default: those that are installed, without tshark)
  --json            one line of JSON for each row as well
`;

const { values: flags } = parseArgs({
  options: {
    workload: { type: 'string', multiple: true },
    all: { type: 'boolean', default: false },
    scale: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    file: { type: 'string' },
    port: { type: 'string' },
    runs: { type: 'string', default: '5' },
    rows: { type: 'string' },
    peers: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

interface Subject {
  name: string;
  input: Input;
  truth?: Truth;
}

function* subjects(): Generator<Subject> {
  if (flags.file !== undefined) {
    const port = flags.port === undefined ? undefined : Number(flags.port);
    yield { name: flags.file, input: { path: resolve(flags.file), port } };
    return;
  }
  for (const name of flags.all ? workloadNames : ((flags.workload ?? ['api']) as WorkloadName[])) {
    if (!workloadNames.includes(name))
      throw new Error(`no such workload: ${name} (there are ${workloadNames.join(', ')})`);
    console.error(`${name}: generating, unless it is there already`);
    const { path, truth } = ensureWorkload(name, Number(flags.scale), Number(flags.seed));
    yield { name, input: { path, port: truth.port }, truth };
  }
}

function chooseRows(programs: Programs): Row[] {
  const rows = [...referenceRows(programs), ...nativeRows(programs)];
  if (hasLibrary) rows.push(...libraryRows(programs), ...selectionRows(programs), ...commandRows(programs));
  else console.error('dist/ is not built (npm run build:ts): without the library and the command');
  const wanted = flags.rows?.split(',');
  const chosen = wanted ? rows.filter(({ id }) => wanted.includes(id)) : rows;
  const peers =
    flags.peers === 'none'
      ? []
      : (flags.peers?.split(',') ?? defaultPeers.filter((name) => isInstalled(name, programs)));
  for (const name of peers) {
    const row = peerRow(name, programs);
    if (isInstalled(name, programs)) chosen.push(row);
    else console.error(`${name} is not installed`);
  }
  return chosen;
}

/** Checks what the messages say, then gives the counts that every row has to have. */
async function verify(programs: Programs, { input, truth }: Subject): Promise<{ expected: Counts; failure: string }> {
  const found = await verifyNative(programs, input);
  const expected: Counts = truth ? expectedCounts(truth) : found;
  const failures = [compareCounts(found, expected)];
  // Those that are not complete are in no truth, but everybody has to see as many of them.
  expected.messages ??= found.messages;
  if (hasLibrary) failures.push(compareCounts(await verifyLibrary(programs, input), expected));
  return { expected, failure: failures.filter((failure) => failure !== '').join('; ') };
}

async function measure(rows: readonly Row[], input: Input, expected: Counts): Promise<Result[]> {
  const results = rows.map((row): Result => ({ row, seconds: [], peakKiB: 0, failure: '' }));
  const runs = Number(flags.runs);
  for (let run = 0; run < runs; run++) {
    for (const result of results) {
      const { row } = result;
      if (result.failure !== '' || run >= (row.maxRuns ?? runs)) continue;
      process.stderr.write(`\r\x1b[Krun ${run + 1} of ${runs}: ${row.title}`);
      try {
        const measurement = await row.measure(input);
        result.failure = compareCounts(measurement, expected);
        result.seconds.push(measurement.cpuSeconds);
        result.peakKiB = Math.max(result.peakKiB, measurement.peakKiB);
      } catch (error) {
        result.failure = error instanceof Error ? error.message : String(error);
      }
    }
  }
  process.stderr.write('\r\x1b[K');
  return results;
}

/** Brings the file into the page cache. */
function warmUp(path: string): void {
  const descriptor = openSync(path, 'r');
  const block = Buffer.alloc(1 << 20);
  while (readSync(descriptor, block) > 0);
  closeSync(descriptor);
}

async function main(): Promise<number> {
  if (flags.help) {
    console.log(help);
    return 0;
  }
  const programs = buildPrograms();
  const rows = chooseRows(programs);
  let failed = false;
  for (const subject of subjects()) {
    const { name, input, truth } = subject;
    const { size } = statSync(input.path);
    warmUp(input.path);
    const { expected, failure } = await verify(programs, subject);
    if (failure !== '') {
      console.log(`\n## ${name}\nFAILED: ${failure}`);
      failed = true;
    }
    const messages = (expected.requests ?? 0) + (expected.responses ?? 0);
    const results = await measure(rows, input, expected);
    const about = [`${(size / 1e6).toFixed(0)} MB`, `${expected.packets} packets`, `${messages} complete messages`];
    if (truth) about.push(`${truth.connections} connections`);
    if (truth && truth.missingBytes > 0)
      about.push(`${truth.sent.requests + truth.sent.responses - messages} messages with bytes lost for ever`);
    console.log(`\n## ${name}: ${about.join(', ')}\n`);
    console.log(formatTable(results, size, messages, truth?.scale === 1 ? targets[truth.workload] : []));
    if (flags.json)
      for (const { row, seconds, peakKiB, failure: why } of results)
        console.log(JSON.stringify({ workload: name, row: row.id, seconds, peakKiB, failure: why || undefined }));
    if (results.some((result) => result.failure !== '')) failed = true;
  }
  return failed ? 1 : 0;
}

process.exitCode = await main();
