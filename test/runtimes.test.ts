/** One binary for every runtime: what was installed from the packed package captures in other versions of Node.js, and in Bun. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { useAnywhere } from './support/anywhere.js';
import { loopback, skip, skipUnlessLive } from './support/environment.js';
import { manifest, noBinary, npm, packed, project } from './support/packed.js';
import { installRuntime } from './support/runtimes.js';

const live = await skipUnlessLive();
const platform = `${process.platform}-${process.arch}`;

/** Name, package, version, executable in it. The oldest is the one that package.json names. */
const runtimes: [name: string, packageName: string, version: string, file: string][] = [
  ...[`${manifest.engines.node.replace('>=', '')}.0`, '22', '24', '26'].map(
    (version): [string, string, string, string] => [`Node.js ${version}`, `node-${platform}`, version, 'bin/node'],
  ),
  ['Bun', `@oven/bun-${platform}`, '1', 'bin/bun'],
];

suite('the binary', { skip: noBinary, timeout: 900_000 }, () => {
  let entry: string;

  for (const [name, packageName, version, file] of runtimes)
    test(`captures in ${name}`, (context) => {
      const executable = installRuntime(packageName, version, file);
      if (!executable || spawnSync(executable, ['--version']).status !== 0)
        return context.skip(skip(`${packageName}@${version} cannot be installed and started here`));
      if (entry === undefined) {
        const folder = project(packed());
        npm(['install', '--ignore-scripts'], { cwd: folder });
        entry = pathToFileURL(path.join(folder, 'node_modules/flowtap/dist/index.js')).href;
      }
      const { messages } = useAnywhere(executable, entry, { interface: live === false ? loopback : undefined });
      assert.equal(messages.length, 18);
    });
});
