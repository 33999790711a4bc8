// @ts-check
// Stamps: a hash of what a result was made from, so that nothing is made twice.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { cacheDir, root } from './steps.mjs';

/**
 * Files below a folder, sorted.
 * @param {string} dir relative to the project
 * @param {RegExp} pattern of the file's name
 * @returns {string[]} relative to the project
 */
export function filesBelow(dir, pattern) {
  const found = [];
  for (const entry of readdirSync(join(root, dir), { withFileTypes: true, recursive: true }))
    if (entry.isFile() && pattern.test(entry.name)) found.push(relative(root, join(entry.parentPath, entry.name)));
  return found.sort();
}

/**
 * @param {string[]} files relative to the project; one that is missing counts as such
 * @param {string[]} [facts] anything else the result depends on
 */
export function hashOf(files, facts = []) {
  const hash = createHash('sha256').update(JSON.stringify(facts));
  for (const file of files) {
    const path = join(root, file);
    hash.update(`\0${file}\0`);
    hash.update(existsSync(path) ? readFileSync(path) : 'missing');
  }
  return hash.digest('hex');
}

/** @param {string} name @param {string} hash */
export function hasStamp(name, hash) {
  const file = join(cacheDir, `${name}.stamp`);
  return existsSync(file) && readFileSync(file, 'utf8') === hash;
}

/** @param {string} name @param {string} hash */
export function setStamp(name, hash) {
  mkdirSync(cacheDir, { recursive: true });
  writeFileSync(join(cacheDir, `${name}.stamp`), hash);
}

/** @param {string} name */
export function clearStamp(name) {
  rmSync(join(cacheDir, `${name}.stamp`), { force: true });
}
