// @ts-check
// Sets up a checkout: system packages, npm packages, the addon, the JavaScript in dist/. Does only what is not there yet, and
// plain Node runs it before anything is installed.
//
//   node scripts/setup.mjs [--tests] [--force [addon|dist]]
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installPackages } from './lib/install-packages.mjs';
import { withLock } from './lib/lock.mjs';
import { clearStamp, filesBelow, hashOf, hasStamp, setStamp } from './lib/stamps.mjs';
import { root, runMain, StepError, Steps } from './lib/steps.mjs';
import { compilerEnv, findMissing, findNodeDir, forAddon, planInstall } from './lib/system.mjs';

/** @typedef {import('./lib/system.mjs').Need} Need */

/** @type {Need[]} */
const forBuild = [...forAddon, 'nodeHeaders'];
/** @type {Need[]} */
const forTests = ['cmake', 'doctest', 'curl'];

/** node_modules/.bin/NAME, for Node to run. @param {string} name */
export function localBin(name) {
  return join(root, 'node_modules/.bin', name);
}

/**
 * Sets up what is missing; quick when nothing is.
 * @param {{ tests?: boolean, addon?: boolean, rebuild?: string[] }} [options] `tests`: also what the native tests need;
 *   `addon`: false leaves it out; `rebuild`: what to make again though it is there
 */
export async function setUp({ tests = false, addon = true, rebuild = [] } = {}) {
  checkNode();
  for (const name of rebuild) clearStamp(name);
  if (isSetUp(tests, addon)) return;
  await withLock(async () => {
    const steps = new Steps('setup');
    const buildsAddon = addon && (!hasDependencies() || !hasAddon());
    await installPackages(steps, [...(buildsAddon || tests ? forBuild : []), ...(tests ? forTests : [])]);
    if (!hasDependencies())
      await steps.step('npm ci', () =>
        steps.run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=warn']),
      );
    if (addon && !hasAddon()) await buildAddon(steps);
    if (!hasDist()) await buildDist(steps);
  });
}

/** @param {boolean} tests @param {boolean} addon */
function isSetUp(tests, addon) {
  return (
    hasDependencies() &&
    (!addon || hasAddon()) &&
    hasDist() &&
    (!tests || findMissing([...forBuild, ...forTests]).length === 0)
  );
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    throw new StepError(
      `flowtap needs Node.js 20.19 or newer; this is ${process.versions.node} (${process.execPath}).`,
    );
  if (process.platform !== 'linux' && process.platform !== 'darwin')
    throw new StepError(`flowtap runs on Linux and macOS; this is ${process.platform}.`);
}

/** Whether node_modules holds what package-lock.json says, whoever put it there. */
function hasDependencies() {
  const wanted = readLock('package-lock.json');
  const present = readLock('node_modules/.package-lock.json');
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '' || present[path]?.version === version) return true;
    return optional === true && present[path] === undefined;
  });
}

/**
 * @param {string} file
 * @returns {Record<string, { version: string, optional?: boolean }> | undefined}
 */
function readLock(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

const addonFile = 'build/Release/flowtap.node';

export function addonHash() {
  const sources = filesBelow('native', /\.(cc|h)$/).filter((file) => !/^native\/(test|fuzz)\//.test(file));
  const api = 'node_modules/node-addon-api/package.json';
  return hashOf(
    ['binding.gyp', 'native/addon/exports.map', 'scripts/native-sources.mjs', api, ...sources],
    [process.platform, process.arch],
  );
}

function hasAddon() {
  return existsSync(join(root, addonFile)) && hasStamp('addon', addonHash());
}

/** @param {Steps} steps */
async function buildAddon(steps) {
  const hash = addonHash();
  const nodeDir = findNodeDir();
  if (!nodeDir) throw new StepError(planInstall(['nodeHeaders']).sentence);
  await steps.step('building the addon', () =>
    steps.run(
      process.execPath,
      [localBin('node-gyp'), 'configure', 'build', '--release', '--jobs=max', `--nodedir=${nodeDir}`],
      { env: compilerEnv() },
    ),
  );
  if (!existsSync(join(root, addonFile)))
    throw new StepError(`node-gyp said it was done, but ${addonFile} is not there.`);
  setStamp('addon', hash);
}

const bundler = 'scripts/bundle-command.mjs';

function distHash() {
  const tools = ['node_modules/typescript/package.json', 'node_modules/esbuild/package.json', bundler];
  return hashOf(['tsconfig.json', 'tsconfig.build.json', ...tools, ...filesBelow('lib', /\.ts$/)]);
}

function hasDist() {
  return existsSync(join(root, 'dist')) && hasStamp('dist', distHash());
}

/** @param {Steps} steps */
async function buildDist(steps) {
  const hash = distHash();
  await steps.step('compiling TypeScript', () =>
    steps.run(process.execPath, [localBin('tsc'), '-p', 'tsconfig.build.json']),
  );
  // What was deleted or renamed in lib/ must not live on in dist/.
  for (const file of filesBelow('dist', /\.(js|d\.ts|js\.map)$/)) {
    const source = file.replace(/^dist\//, 'lib/').replace(/\.(d\.ts|js|js\.map)$/, '.ts');
    if (!existsSync(join(root, source))) rmSync(join(root, file));
  }
  await steps.step('bundling the command', () => steps.run(process.execPath, [bundler]));
  setStamp('dist', hash);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await runMain(async () => {
    const { values, positionals } = parseArgs({
      options: { tests: { type: 'boolean' }, force: { type: 'boolean' } },
      allowPositionals: true,
    });
    const parts = positionals.length > 0 ? positionals : ['addon', 'dist'];
    await setUp({ tests: values.tests === true, rebuild: values.force ? parts : [] });
  });
