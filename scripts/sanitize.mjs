// @ts-check
// npm run sanitize [-- thread|address] [NAME...]: the whole addon under ThreadSanitizer, then under AddressSanitizer, in stock Node:
// runs tests of test/ with a sanitized addon in place of the usual one. Default: those of captures that start no other Node.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildTree, treeDir, trees } from './lib/cmake.mjs';
import { findSanitizer } from './lib/sanitizers.mjs';
import { filesBelow } from './lib/stamps.mjs';
import { root, runMain, StepError, Steps } from './lib/steps.mjs';
import { setUp } from './setup.mjs';

const usual = ['file', 'stream', 'live', 'reliability-accounting', 'reliability-conflict', 'reliability-hostile'];

await runMain(async () => {
  const names = process.argv.slice(2);
  const kinds = /** @type {('thread' | 'address')[]} */ (['thread', 'address']).filter(
    (kind) => names.includes(kind) || !names.some((name) => name === 'thread' || name === 'address'),
  );
  const wanted = names.filter((name) => name !== 'thread' && name !== 'address');
  await setUp({ tests: true });
  const steps = new Steps('sanitize');
  for (const kind of kinds) {
    const library = findSanitizer(kind);
    if (!library)
      throw new StepError(
        `The compiler has no shared library of the ${kind} sanitizer. Install gcc with libsanitizer.`,
      );
    await steps.step(`building the addon (${kind})`, () => buildTree(steps, trees[kind], 'flowtap'));
    const built = join(treeDir(trees[kind]), trees[kind].config, 'flowtap.node');
    if (!existsSync(built)) throw new StepError(`There is no ${built}.`);
    // node-gyp-build looks into this folder when FLOWTAP_PREBUILD names it.
    const folder = join(root, 'build-native', `addon-${kind}`);
    mkdirSync(join(folder, 'build/Release'), { recursive: true });
    copyFileSync(built, join(folder, 'build/Release/flowtap.node'));
    const files = filesBelow('test', /\.test\.ts$/).filter((file) =>
      wanted.length > 0 ? wanted.some((name) => file.includes(name)) : usual.includes(basename(file, '.test.ts')),
    );
    for (const file of files) await steps.step(`${file} (${kind})`, () => runFile(steps, file, library, folder));
  }
});

/**
 * @param {Steps} steps
 * @param {string} file
 * @param {string} library
 * @param {string} folder
 */
function runFile(steps, file, library, folder) {
  // In one process: what the tests start besides, such as curl, must not be preloaded with a sanitizer.
  const alone = 'data:text/javascript,delete process.env.LD_PRELOAD';
  return steps.run(process.execPath, ['--import', alone, '--import', 'tsx', file], {
    env: {
      FLOWTAP_PREBUILD: folder,
      LD_PRELOAD: library,
      // Node and what it brings along are not instrumented: what they allocate and never free is not ours.
      ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1',
      UBSAN_OPTIONS: 'print_stacktrace=1',
      TSAN_OPTIONS: 'halt_on_error=1:exitcode=66:ignore_noninstrumented_modules=1:report_signal_unsafe=0',
    },
  });
}
