// @ts-check
// npm run lint: Biome, clang-format and clang-tidy. npm run format: lets the first two write. A tool that is not installed is
// skipped aloud.
import { availableParallelism } from 'node:os';
import { configureTree, treeDir, trees } from './lib/cmake.mjs';
import { filesBelow, hashOf, hasStamp, setStamp } from './lib/stamps.mjs';
import { runMain, StepError, Steps } from './lib/steps.mjs';
import { which } from './lib/system.mjs';
import { localBin, setUp } from './setup.mjs';

const steps = new Steps('lint');
const fix = process.argv.includes('--fix');
let failed = false;

await runMain(async () => {
  await setUp({ tests: true });
  const files = [...filesBelow('native', /\.(cc|h)$/), ...filesBelow('benchmarks', /\.(cc|h)$/)];
  await check('Biome', () =>
    steps.run(process.execPath, [localBin('biome'), 'check', '--error-on-warnings', ...(fix ? ['--write'] : [])]),
  );
  const formatter = find('clang-format');
  if (formatter) {
    const mode = fix ? ['-i'] : ['--dry-run', '-Werror'];
    await check(formatter, () => steps.run(formatter, [...mode, '--style=file', ...files]));
  }
  const tidy = fix ? undefined : find('clang-tidy');
  if (tidy) await check(tidy, () => runTidy(tidy, files));
  if (failed) throw new StepError('Lint failed. npm run format repairs what is a matter of layout.');
});

/** @param {string} title @param {() => Promise<void>} action */
async function check(title, action) {
  try {
    await steps.step(title, action);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    failed = true;
  }
}

/** Version 14 first: others lay some lines out differently. @param {string} tool */
function find(tool) {
  const found = [`${tool}-14`, tool].find((name) => which(name));
  if (!found) steps.note(`SKIPPED ${tool}: not installed (apt-get install ${tool}-14)`);
  return found;
}

/** @param {string} tidy @param {string[]} files */
async function runTidy(tidy, files) {
  const hash = hashOf(['.clang-tidy', 'native/CMakeLists.txt', ...files], [tidy]);
  if (hasStamp('tidy', hash)) return;
  // What runs in users' processes; headers are seen through the sources.
  const queue = files.filter((file) => /^native\/(?!test|fuzz).*\.cc$/.test(file));
  await configureTree(steps, trees.release);
  const database = treeDir(trees.release);
  let bad = false;
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (let file = queue.shift(); file; file = queue.shift())
        if ((await steps.tryRun(tidy, ['--quiet', '-p', database, file])) !== 0) bad = true;
    }),
  );
  if (bad) throw new StepError('clang-tidy found something.');
  setStamp('tidy', hash);
}
