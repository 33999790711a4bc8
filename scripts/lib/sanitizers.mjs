// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { compilerEnv } from './system.mjs';

/**
 * The shared library of a sanitizer, for LD_PRELOAD: it must be there before Node is.
 * @param {'thread' | 'address'} kind
 * @returns {string | undefined}
 */
export function findSanitizer(kind) {
  const compiler = process.env.CXX ?? compilerEnv().CXX ?? 'g++';
  const name = kind === 'thread' ? 'libtsan.so' : 'libasan.so';
  const { stdout } = spawnSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' });
  const path = (stdout ?? '').trim();
  return path.startsWith('/') && existsSync(path) ? path : undefined;
}
