/** What is said where there is no addon to load. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { noAddon } from '../lib/addon-error.js';
import { temporaryFolder, top } from './support/environment.js';

/** A package with these binaries. */
function root(...binaries: string[]): string {
  const folder = temporaryFolder();
  for (const file of binaries) {
    mkdirSync(path.join(folder, 'prebuilds', path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, 'prebuilds', file), '');
  }
  symlinkSync(path.join(top, 'scripts'), path.join(folder, 'scripts'));
  return folder;
}

suite('ERR_NO_ADDON', () => {
  const none = new Error('No native build was found for platform=linux\n    loaded from: /x\n');

  test('tells which binaries there are', () => {
    const folder = root('linux-s390x/flowtap.musl.node', 'darwin-arm64/flowtap.glibc.node');
    const { code, message, cause } = noAddon(folder, none);
    assert.equal(code, 'ERR_NO_ADDON');
    assert.match(message, /^flowtap has no binary for \w+-\w+ \(.+\); it comes with those for /);
    assert.match(message, /linux-s390x \(musl\)/);
    assert.match(message, /darwin-arm64(,|\.)/);
    assert.equal(cause, none);
  });

  test('tells that there are none', () => {
    assert.match(noAddon(root(), none).message, /; it comes with none\. /);
  });

  test('passes on why a binary does not load', () => {
    const { message } = noAddon(root(), new Error("/lib/libc.so.6: version `GLIBC_2.99' not found"));
    assert.match(
      message,
      /^flowtap's binary does not load on .+: \/lib\/libc\.so\.6: version `GLIBC_2\.99' not found\. /,
    );
  });

  test('ends with the line that builds it', () => {
    const folder = root();
    const { message } = noAddon(folder, none);
    assert.ok(
      message.endsWith(`uild it with: ${process.execPath} ${path.join(folder, 'scripts/build-addon.mjs')}`),
      message,
    );
  });
});
