/** The commands in the documentation: flowtap understands all of them, and those that read files run as they stand there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { parseCommandLine } from '../lib/cli/flags.js';
import { mainPath, pcapOf } from './cli-support.js';
import { skip, temporaryFolder, top } from './support/environment.js';
import { type Block, blocksOf, pages } from './support/markdown.js';
import { programsOf, type StartedProgram } from './support/shell-lines.js';

/** What else pages start, and why it does not run here. */
const others: Readonly<Record<string, string>> = {
  npm: 'scripts are looked up in package.json; installing is what the tests of the package do',
  npx: 'starts flowtap',
  sudo: 'starts what stands behind it',
  docker: 'there is none; what it would start is looked at',
  kubectl: 'there is no cluster; what it would start is looked at',
  ssh: 'is about another machine',
  bun: 'is tried by runtimes.test.ts',
  node: 'tests of the pages and of the package start those',
  'apt-get': 'changes the machine',
  dnf: 'changes the machine',
  apk: 'changes the machine',
  groupadd: 'changes the machine',
  usermod: 'changes the machine',
  install: 'changes the machine',
  setcap: 'changes the machine',
  readlink: 'tells where programs are',
  which: 'tells where programs are',
  nc: 'sends what flowtap wrote to a server',
  jq: 'reads what flowtap wrote',
  grep: 'reads what flowtap wrote',
  ls: 'reads what flowtap wrote',
  tshark: 'reads what flowtap wrote',
};

interface Command {
  line: string;
  /** What the page says that it prints. */
  output: string;
  programs: StartedProgram[];
}

/** Commands of a block, and what is printed below each. */
function commandsOf({ language, code }: Block): Command[] {
  if (language === 'sh')
    return code
      .trim()
      .split('\n')
      .map((line) => ({ line, output: '', programs: programsOf(line) }));
  const parts = code.split(/^\$ /m);
  assert.equal(parts.shift(), '', 'a block of commands begins with one');
  return parts.map((part) => {
    const end = part.indexOf('\n');
    const line = part.slice(0, end);
    return { line, output: part.slice(end + 1), programs: programsOf(line) };
  });
}

const blocks = pages()
  .flatMap(blocksOf)
  .filter(({ language }) => language === 'console' || language === 'sh')
  .map((block) => ({ ...block, commands: commandsOf(block) }));
const isFlowtap = ({ name }: StartedProgram) => name === 'flowtap';
const isMistake = ({ output }: Command) => /^Try 'flowtap --help'\.$/m.test(output);

suite('commands', () => {
  test('there are some', () => assert.ok(blocks.length > 30));

  for (const { where, commands } of blocks)
    test(`${where} is understood`, () => {
      for (const command of commands)
        for (const { name, args } of command.programs) {
          if (name !== 'flowtap') assert.ok(Object.hasOwn(others, name), `${name} is not in the list: ${command.line}`);
          else if (!isMistake(command)) assert.doesNotThrow(() => parseCommandLine(args, ''), command.line);
          if (name === 'npm') checkScript(args, command.line);
        }
    });

  test('every program of the list is in use', () => {
    const used = new Set(
      blocks.flatMap(({ commands }) => commands.flatMap(({ programs }) => programs)).map(({ name }) => name),
    );
    assert.deepEqual(
      Object.keys(others).filter((name) => !used.has(name)),
      [],
    );
  });
});

function checkScript([verb = '', name = '']: string[], line: string): void {
  const { scripts } = JSON.parse(readFileSync(path.join(top, 'package.json'), 'utf8'));
  const script = verb === 'run' ? name : ['start', 'test'].includes(verb) ? verb : undefined;
  if (script !== undefined) assert.ok(Object.hasOwn(scripts, script), line);
  else assert.ok(['i', 'rebuild', 'ci', 'pack'].includes(verb), line);
}

/** What runs as it stands: it captures nothing live, and what else it starts is here and only reads. */
function runsHere({ programs }: Command): boolean {
  const flowtaps = programs.filter(isFlowtap);
  return (
    (flowtaps.length > 0 || programs.some(({ name }) => name === 'ls')) &&
    flowtaps.every(
      ({ args }) => args.includes('--explain') || /^(?:-r|--read)$/.test(args[0] ?? '') || args[0] === '--where',
    ) &&
    programs.every(({ name }) => ['flowtap', 'npx', 'jq', 'grep', 'ls', 'tshark'].includes(name))
  );
}

/** A folder in which `flowtap` is found, and the files that pages read. */
function lay(): string {
  const folder = temporaryFolder();
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  const tsx = path.join(top, 'node_modules/tsx/dist/esm/index.mjs');
  writeFileSync(
    path.join(bin, 'flowtap'),
    `#!/bin/sh\nexec "${process.execPath}" --import "file://${tsx}" "${mainPath}" "$@"\n`,
  );
  chmodSync(path.join(bin, 'flowtap'), 0o755);
  writeFileSync(path.join(bin, 'npx'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
  const demo = 'examples/demo/incident.pcap';
  for (const file of [demo, `node_modules/flowtap/${demo}`, 'incident.pcap', 'incident.pcapng']) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    copyFileSync(path.join(top, demo), path.join(folder, file));
  }
  const response = (status: string) => `HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nok`;
  const day = pcapOf([
    [
      { request: 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n', response: response('200 OK') },
      { request: 'GET /b HTTP/1.1\r\nHost: x\r\n\r\n', response: response('503 Service Unavailable') },
    ],
  ]);
  for (const name of ['day.pcap', 'day-1.pcap', 'day-2.pcap']) writeFileSync(path.join(folder, name), day);
  return folder;
}

suite('commands that read files', { timeout: 600_000 }, () => {
  for (const { where, page, commands } of blocks) {
    if (!commands.some(runsHere)) continue;
    const folder = lay();
    for (const command of commands.filter(runsHere)) {
      const lacks = command.programs.find(({ name }) => name !== 'flowtap' && spawnSync('which', [name]).status !== 0);
      const skipped = lacks ? skip(`${lacks.name} is not installed`) : false;
      test(`${where} runs: ${command.line}`, { skip: skipped }, () => {
        const { status, stdout } = spawnSync('bash', ['-c', `set -o pipefail; exec 2>&1; ${command.line}`], {
          cwd: folder,
          encoding: 'utf8',
          env: { ...process.env, PATH: `${folder}/bin:${process.env.PATH}`, NO_COLOR: '1' },
          timeout: 60_000,
        });
        assert.equal(status, isMistake(command) ? 2 : 0, stdout);
        // What does not depend on a capture of the reader's is told to the letter.
        const exact = page === 'docs/tcpflow.md' || command.line.includes('--explain') || isMistake(command);
        if (exact && command.output !== '') assert.equal(stdout.trimEnd(), command.output.trimEnd());
      });
    }
  }
});
