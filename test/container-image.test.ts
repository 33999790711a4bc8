/** The recipe of the image, and what its capabilities come to in containers: the kernel's part of them, without a container. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { mayHaveCapabilities, permissionFacts } from '../lib/system/permission-facts.js';
import { skip, temporaryFolder, top } from './support/environment.js';
import { optionalPackage } from './support/optional-package.js';

const recipe = readFileSync(path.join(top, 'Dockerfile'), 'utf8');

/** Instructions of the last stage, joined lines and no comments. */
function lastStage(): { name: string; words: string }[] {
  const lines = recipe
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .flatMap((line) => {
      const [, name, words] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
      return name === undefined || words === undefined ? [] : [{ name, words }];
    });
  return lines.slice(lines.findLastIndex(({ name }) => name === 'FROM'));
}

const instructions = (name: string) => lastStage().flatMap((one) => (one.name === name ? [one.words] : []));

suite('Dockerfile', () => {
  const utils = optionalPackage<{ validate(text: string): { message: string }[] }>('dockerfile-utils');
  test('dockerfile-utils finds nothing', { skip: utils.skip }, () => {
    assert.deepEqual(
      utils.value?.validate(recipe).map(({ message }) => message),
      [],
    );
  });

  const hadolint = spawnSync('hadolint', ['--version']).status === 0 ? false : skip('hadolint is not installed');
  test('hadolint finds nothing', { skip: hadolint }, () => {
    const { status, stdout } = spawnSync('hadolint', [path.join(top, 'Dockerfile')], { encoding: 'utf8' });
    assert.equal(status, 0, stdout);
  });

  test('starts the command itself, as a number that is not root', () => {
    assert.deepEqual(instructions('USER'), ['1000:1000']);
    assert.deepEqual(instructions('ENTRYPOINT'), ['["/usr/local/bin/flowtap"]']);
    assert.deepEqual(instructions('CMD'), []);
    assert.ok(instructions('RUN').some((run) => run.includes("sed -i '1s|.*|#!/usr/local/bin/flowtap-node|'")));
  });

  test('gives the capability to a copy of Node.js, and to nothing else', () => {
    assert.deepEqual(instructions('ARG'), ['CAPABILITIES=cap_net_raw']);
    assert.match(recipe, /^ {2}&& setcap "\$\{CAPABILITIES\}=ep" \/usr\/local\/bin\/flowtap-node \\$/m);
    assert.equal(recipe.match(/\bsetcap\b/g)?.length, 1);
  });

  test('.dockerignore leaves what the package needs', () => {
    const ignored: string[] = readFileSync(path.join(top, '.dockerignore'), 'utf8').match(/^[^#\n].*$/gm) ?? [];
    const { files } = JSON.parse(readFileSync(path.join(top, 'package.json'), 'utf8'));
    const made = ['dist', 'prebuilds'];
    const needed = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'lib', ...files];
    for (const file of needed.filter((one: string) => !one.startsWith('!') && !made.includes(one)))
      assert.ok(!ignored.includes(file.split('/')[0]), file);
  });
});

const netRaw = 1n << 13n;
const netAdmin = 1n << 12n;
const program = `
  const { readFileSync } = require('node:fs');
  const [, hex] = /^CapEff:\\s*(\\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  console.log(hex, process.title);
`;

function whyNoFileCapabilities(): string | false {
  if (process.platform !== 'linux') return skip('capabilities are those of Linux');
  if (process.getuid?.() !== 0) return skip('only root gives files capabilities');
  const { wholeMachine, noNewPrivileges, bounding } = permissionFacts();
  const taken = netRaw | netAdmin;
  if (!wholeMachine || noNewPrivileges || (bounding & taken) !== taken) return skip('capabilities cannot be had here');
  if (!mayHaveCapabilities(readFileSync('/proc/self/mountinfo', 'utf8'), path.join(tmpdir(), 'file')))
    return skip('the file system of temporary files keeps no capabilities');
  for (const tool of ['setcap', 'setpriv', 'capsh'])
    if (spawnSync(tool, ['--help']).error) return skip(`${tool} is not installed`);
  return false;
}

suite('capabilities of the executable', { skip: whyNoFileCapabilities(), timeout: 120_000 }, () => {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  /** A copy of Node.js, and a program that is started by it as the image's is. */
  const copy = (name: string, capabilities: string): string => {
    const node = path.join(folder, name);
    copyFileSync(process.execPath, node);
    chmodSync(node, 0o755);
    if (capabilities !== '') {
      const { status, stderr } = spawnSync('setcap', [capabilities, node], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    }
    const script = path.join(folder, `${name}.cjs`);
    writeFileSync(script, `#!${node}\n${program}`, { mode: 0o755 });
    return script;
  };
  let plain = '';
  let raw = '';
  let both = '';
  test('are given', () => {
    plain = copy('plain', '');
    raw = copy('raw', 'cap_net_raw=ep');
    both = copy('both', 'cap_net_raw,cap_net_admin=ep');
  });

  const user = ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups'];
  const drop = '--bounding-set=-all,+net_raw';
  /** As Docker starts it: a second program, so that nothing is permitted yet when the third is executed. */
  const docker = [...user, drop, 'setpriv'];
  /** As containerd and CRI-O do: what the container may have is permitted to the first program. */
  const kubernetes = (script: string) => [
    ...['capsh', '--no-new-privs', '--keep=1', '--gid=1000', '--uid=1000', '--caps=cap_net_raw=ep'],
    ...[`--shell=${script}`, '--'],
  ];
  const start = ([command = '', ...args]: string[]) => {
    const env = { ...process.env, NODE_OPTIONS: '--title=from-options' };
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env });
    const [, hex = '0', title] = /^(\w+) (.*)$/m.exec(stdout) ?? [];
    return { status, stderr, netRaw: (BigInt(`0x${hex}`) & netRaw) !== 0n, title };
  };

  test('root has what the container has', () => {
    assert.equal(start(['setpriv', drop, '--no-new-privs', plain]).netRaw, true);
  });

  test('another user has nothing of it without them', () => {
    assert.equal(start([...docker, plain]).netRaw, false);
    assert.equal(start(kubernetes(plain)).netRaw, false);
  });

  test('another user has it with them', () => {
    assert.equal(start([...docker, raw]).netRaw, true);
  });

  test('under no_new_privs only where it was permitted already, and nothing stands between', () => {
    assert.equal(start([...docker, '--no-new-privs', raw]).netRaw, false);
    assert.equal(start(kubernetes(raw)).netRaw, true);
    assert.equal(start([...kubernetes('/bin/sh'), '-c', raw]).netRaw, false);
  });

  test('what the container cannot have keeps it from starting', () => {
    const { status, stderr } = start([...docker, both]);
    assert.notEqual(status, 0);
    assert.match(stderr, /not permitted/);
    assert.notEqual(start([...user, '--bounding-set=-all', 'setpriv', raw]).status, 0);
  });

  test('NODE_OPTIONS have no effect with them', () => {
    assert.equal(start([...docker, plain]).title, 'from-options');
    assert.notEqual(start([...docker, raw]).title, 'from-options');
  });
});
