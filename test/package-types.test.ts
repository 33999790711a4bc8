/** What consumers' compilers and tools see of the packed package. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { top } from './support/environment.js';
import { manifest, noBinary, npm, packed, project } from './support/packed.js';

/** Runs what node_modules/.bin has of that name. */
function tool(name: string, args: string[], cwd = top): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(top, 'node_modules/.bin', name), ...args], {
    cwd,
    encoding: 'utf8',
  });
  assert.equal(status, 0, `${name} ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

suite('consumers', { skip: noBinary, timeout: 120_000 }, () => {
  const configurations: [files: string[], compilerOptions: Record<string, unknown>][] = [
    [['module.mts', 'commonjs.cts', 'required.cts'], { module: 'nodenext' }],
    [['module.mts', 'commonjs.cts'], { module: 'node16' }],
    [['module.mts'], { module: 'esnext', moduleResolution: 'bundler' }],
  ];
  let folder: string;

  for (const [files, compilerOptions] of configurations)
    test(`compile ${files.join(', ')} with ${Object.values(compilerOptions).join(', ')}`, () => {
      folder ??= consumers();
      writeFileSync(
        path.join(folder, 'tsconfig.json'),
        JSON.stringify({
          files,
          compilerOptions: {
            ...compilerOptions,
            target: 'es2022',
            lib: ['es2023', 'esnext.disposable'],
            types: ['node'],
            noEmit: true,
            strict: true,
            exactOptionalPropertyTypes: true,
            noUncheckedIndexedAccess: true,
            verbatimModuleSyntax: true,
            skipLibCheck: false,
          },
        }),
      );
      tool('tsc', ['-p', folder], folder);
    });

  test('require it', () => {
    folder ??= consumers();
    const code = "const { capture } = require('flowtap'); console.log(typeof capture);";
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', code], { cwd: folder, encoding: 'utf8' });
    assert.equal(stdout, 'function\n', stderr);
  });
});

/** A project with the package and the consumers. */
function consumers(): string {
  const folder = project(packed());
  npm(['install', '--ignore-scripts'], { cwd: folder });
  mkdirSync(path.join(folder, 'node_modules/@types'));
  for (const name of ['@types/node', 'undici-types'])
    symlinkSync(path.join(top, 'node_modules', name), path.join(folder, 'node_modules', name));
  cpSync(path.join(top, 'test/consumers'), folder, { recursive: true });
  return folder;
}

suite('tools for packages', { skip: noBinary, timeout: 120_000 }, () => {
  test('publint', async () => {
    const bytes = readFileSync(packed().tarball);
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const { messages } = await publint({ pack: { tarball }, strict: true });
    assert.deepEqual(
      messages.map((message) => formatMessage(message, manifest, { color: false })),
      [],
    );
  });

  test('attw', () => {
    tool('attw', [packed().tarball, '--profile', 'esm-only', '--no-color']);
  });
});

test('the report of what is exported is up to date', { timeout: 120_000 }, () => {
  const { status, stderr } = spawnSync(process.execPath, [path.join(top, 'scripts/api-report.mjs'), '--check'], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
});
