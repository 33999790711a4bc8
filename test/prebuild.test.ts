/** The binary of `npm run prebuild`: what it needs of a system, what it shows, and that it captures like the one that is built here. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { fetchArchive, source } from '../scripts/lib/libpcap.mjs';
import { Steps } from '../scripts/lib/steps.mjs';
import { which } from '../scripts/lib/system.mjs';
import { useAnywhere } from './support/anywhere.js';
import { loopback, skip, skipUnlessLive, temporaryFolder, top } from './support/environment.js';
import { binary, manifest, noBinary } from './support/packed.js';

const file = path.join(top, binary);
const isGlibc = binary.startsWith('prebuilds/linux-') && binary.includes('glibc');
const noTools =
  noBinary ||
  (isGlibc && which('readelf') && which('nm') ? false : skip('readelf and nm look only into binaries of Linux'));

/** An interface to capture on, where that is permitted. */
const live = skipUnlessLive().then((reason) => (reason === false ? loopback : undefined));

function look(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, [...args, file], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

suite('the binary', { skip: noTools }, () => {
  test('needs the C library alone', () => {
    const needed = [...look('readelf', '-dW').matchAll(/\(NEEDED\)\s+Shared library: \[(.+)\]/g)].map(
      (match) => match[1],
    );
    const allowed = /^(libc\.so\.6|libm\.so\.6|libpthread\.so\.0|libdl\.so\.2|ld-linux-[\w-]+\.so\.\d)$/;
    assert.ok(needed.length > 0);
    assert.deepEqual(
      needed.filter((library) => !allowed.test(library as string)),
      [],
    );
  });

  test('needs the version of glibc that is declared', () => {
    const versions = [...look('readelf', '-VW').matchAll(/Name: GLIBC_([\d.]+)/g)].map((match) => match[1] as string);
    const newest = versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1) as string;
    const { glibc } = manifest.prebuilt;
    assert.ok(
      newest.localeCompare(glibc, 'en', { numeric: true }) <= 0,
      `it needs glibc ${newest}, package.json says ${glibc}`,
    );
  });

  test('shows nothing but how Node finds it', () => {
    const symbols = look('nm', '-D', '--defined-only').trim().split('\n');
    assert.deepEqual(symbols.map((line) => line.split(' ').at(-1)).sort(), [
      'napi_register_module_v1',
      'node_api_module_get_api_version_v1',
    ]);
  });

  test('uses Node-API alone of Node', () => {
    const undefinedSymbols = look('nm', '-D', '--undefined-only').match(/\S+$/gm) ?? [];
    assert.ok(undefinedSymbols.some((name) => name.startsWith('napi_')));
    assert.deepEqual(
      undefinedSymbols.filter((name) => /^(_ZN?K?2v8|_ZN?K?4node|uv_)/.test(name)),
      [],
    );
  });

  test('is stripped', () => {
    assert.doesNotMatch(look('readelf', '-SW'), /\.symtab|\.debug_/);
    assert.ok(statSync(file).size < 2_000_000);
  });
});

suite('captured with the binary', { skip: noBinary }, () => {
  const entry = pathToFileURL(path.join(top, 'dist/index.js')).href;
  const use = async (env: NodeJS.ProcessEnv) => useAnywhere(process.execPath, entry, { env, interface: await live });

  test('is what the addon captures that was built here', async () => {
    const own = await use({});
    const prebuilt = await use({ PREBUILDS_ONLY: '1' });
    if (process.platform === 'linux')
      assert.match(prebuilt.libpcap, new RegExp(`^libpcap version ${source.version}\\b`));
    assert.deepEqual({ ...prebuilt, libpcap: '' }, { ...own, libpcap: '' });
  });
});

test('a source of libpcap that is not the pinned one is refused', async (context) => {
  const other = path.join(top, 'package.json');
  const before = process.env.FLOWTAP_LIBPCAP_SOURCE;
  context.after(() => {
    if (before === undefined) delete process.env.FLOWTAP_LIBPCAP_SOURCE;
    else process.env.FLOWTAP_LIBPCAP_SOURCE = before;
  });
  process.env.FLOWTAP_LIBPCAP_SOURCE = other;
  await assert.rejects(fetchArchive(new Steps('test-libpcap'), temporaryFolder()), {
    message: new RegExp(
      `package\\.json is not libpcap ${source.version}: its SHA-256 digest is [0-9a-f]{64}, not ${source.sha256}\\.$`,
    ),
  });
});
