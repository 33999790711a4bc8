/** What keeps a version from being published. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { binaries, whatIsWrong } from '../scripts/lib/release.mjs';
import { top } from './support/environment.js';

const changelog =
  '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-02\n\n### Added\n\n- Something.\n\n## [1.2.2] - 2026-01-01\n';
const good = { manifest: { version: '1.2.3', repository: 'github:o/r' }, changelog, changes: '' };

test('nothing is wrong with a version that has its entry', () => {
  assert.deepEqual(whatIsWrong(good), []);
  assert.deepEqual(whatIsWrong({ ...good, tag: 'v1.2.3', present: binaries }), []);
});

for (const [name, facts, sentence] of [
  ['a version that is none', { manifest: { version: 'next' } }, /^next is no semantic version/],
  ['a work tree with changes', { changes: ' M lib/index.ts\n' }, /^The work tree has changes:\n M lib\/index\.ts$/],
  ['a version without an entry', { manifest: { version: '1.2.4' } }, /^CHANGELOG\.md has no "## \[1\.2\.4\]/],
  ['an entry without anything in it', { manifest: { version: '1.2.2' } }, /^CHANGELOG\.md has no/],
  ['another tag', { tag: 'v1.2.2' }, /^The tag is v1\.2\.2, package\.json says 1\.2\.3/],
  ['a missing binary', { present: binaries.slice(1) }, /^prebuilds\/ lacks linux-x64\/flowtap\.glibc\.node\.$/],
  ['no repository', { manifest: { version: '1.2.3' }, present: binaries }, /^package\.json names no repository/],
] as const)
  test(name, () => {
    const wrong = whatIsWrong({ ...good, ...facts } as Parameters<typeof whatIsWrong>[0]);
    assert.ok(
      wrong.some((one) => sentence.test(one)),
      wrong.join('\n'),
    );
  });

test('CI makes every binary', () => {
  const workflow = readFileSync(path.join(top, '.github/workflows/prebuild.yml'), 'utf8');
  for (const file of binaries) {
    const [platform = '', name = ''] = file.split('/');
    const libc = platform.startsWith('linux') ? `-${name.split('.')[1]}` : '';
    assert.ok(workflow.includes(`name: ${platform}${libc},`), file);
  }
});
