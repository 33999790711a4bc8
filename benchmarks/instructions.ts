/**
 * Instructions that the native pipeline spends on a message, counted by callgrind: the same on a busy machine and an idle one. Compared
 * with what is recorded in instructions.json; more than 10 % above it and the exit code is 1.
 *
 *   node --import tsx benchmarks/instructions.ts [--record]
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildPrograms } from './build.js';
import { ensureWorkload } from './workloads/cache.js';
import { type WorkloadName, workloadNames } from './workloads/truth.js';

/** Start-up included, which is some percent of so few messages. */
const scale = 0.02;
const allowed = 1.1;
const recordPath = new URL('instructions.json', import.meta.url);

/** By architecture and workload. */
type Recorded = Record<string, Partial<Record<WorkloadName, number>>>;

function instructionsPerMessage(pipeline: string, workload: WorkloadName): number {
  const { path, truth } = ensureWorkload(workload, scale);
  const args = ['--tool=callgrind', '--callgrind-out-file=/dev/null', pipeline, path, '--stage', 'pipeline'];
  const { status, stdout, stderr } = spawnSync('valgrind', args, { encoding: 'utf8' });
  const collected = /Collected : (\d+)/.exec(stderr)?.[1];
  if (status !== 0 || collected === undefined) throw new Error(`valgrind ended with ${status}: ${stderr}`);
  const { messages } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  const expected = truth.complete.requests + truth.complete.responses;
  if (messages !== expected) throw new Error(`${workload}: ${messages} messages instead of ${expected}`);
  return Math.round(Number(collected) / messages);
}

const { values } = parseArgs({ options: { record: { type: 'boolean', default: false } } });
if (spawnSync('valgrind', ['--version']).status !== 0) {
  console.log('SKIP: valgrind is not installed');
} else {
  const { pipeline } = buildPrograms();
  const all: Recorded = JSON.parse(readFileSync(recordPath, 'utf8'));
  all[process.arch] ??= {};
  const recorded = all[process.arch] as Partial<Record<WorkloadName, number>>;
  for (const workload of workloadNames.filter((name) => name !== 'noise' && name !== 'hostile')) {
    const measured = instructionsPerMessage(pipeline, workload);
    const before = recorded[workload];
    if (values.record) recorded[workload] = measured;
    const change = before === undefined ? 'not recorded' : `${((measured / before - 1) * 100).toFixed(1)} %`;
    console.log(`${workload}: ${measured} instructions a message (${before ?? '-'} recorded, ${change})`);
    if (before !== undefined && measured > before * allowed && !values.record) process.exitCode = 1;
  }
  if (values.record) writeFileSync(recordPath, `${JSON.stringify(all, undefined, 2)}\n`);
}
