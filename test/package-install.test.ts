/** From the packed package to the first message, in an empty project, where nothing can be compiled. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { skip } from './support/environment.js';
import { Bare, manifest, noBinary, npm, packed, packedWithoutBinary, project, run } from './support/packed.js';

const program = `
import { fileURLToPath } from 'node:url';
import { capture } from 'flowtap';

const file = fileURLToPath(new URL('examples/demo/incident.pcap', import.meta.resolve('flowtap/package.json')));
for await (const msg of capture({ file })) {
  console.log(msg.kind, msg.method, msg.path);
  break;
}
`;
const firstMessage = 'request GET /healthcheck\n';
const command = 'node_modules/flowtap/scripts/build-addon.mjs';

function install(tarball = packed(), ...flags: string[]): string {
  const folder = project(tarball);
  writeFileSync(path.join(folder, 'main.mjs'), program);
  const { stdout, stderr } = bare.run('npm', ['install', ...flags], { cwd: folder });
  assert.ok(existsSync(path.join(folder, 'node_modules/flowtap')), stdout + stderr);
  return folder;
}

const bare = new Bare();
if (!bare.hides) skip('the compiler is only out of PATH: hiding files takes root');

suite('where nothing can be compiled', { skip: noBinary, timeout: 300_000 }, () => {
  test('there is no compiler', () => {
    const probe = `for (const name of ['g++', 'cc', 'clang++', 'pkg-config', 'make'])
      console.log(require('node:child_process').spawnSync(name).error?.code);
      console.log(require('node:fs').existsSync('/usr/include/stdio.h'));`;
    const lines = bare.run('node', ['-e', probe], { cwd: '/' }).stdout.trimEnd().split('\n');
    const headers = lines.pop();
    assert.deepEqual(lines, Array(5).fill('ENOENT'));
    if (bare.hides) assert.equal(headers, 'false');
  });

  for (const flags of [[], ['--ignore-scripts']])
    test(['npm install', ...flags].join(' '), () => {
      const started = performance.now();
      const folder = install(packed(), ...flags);
      const { stdout, stderr } = bare.run('node', ['main.mjs'], { cwd: folder });
      assert.equal(stdout, firstMessage, stderr);
      assert.equal(stderr, '');
      assert.ok(performance.now() - started < 60_000);
      assert.ok(!existsSync(path.join(folder, 'node_modules/flowtap/build')), 'nothing was built');
      const version = bare.run('npx', ['flowtap', '--version'], { cwd: folder });
      assert.equal(version.stdout, `flowtap ${manifest.version}\n`, version.stderr);
    });

  test('npm has nothing to warn of', () => {
    const folder = project(packed());
    assert.doesNotMatch(npm(['install'], { cwd: folder }).stderr, /flowtap/);
  });

  test('without a binary, one error says what is missing, and what builds it', () => {
    const folder = install(packedWithoutBinary());
    const { status, stderr } = bare.run('node', ['main.mjs'], { cwd: folder });
    assert.equal(status, 1);
    const message = /^CaptureError: (.*)$/m.exec(stderr)?.[1] ?? stderr;
    assert.match(
      message,
      /^flowtap has no binary for \w+-\w+ \(.*\); it comes with none\. flowtap needs a C\+\+20 compiler .*, make/,
    );
    assert.ok(message.endsWith(`. Then build it with: ${process.execPath} ${path.join(folder, command)}`), message);
    assert.match(stderr, /code: 'ERR_NO_ADDON'/);

    const built = bare.run('node', [command], { cwd: folder });
    assert.equal(built.status, 1);
    assert.match(built.stderr, /^flowtap needs a C\+\+20 compiler .*\n$/);

    const told = bare.run('npx', ['flowtap', '-r', 'x.pcap'], { cwd: folder });
    assert.match(told.stderr, /^flowtap: flowtap has no binary for .*build-addon\.mjs\n$/);
    assert.equal(bare.run('npx', ['flowtap', '--version'], { cwd: folder }).status, 0);
  });
});

test('without a binary, it is built where there is a compiler', { skip: noBinary, timeout: 600_000 }, () => {
  const folder = install(packedWithoutBinary());
  const before = run(process.execPath, ['main.mjs'], { cwd: folder });
  assert.match(before.stderr, /it comes with none\. Build it with: /);
  // Compiling fast is what matters here.
  const built = run(process.execPath, [command], { cwd: folder, env: { CXXFLAGS: '-O0' } });
  assert.equal(built.status, 0, built.stdout + built.stderr);
  const { stdout, stderr } = run(process.execPath, ['main.mjs'], { cwd: folder });
  assert.equal(stdout, firstMessage, stderr);
});
