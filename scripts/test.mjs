// @ts-check
// npm test: sets up what is missing, then the type check, the native tests under sanitizers, and the tests in test/.
// npm test -- NAME...: only the files in test/ whose path contains one of the names.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildTree, treeDir, trees } from './lib/cmake.mjs';
import { filesBelow } from './lib/stamps.mjs';
import { root, runMain, StepError, Steps } from './lib/steps.mjs';
import { prebuild } from './prebuild.mjs';
import { localBin, setUp } from './setup.mjs';

const sanitizerEnv = {
  ASAN_OPTIONS: 'detect_stack_use_after_return=1:strict_string_checks=1',
  UBSAN_OPTIONS: 'print_stacktrace=1',
  TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1',
};

/** They take the binary that is published. */
const packageTests = /^test\/(package|prebuild|runtimes)/;

/** @type {{ title: string, result: 'passed' | 'FAILED' | 'SKIPPED', seconds: number }[]} */
const results = [];

await runMain(async () => {
  const names = process.argv.slice(2);
  await setUp({ tests: true });
  if (names.length === 0) {
    const steps = new Steps('test');
    await attempt('type check', () => steps.step('type check', () => typeCheck(steps)));
    await attempt('native tests under ASan and UBSan', () => testNative(steps, trees.address, 'ASan and UBSan'));
    if (readdirSync(join(root, 'native/test')).some((file) => /^session_.*\.cc$/.test(file)))
      await attempt('session tests under TSan', () => testNative(steps, trees.thread, 'TSan', 'session'));
  }
  const files = filesBelow('test', /\.test\.ts$/).filter(
    (file) => names.length === 0 || names.some((name) => file.includes(name)),
  );
  if (files.some((file) => packageTests.test(file))) await attempt('prebuilt binary', prebuild);
  await attempt('test/', () => runNodeTests(files));
  summarize();
});

/** @param {string} title @param {() => Promise<void>} action */
async function attempt(title, action) {
  const started = performance.now();
  /** @type {'passed' | 'FAILED'} */
  let result = 'passed';
  try {
    await action();
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    process.stderr.write(`  ${error.message}\n`);
    result = 'FAILED';
  }
  results.push({ title, result, seconds: (performance.now() - started) / 1000 });
}

/** @param {Steps} steps */
function typeCheck(steps) {
  return steps.run(process.execPath, [localBin('tsc'), '--noEmit', '-p', 'tsconfig.json']);
}

/**
 * @param {Steps} steps
 * @param {import('./lib/cmake.mjs').Tree} tree
 * @param {string} sanitizers
 * @param {string} [stage] only its tests
 */
async function testNative(steps, tree, sanitizers, stage) {
  const target = stage ? `test_${stage}` : undefined;
  await steps.step(`building native tests (${sanitizers})`, () => buildTree(steps, tree, target));
  const tests = filesBelow('native/test', /_.*\.cc$/).map(
    (file) => /** @type {string} */ (/(\w+?)_/.exec(file.slice(12))?.[1]),
  );
  let failed = 0;
  for (const name of stage ? [stage] : new Set(tests)) {
    const program = join(treeDir(tree), `test_${name}`);
    if (!existsSync(program)) throw new StepError(`native/test/${name}_*.cc belong to no stage.`);
    try {
      await steps.step(`test_${name} (${sanitizers})`, () => steps.run(program, [], { env: sanitizerEnv }));
    } catch {
      failed++;
    }
  }
  if (failed > 0) throw new StepError(`${failed} native test program${failed > 1 ? 's' : ''} failed.`);
}

/** @param {string[]} files */
async function runNodeTests(files) {
  if (files.length === 0) throw new StepError('No such file in test/.');
  const args = ['--import', 'tsx', '--test', '--test-reporter=spec', '--test-timeout=300000', ...files];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
  if (code !== 0) throw new StepError(`node --test ended with ${code}.`);
}

function summarize() {
  console.log('');
  for (const { title, result, seconds } of results) console.log(`${result}  ${title} (${seconds.toFixed(1)} s)`);
  if (results.some(({ result }) => result === 'FAILED')) {
    console.log('npm test FAILED');
    process.exitCode = 1;
  } else {
    console.log('npm test passed');
  }
}
