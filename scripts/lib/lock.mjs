// @ts-check
// One set-up at a time in a checkout: a second one waits for the first, and takes over when that one died.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cacheDir } from './steps.mjs';

const file = join(cacheDir, 'setup.lock');

/**
 * @template T
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function withLock(action) {
  mkdirSync(cacheDir, { recursive: true });
  for (let told = false; !take(); told = true) {
    if (!told) process.stderr.write('- waiting for another set-up of this checkout\n');
    await delay(200);
  }
  const release = () => rmSync(file, { force: true });
  const abandon = (/** @type {NodeJS.Signals} */ signal) => {
    release();
    process.kill(process.pid, signal);
  };
  process.once('SIGINT', abandon).once('SIGTERM', abandon);
  try {
    return await action();
  } finally {
    process.off('SIGINT', abandon).off('SIGTERM', abandon);
    release();
  }
}

function take() {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
  }
  const holder = readHolder();
  if (holder !== undefined && !isAlive(holder)) rmSync(file, { force: true });
  return false;
}

function readHolder() {
  try {
    // Empty for the moment between its creation and the writing of the id.
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
