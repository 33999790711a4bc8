/** What npm packs: what is needed to use flowtap and to build it, and nothing else. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { top } from './support/environment.js';
import { linksOf, readPage } from './support/markdown.js';
import { binary, manifest, noBinary, packed } from './support/packed.js';

/** Files below a folder, relative to the project. */
function below(folder: string, wanted = /./): string[] {
  return readdirSync(path.join(top, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(top, path.join(entry.parentPath, entry.name)))
    .filter((file) => wanted.test(file));
}

suite('the packed package', { skip: noBinary }, () => {
  test('holds these files', () => {
    // The command is bundled.
    const compiled = below('lib', /^lib\/(?!cli\/).*\.ts$/).flatMap((file) =>
      ['.js', '.js.map', '.d.ts'].map((suffix) => file.replace(/^lib/, 'dist').replace(/\.ts$/, suffix)),
    );
    const expected = [
      'package.json',
      'README.md',
      'CHANGELOG.md',
      'LICENSE',
      'binding.gyp',
      'scripts/build-addon.mjs',
      'scripts/lib/system.mjs',
      'scripts/native-sources.mjs',
      'SECURITY.md',
      'examples/README.md',
      'examples/demo/incident.pcap',
      ...below('examples', /^examples\/\w+\.mjs$/),
      ...below('deploy'),
      'native/addon/exports.map',
      ...below('native', /^native\/(?!test\/|fuzz\/).*\.(cc|h)$/),
      ...below('docs'),
      ...compiled,
      'dist/cli/main.js',
      'dist/cli/main.js.map',
      ...below('dist/cli/parts'),
      ...below('prebuilds'),
    ];
    assert.ok(expected.includes(binary));
    assert.deepEqual(
      packed()
        .files.map((file) => file.path)
        .sort(),
      expected.sort(),
    );
  });

  test('its pages lead to what it holds, but for what only a checkout is for', () => {
    const files = packed().files.map((file) => file.path);
    const absent = files
      .filter((file) => file.endsWith('.md'))
      .flatMap((page) =>
        linksOf(readPage(page))
          .map((target) => target.split('#')[0] as string)
          .filter((target) => target !== '')
          .map((target) => path.posix.join(path.posix.dirname(page), target)),
      )
      .filter((target) => !files.some((file) => file === target || file.startsWith(`${target}/`)));
    assert.deepEqual([...new Set(absent)].sort(), ['CONTRIBUTING.md', 'Dockerfile']);
  });

  test('is small', () => {
    const binaries = packed().files.filter((file) => file.path.endsWith('.node'));
    for (const { path, size } of binaries) assert.ok(size < 2_000_000, `${path}: ${size} bytes`);
    const rest = packed().unpackedSize - binaries.reduce((sum, { size }) => sum + size, 0);
    assert.ok(rest < 5_000_000, `${rest} bytes beside the binaries`);
  });

  test('its source maps hold their sources', () => {
    for (const file of below('dist', /\.map$/)) {
      const { sources, sourcesContent } = JSON.parse(readFileSync(path.join(top, file), 'utf8'));
      assert.equal(sourcesContent?.length, sources.length, file);
    }
  });

  test('nothing runs when it is installed', () => {
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
      assert.ok(!(name in manifest.scripts), name);
    // Without this npm would make one out of binding.gyp.
    assert.equal(manifest.gypfile, false);
  });

  test('it says what it needs, and nothing of it is out of date', () => {
    const lock = JSON.parse(readFileSync(path.join(top, 'package-lock.json'), 'utf8')).packages[''];
    assert.equal(lock.version, manifest.version);
    assert.deepEqual(lock.engines, manifest.engines);
    assert.equal(manifest.engines.node, '>=20.19');
    assert.equal(manifest.sideEffects, false);
    assert.deepEqual(Object.keys(manifest.exports), ['.', './package.json']);
    for (const file of [manifest.types, manifest.bin.flowtap, ...Object.values(manifest.exports['.'])])
      assert.ok(
        packed().files.some((one) => one.path === path.posix.normalize(String(file))),
        String(file),
      );
  });
});
