// @ts-check
// Builds the addon in an installed package, for a system that no binary of the package fits: node node_modules/flowtap/scripts/build-addon.mjs
// It is no install script, so that installing runs nothing; the error of loading names it.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compilerEnv, findNodeDir, forAddon, obstacleTo, which } from './lib/system.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const { env, execPath } = process;

process.exitCode = build();

/** @returns {number} exit code */
function build() {
  const nodeGyp = findNodeGyp();
  const obstacle = obstacleTo(forAddon);
  if (!nodeGyp || obstacle) {
    console.error(obstacle ?? 'flowtap needs node-gyp. Install with: npm install --global node-gyp');
    return 1;
  }
  const nodeDir = findNodeDir();
  const args = [nodeGyp, 'rebuild', '--release', '--jobs=max', ...(nodeDir ? [`--nodedir=${nodeDir}`] : [])];
  // binding.gyp asks for `node`, which may be one that has no name in PATH.
  const path = [dirname(execPath), env.PATH].filter(Boolean).join(delimiter);
  const { status } = spawnSync(execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...env, ...compilerEnv(), PATH: path },
  });
  return status ?? 1;
}

/** The project's own, npm's, the one in PATH, the one beside npm that came with Node. */
function findNodeGyp() {
  const inPackage = 'node-gyp/bin/node-gyp.js';
  const npm = join(dirname(dirname(execPath)), 'lib/node_modules/npm/node_modules');
  const candidates = [resolve(inPackage), env.npm_config_node_gyp, which('node-gyp'), join(npm, inPackage)];
  return candidates.find((file) => file !== undefined && existsSync(file));
}

/** @param {string} file of a package */
function resolve(file) {
  try {
    return require.resolve(file);
  } catch {
    return undefined;
  }
}
