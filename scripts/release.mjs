// @ts-check
// npm run release: looks whether this version can be published, packs it, and says how. It publishes nothing.
// npm run release -- --publish [--tag vVERSION]: publishes, with all binaries and with provenance, which only CI can give.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { binaries, whatIsWrong } from './lib/release.mjs';
import { root, runMain, StepError, Steps } from './lib/steps.mjs';
import { prebuild } from './prebuild.mjs';
import { setUp } from './setup.mjs';

await runMain(async () => {
  const { values } = parseArgs({ options: { publish: { type: 'boolean' }, tag: { type: 'string' } } });
  const { publish = false, tag } = values;
  const manifest = JSON.parse(read('package.json'));
  const wrong = whatIsWrong({
    manifest,
    changelog: read('CHANGELOG.md'),
    changes: spawnSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' }).stdout,
    ...(tag === undefined ? {} : { tag }),
    ...(publish ? { present: binaries.filter((file) => existsSync(join(root, 'prebuilds', file))) } : {}),
  });
  if (wrong.length > 0) throw new StepError(wrong.join('\n'));

  const steps = new Steps('release');
  // What is published was made on machines of all platforms.
  await (publish ? setUp({ addon: false }) : prebuild());
  const tests = ['package-contents', 'package-types'].map((name) => `test/${name}.test.ts`);
  await steps.step('testing the package', () => steps.run(process.execPath, ['--import', 'tsx', '--test', ...tests]));
  const args = ['publish', '--ignore-scripts', '--access', 'public'];
  if (publish) return steps.step(`npm publish ${manifest.version}`, () => steps.run('npm', [...args, '--provenance']));
  await steps.step('npm pack', () => steps.run('npm', ['pack', '--dry-run', '--ignore-scripts']));
  console.log(`${manifest.version} can be published: push the tag v${manifest.version}, and CI runs
  npm run release -- --publish --tag v${manifest.version}
which ends in
  npm ${args.join(' ')} --provenance`);
});

/** @param {string} file */
function read(file) {
  return readFileSync(join(root, file), 'utf8');
}
