/** Keeps generated captures, gigabytes of them, outside of the repository's history. */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Truth, WorkloadName } from './truth.js';
import { generateWorkload, generatorVersion } from './workloads.js';

/** `FLOWTAP_BENCH_CACHE`, or `.cache/benchmarks` at the top of the repository. */
export const cacheFolder =
  process.env.FLOWTAP_BENCH_CACHE ?? fileURLToPath(new URL('../../.cache/benchmarks', import.meta.url));

export interface Workload {
  path: string;
  truth: Truth;
}

/** The capture of a workload and the truth beside it, generated when they are not there yet. */
export function ensureWorkload(name: WorkloadName, scale = 1, seed = 1, folder = cacheFolder): Workload {
  const base = join(folder, `${name}-scale${scale}-seed${seed}-v${generatorVersion}`);
  const path = `${base}.pcap`;
  const truthPath = `${base}.json`;
  if (existsSync(path) && existsSync(truthPath)) {
    const truth: Truth = JSON.parse(readFileSync(truthPath, 'utf8'));
    if (statSync(path).size === truth.file.bytes) return { path, truth };
  }
  mkdirSync(folder, { recursive: true });
  const unfinished = `${base}.${process.pid}.tmp`;
  const truth = generateWorkload(name, unfinished, scale, seed);
  writeFileSync(truthPath, `${JSON.stringify(truth, undefined, 2)}\n`);
  renameSync(unfinished, path);
  return { path, truth };
}
