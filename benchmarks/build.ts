/** Builds what is measured in processes of its own, out of the way of the addon's build. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Programs {
  pipeline: string;
  reference: string;
  measureChild: string;
  /** libpcap on an interface, with a callback that does nothing. */
  live: string;
  connections: string;
  /** Undefined where libtins is not installed. */
  libtins: string | undefined;
  /** consume.ts as plain JavaScript, so that what compiles it is not measured with it. */
  consume: string;
  /** live/tap.ts, likewise. */
  tap: string;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const build = here('../.cache/benchmarks-build');

/** Builds what has changed and says where the programs are. Throws when that fails. */
export function buildPrograms(): Programs {
  buildNative();
  run(process.execPath, [here('../node_modules/typescript/bin/tsc'), '-p', here('tsconfig.consume.json')]);
  return programs();
}

/** Only what is written in C++, or of it only these targets. */
export function buildNative(targets: readonly string[] = ['all']): Programs {
  run('cmake', ['-S', here('native'), '-B', build, '-DCMAKE_BUILD_TYPE=Release']);
  run('cmake', ['--build', build, '-j', String(availableParallelism()), '--target', ...targets]);
  return programs();
}

function run(program: string, args: string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

function programs(): Programs {
  const libtins = join(build, 'bench_libtins');
  return {
    pipeline: join(build, 'bench_pipeline'),
    reference: join(build, 'bench_reference'),
    measureChild: join(build, 'measure_child'),
    live: join(build, 'bench_live'),
    connections: join(build, 'bench_connections'),
    libtins: existsSync(libtins) ? libtins : undefined,
    consume: here('../.cache/benchmarks-js/benchmarks/consume.js'),
    tap: here('../.cache/benchmarks-js/benchmarks/live/tap.js'),
  };
}
