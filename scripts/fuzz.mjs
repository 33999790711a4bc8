// @ts-check
// npm run fuzz [-- --runs N | --seconds N] [STAGE...]: fuzzes each stage under ASan and UBSan, 100,000 runs by default. A finding stays in
// build-native/fuzz-findings/; it belongs into native/fuzz/seeds/STAGE/ once it is repaired. The other seeds are made from the traffic
// that the tests generate, and from ../shared/corpus when it is there.
import { existsSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildTree, findClang, treeDir, trees } from './lib/cmake.mjs';
import { filesBelow } from './lib/stamps.mjs';
import { root, runMain, StepError, Steps } from './lib/steps.mjs';
import { setUp } from './setup.mjs';

await runMain(async () => {
  const { values, positionals } = parseArgs({
    options: { runs: { type: 'string', default: '100000' }, seconds: { type: 'string' } },
    allowPositionals: true,
  });
  const all = filesBelow('native/fuzz', /_fuzz\.cc$/).map((file) => basename(file, '_fuzz.cc'));
  const unknown = positionals.find((name) => !all.includes(name));
  if (unknown) throw new StepError(`There is no fuzz target ${unknown}; there are ${all.join(', ')}.`);
  if (all.length === 0) throw new StepError('There are no fuzz targets in native/fuzz/.');
  if (!findClang()) throw new StepError('Fuzzing needs clang. Install with: sudo apt-get install clang');
  await setUp({ tests: true });
  const steps = new Steps('fuzz');
  await steps.step('building fuzz targets', () => buildTree(steps, trees.fuzz));
  const made = join(root, 'build-native/fuzz-seeds');
  await steps.step('making seeds', () =>
    steps.run(process.execPath, ['--import', 'tsx', join(root, 'scripts/fuzz-seeds.ts'), made]),
  );
  const findings = join(root, 'build-native/fuzz-findings/');
  mkdirSync(findings, { recursive: true });
  const limit = values.seconds ? `-max_total_time=${values.seconds}` : `-runs=${values.runs}`;
  for (const name of positionals.length > 0 ? positionals : all) {
    const corpus = join(root, 'build-native/fuzz-corpus', name);
    mkdirSync(corpus, { recursive: true });
    const seeds = [join(root, 'native/fuzz/seeds', name), join(made, name)].filter((folder) => existsSync(folder));
    const args = [
      limit,
      '-timeout=25',
      '-rss_limit_mb=2048',
      '-print_final_stats=1',
      `-artifact_prefix=${findings}${name}-`,
    ];
    await steps.step(`fuzzing ${name} (${limit.slice(1)})`, () =>
      steps.run(join(treeDir(trees.fuzz), `fuzz_${name}`), [...args, corpus, ...seeds]),
    );
  }
});
