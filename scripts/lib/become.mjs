// @ts-check
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './steps.mjs';

/**
 * Goes on as another program in this very process, so that signals, exit code and standard streams are that program's own.
 * @param {string} file relative to the project; TypeScript too
 * @param {string[]} args
 */
export async function become(file, args) {
  const path = join(root, file);
  // Found only when the npm packages are there: hence not at the top.
  if (file.endsWith('.ts')) (await import('tsx/esm/api')).register();
  process.argv = [process.execPath, path, ...args];
  await import(pathToFileURL(path).href);
}
