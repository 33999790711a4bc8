// @ts-check
// npm run prebuild: the addon for this platform in prebuilds/, as it is published. On Linux libpcap and the C++ library are linked in, so
// that it needs nothing but the C library; on macOS both are part of the system.
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './lib/install-packages.mjs';
import { key, source, staticLibpcap } from './lib/libpcap.mjs';
import { withLock } from './lib/lock.mjs';
import { hashOf, hasStamp, setStamp } from './lib/stamps.mjs';
import { cacheDir, root, runMain, StepError, Steps } from './lib/steps.mjs';
import { compilerEnv, findNodeDir, planInstall } from './lib/system.mjs';
import { addonHash, localBin, setUp } from './setup.mjs';

const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`);

/** Makes the binary when there is none of the present sources. */
export async function prebuild() {
  await setUp({ addon: false });
  await withLock(async () => {
    const hash = hashOf(['scripts/prebuild.mjs'], [addonHash(), key]);
    if (existsSync(folder) && hasStamp('prebuild', hash)) return;
    const steps = new Steps('prebuild');
    await installPackages(steps, ['compiler', 'make', 'python', 'nodeHeaders']);
    const nodeDir = findNodeDir();
    if (!nodeDir) throw new StepError(planInstall(['nodeHeaders']).sentence);
    const libpcap = process.platform === 'linux' ? await staticLibpcap(steps) : undefined;
    await steps.step('building the addon for prebuilds/', () => build(steps, nodeDir, libpcap));
    if (libpcap) writeFileSync(join(root, 'prebuilds/LICENSE.libpcap'), licenceOf(libpcap));
    setStamp('prebuild', hash);
  });
}

/**
 * In a folder of its own: node-gyp begins by emptying build/, which the checkout's addon is in.
 * @param {Steps} steps
 * @param {string} nodeDir
 * @param {string | undefined} libpcap to link it statically
 */
async function build(steps, nodeDir, libpcap) {
  const stage = join(cacheDir, 'prebuild');
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(join(stage, 'scripts'), { recursive: true });
  for (const part of ['package.json', 'binding.gyp', 'native', 'scripts/native-sources.mjs'])
    cpSync(join(root, part), join(stage, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(stage, 'node_modules'));
  await steps.run(
    process.execPath,
    [
      localBin('prebuildify'),
      ...['--napi', '--strip', '--tag-libc', '--target', process.versions.node],
      ...['--cwd', stage, '--out', stage],
    ],
    {
      env: {
        ...compilerEnv(),
        npm_config_nodedir: nodeDir,
        JOBS: 'max',
        GYP_DEFINES: libpcap ? `libpcap_static='${libpcap}'` : '',
      },
    },
  );
  // The old one stays until there is a new one.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(root, 'prebuilds'), { recursive: true });
  renameSync(join(stage, 'prebuilds', `${process.platform}-${process.arch}`), folder);
  rmSync(stage, { recursive: true, force: true });
}

/** What its licence wants to be told where the binary is. @param {string} libpcap */
function licenceOf(libpcap) {
  return `libpcap ${source.version} (https://www.tcpdump.org/) is part of the binaries for Linux that are beside this file.
Copyright (c) 1988-1998 The Regents of the University of California, and the authors named in its CREDITS.

${readFileSync(join(libpcap, 'LICENSE'), 'utf8')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runMain(prebuild);
