/** Generates workloads: `node --import tsx benchmarks/workloads/generate.ts [--scale N] [--seed N] [NAME...]`. */
import { parseArgs } from 'node:util';
import { ensureWorkload } from './cache.js';
import { type WorkloadName, workloadNames } from './truth.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { scale: { type: 'string', default: '1' }, seed: { type: 'string', default: '1' } },
});
for (const name of positionals.length > 0 ? positionals : workloadNames) {
  if (!workloadNames.includes(name as WorkloadName)) throw new Error(`no such workload: ${name}`);
  const start = performance.now();
  const { path, truth } = ensureWorkload(name as WorkloadName, Number(values.scale), Number(values.seed));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const { bytes, packets } = truth.file;
  console.log(
    `${path}: ${(bytes / 1e6).toFixed(0)} MB, ${packets} packets, ${truth.connections} connections, ${seconds} s`,
  );
}
