/** Builds what is measured in processes of its own, out of the way of the addon's build. */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Programs {
  pipeline: string;
  reference: string;
  measureChild: string;
  /** consume.ts as plain JavaScript, so that what compiles it is not measured with it. */
  consume: string;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const build = here('../.cache/benchmarks-build');

/** Builds what has changed and says where the programs are. Throws when that fails. */
export function buildPrograms(): Programs {
  const options = { stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'] };
  execFileSync('cmake', ['-S', here('native'), '-B', build, '-DCMAKE_BUILD_TYPE=Release'], options);
  execFileSync('cmake', ['--build', build, '-j', String(availableParallelism())], options);
  const compiler = here('../node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', here('tsconfig.consume.json')], options);
  return {
    pipeline: join(build, 'bench_pipeline'),
    reference: join(build, 'bench_reference'),
    measureChild: join(build, 'measure_child'),
    consume: here('../.cache/benchmarks-js/benchmarks/consume.js'),
  };
}
