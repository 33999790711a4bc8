/** `flowtap listeners` and `flowtap interfaces`. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { after, describe as suite, test } from 'node:test';
import { run } from '../lib/cli/run.js';
import { formatTable } from '../lib/cli/table.js';
import type { Terminal } from '../lib/cli/terminal.js';
import { flowtap } from './cli-support.js';
import { loopback, skip, skipUnlessLive, temporaryFolder, top } from './support/environment.js';
import { addNamespace, HttpProcess, skipUnlessNamespaces } from './support/http-process.js';

const linux = process.platform === 'linux' ? false : skip('listeners are told on Linux only');
const namespaces = linux || skipUnlessNamespaces();
const setpriv = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

/** Somebody else, who can read the checkout. */
function skipUnlessSomebodyElse(): string | false {
  if (process.getuid?.() !== 0) return skip('only root can be somebody else');
  const [command = '', ...args] = [...setpriv, 'test', '-r', `${top}/package.json`];
  return spawnSync(command, args).status === 0 ? false : skip('somebody else cannot read the checkout');
}
const somebodyElse = linux || skipUnlessSomebodyElse();

interface Line {
  address: string;
  port: number;
  sameNamespace: boolean;
  processes: { pid: number; name: string; commandLine: string }[];
}

async function listeners(): Promise<Line[]> {
  const { code, stdout, stderr } = await flowtap(['listeners', '--json']);
  assert.equal(code, 0, stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** The cells of the row of a port. */
function rowOf(table: string, port: number): string[] | undefined {
  return table
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/))
    .find(([first]) => first === String(port));
}

suite('flowtap listeners', { skip: linux, timeout: 120_000 }, () => {
  test('shows who listens, by port, as a table and as NDJSON', async () => {
    const speaker = await HttpProcess.start();
    try {
      const port = await speaker.do({ act: 'listen' });
      const { code, stdout, stderr } = await flowtap(['listeners']);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^ *port {2}address +pid {2}process /);
      const row = rowOf(stdout, port) ?? [];
      assert.deepEqual(row.slice(0, 4), [String(port), '127.0.0.1', String(speaker.pid), 'node']);
      assert.match(row.at(-1) ?? '', /node \/.*http-process\.mjs$/);

      const list = await listeners();
      const found = list.find((one) => one.port === port);
      assert.equal(found?.address, '127.0.0.1');
      assert.equal(found.sameNamespace, true);
      assert.deepEqual(
        found.processes.map(({ pid, name }) => [pid, name]),
        [[speaker.pid, 'node']],
      );
      const ports = list.map((one) => one.port);
      assert.deepEqual(
        ports,
        [...ports].sort((a, b) => a - b),
      );
    } finally {
      await speaker.stop();
    }
  });

  test('counts others that share a port', async () => {
    const speaker = await HttpProcess.start();
    try {
      const { port } = await speaker.do<{ port: number }>({ act: 'share' });
      const { stdout } = await flowtap(['listeners']);
      assert.equal(rowOf(stdout, port)?.[3], 'node +1');
    } finally {
      await speaker.stop();
    }
  });

  test('shows names that cannot control the terminal, in lines that fit it', async () => {
    const evil = path.join(temporaryFolder(), `a\x1b[31m\u202e${randomBytes(2).toString('hex')}`);
    symlinkSync(process.execPath, evil);
    const speaker = await HttpProcess.start([], evil);
    try {
      const port = await speaker.do({ act: 'listen' });
      for (const args of [[], ['--json']]) {
        const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 140 });
        const stderr = new PassThrough();
        const terminal = { stdin: process.stdin, stdout, stderr, env: {} } as unknown as Terminal;
        assert.equal(await run(['listeners', ...args], terminal), 0);
        const text = String(stdout.read());
        assert.ok(text.includes(String(port)));
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the subject
        assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
        if (args.length > 0) continue;
        assert.match(rowOf(text, port)?.[3] ?? '', /^a\\x1b\[31m\\u202e/);
        for (const line of text.split('\n')) assert.ok(line.length <= 140, line);
      }
    } finally {
      await speaker.stop();
    }
  });

  test('shows other network namespaces, and how to get there', { skip: namespaces }, async () => {
    const namespace = addNamespace();
    after(() => namespace.remove());
    const speaker = await HttpProcess.start(namespace.wrapper);
    try {
      const port = await speaker.do({ act: 'listen' });
      const { stdout, stderr } = await flowtap(['listeners']);
      const row = rowOf(stdout, port) ?? [];
      assert.deepEqual([row[2], row.at(-2)], [String(speaker.pid), 'other']);
      assert.match(stdout, /^.* network +command\n/);
      assert.match(stderr, /^flowtap: other networks, .* --pid$/m);
    } finally {
      await speaker.stop();
    }
  });

  test('says what may not be seen, and who sees it', { skip: somebodyElse }, async () => {
    const speaker = await HttpProcess.start();
    try {
      const port = await speaker.do({ act: 'listen' });
      const { code, stdout, stderr } = await flowtap(['listeners'], { wrapper: setpriv });
      assert.equal(code, 0, stderr);
      const row = rowOf(stdout, port) ?? [];
      assert.deepEqual([...row.slice(0, 4), row.at(-1)], [String(port), '127.0.0.1', '-', '-', '-']);
      assert.match(stderr, /^flowtap: \d+ listeners? whose process cannot be seen: .*root/m);
    } finally {
      await speaker.stop();
    }
  });
});

suite('flowtap interfaces', { timeout: 120_000 }, () => {
  test('shows what can be captured on', async () => {
    const live = await skipUnlessLive();
    const { code, stdout, stderr } = await flowtap(['interfaces']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^interface +state +addresses +capture\n/);
    const row = stdout.split('\n').find((line) => line.startsWith(`${loopback} `)) ?? '';
    assert.match(row, live ? /up, loopback +127\.0\.0\.1.* {2}not permitted$/ : /up, loopback +127\.0\.0\.1.* {2}\w+/);

    const lines = (await flowtap(['interfaces', '--json'])).stdout.trimEnd().split('\n');
    const found = lines.map((line) => JSON.parse(line)).find(({ name }) => name === loopback);
    assert.deepEqual([found.up, found.loopback], [true, true]);
    assert.ok(found.addresses.includes('127.0.0.1'));
    if (live) assert.equal(found.error.code, 'ERR_PERMISSION');
    else assert.match(found.linkType, /^(?:EN10MB|NULL)$/);
  });

  test('tells why one cannot be opened', { skip: namespaces }, async () => {
    // Nobody has switched the loopback interface on in there.
    const wrapper = ['unshare', '-n'];
    const { code, stdout, stderr } = await flowtap(['interfaces'], { wrapper });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^lo +down, loopback +- +the interface "lo" is not up/m);
    const { stdout: lines } = await flowtap(['interfaces', '--json'], { wrapper });
    const found = lines.split('\n').find((line) => line.includes('"lo"')) ?? '';
    assert.equal(JSON.parse(found).error.code, 'ERR_NO_INTERFACE');
  });

  test('says once what permits it', { skip: somebodyElse }, async () => {
    const { code, stdout, stderr } = await flowtap(['interfaces'], { wrapper: setpriv });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^lo .* not permitted$/m);
    assert.match(stderr, /^flowtap: capturing on "\S+" is not permitted \(.*\)\. .*root.*\n$/);
  });
});

suite('tables', () => {
  const columns = [{ heading: 'port', right: true }, { heading: 'name' }, { heading: 'command' }];

  test('are aligned, by what characters take on a terminal', () => {
    assert.equal(
      formatTable(columns, [
        ['8000', '東京', 'a'],
        ['80', 'e\u0301\u{1f600}', 'b'],
        ['1', '', ''],
      ]),
      'port  name  command\n8000  東京  a\n  80  e\u0301\u{1f600}   b\n   1\n',
    );
  });

  test('fit the terminal', () => {
    const [, row] = formatTable(columns, [['80', 'x', '東京'.repeat(20)]], 40).split('\n');
    assert.equal(row, `  80  x     ${'東京'.repeat(6)}東…`);
    assert.ok((formatTable(columns, [['80', 'x', 'y'.repeat(99)]], 10).split('\n')[1] ?? '').length <= 32);
  });
});
