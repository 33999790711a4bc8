// @ts-check
// Builds targets of native/CMakeLists.txt through cmake-js, each configuration in its own tree under build-native/.
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { clearStamp, hashOf, hasStamp, setStamp } from './stamps.mjs';
import { root } from './steps.mjs';
import { compilerEnv, which } from './system.mjs';

/**
 * A configuration of the developer build.
 * @typedef {object} Tree
 * @property {string} name of its folder in build-native/
 * @property {'Release' | 'RelWithDebInfo'} config
 * @property {Record<string, string>} [cache] CMake variables
 * @property {boolean} [clang] needs clang++ (fuzzers)
 */

/** @type {Record<'address' | 'thread' | 'fuzz' | 'release', Tree>} */
export const trees = {
  address: { name: 'address', config: 'RelWithDebInfo', cache: { FLOWTAP_SANITIZE: 'address' } },
  thread: { name: 'thread', config: 'RelWithDebInfo', cache: { FLOWTAP_SANITIZE: 'thread' } },
  fuzz: {
    name: 'fuzz',
    config: 'RelWithDebInfo',
    cache: { FLOWTAP_SANITIZE: 'address', FLOWTAP_FUZZ: 'ON' },
    clang: true,
  },
  release: { name: 'release', config: 'Release' },
};

/** @param {Tree} tree */
export function treeDir(tree) {
  return join(root, 'build-native', tree.name);
}

/** The newest clang++ there is. */
export function findClang() {
  return ['clang++', ...Array.from({ length: 10 }, (_, i) => `clang++-${23 - i}`)].find((name) => which(name));
}

/**
 * @param {import('./steps.mjs').Steps} steps
 * @param {Tree} tree
 * @param {string} [target] default: everything that is not left out of `all`
 */
export async function buildTree(steps, tree, target) {
  await configureTree(steps, tree);
  // Straight to CMake: cmake-js adds nothing to an incremental build, and would hand its own options on to the build tool.
  const args = ['--build', treeDir(tree), '--parallel', String(availableParallelism())];
  await steps.run('cmake', target ? [...args, '--target', target] : args);
}

/** Configures only when there is no tree yet or its settings changed. @param {import('./steps.mjs').Steps} steps @param {Tree} tree */
export async function configureTree(steps, tree) {
  const clang = tree.clang ? findClang() : undefined;
  const hash = hashOf([], [JSON.stringify(tree), clang ?? process.env.CXX ?? '', process.version]);
  if (existsSync(join(treeDir(tree), 'CMakeCache.txt')) && hasStamp(`cmake-${tree.name}`, hash)) return;
  clearStamp(`cmake-${tree.name}`);
  mkdirSync(treeDir(tree), { recursive: true });
  await steps.run(
    process.execPath,
    [
      join(root, 'node_modules/cmake-js/bin/cmake-js'),
      'configure',
      ...['--directory', join(root, 'native'), '--out', treeDir(tree), '--config', tree.config],
      ...(clang ? ['--cc', clang.replace('++', ''), '--cxx', clang] : []),
      ...Object.entries(tree.cache ?? {}).map(([name, value]) => `--CD${name}=${value}`),
    ],
    { env: clang ? {} : compilerEnv() },
  );
  setStamp(`cmake-${tree.name}`, hash);
}
