/** Other runtimes than the one of the tests, from npm packages that hold their executables. Kept in .cache/. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { top } from './environment.js';

const kept = path.join(top, '.cache/runtimes');

/**
 * @param name of the package
 * @param version or range
 * @param file the executable in the package
 * @returns its path, or undefined where it cannot be installed, as without a network
 */
export function installRuntime(name: string, version: string, file: string): string | undefined {
  const folder = path.join(kept, `${name.replace('/', '+')}@${version}`);
  const executable = path.join(folder, 'node_modules', name, file);
  if (existsSync(executable)) return executable;
  mkdirSync(kept, { recursive: true });
  // Whole or not at all.
  const made = mkdtempSync(path.join(kept, 'new-'));
  try {
    const args = ['install', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--prefix', made];
    const { status } = spawnSync('npm', [...args, `${name}@${version}`], {
      cwd: made,
      timeout: 300_000,
      stdio: 'ignore',
    });
    const installed = path.join(made, 'node_modules', name);
    if (status !== 0 || !existsSync(path.join(installed, file))) return undefined;
    for (const part of ['include', 'share']) rmSync(path.join(installed, part), { recursive: true, force: true });
    renameSync(made, folder);
    return executable;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
