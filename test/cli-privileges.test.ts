/** Root is given up when the source is open. sudo is simulated by the variables that it sets. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { describe as suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { waysToPermit } from '../lib/system/permission-advice.js';
import { mayHaveCapabilities } from '../lib/system/permission-facts.js';
import { commandArgs, flowtap, pcapOf } from './cli-support.js';
import { loopback, skip, skipUnlessLive, temporaryFolder, top, within } from './support/environment.js';
import { HttpProcess } from './support/http-process.js';
import { listen } from './support/live-command.js';

const root = process.getuid?.() === 0 ? false : skip('only root can give root up');
const live = root || (await skipUnlessLive());
const onLinux = process.platform === 'linux' ? live : skip('processes are told on Linux only');
const uid = root === false ? Number(execFileSync('id', ['-u', 'nobody'])) : 0;
const gid = root === false ? Number(execFileSync('id', ['-g', 'nobody'])) : 0;
const sudo = { SUDO_UID: String(uid), SUDO_GID: String(gid), SUDO_USER: 'nobody' };

const folders = temporaryFolder();
chmodSync(folders, 0o755);

/** A folder in which everybody may make files. */
function openFolder(): string {
  const folder = mkdtempSync(path.join(folders, 'open-'));
  chmodSync(folder, 0o777);
  return folder;
}

/** A folder that is root's alone. */
function rootFolder(): string {
  return mkdtempSync(path.join(folders, 'root-'));
}

/** The user ids of each thread, without repetition. */
function idsOf(pid: number | undefined): string[] {
  const lines = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8')
      .split('\n')
      .filter((line) => /^(Uid|Gid|Groups):/.test(line)),
  );
  return [...new Set(lines)].map((line) => line.trim().replaceAll('\t', ' '));
}

const setpriv = ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups'];

/** Whether who is no root can run the command at all. */
function mayReadCheckout(): boolean {
  return spawnSync('setpriv', [...setpriv.slice(1), 'test', '-r', `${top}/package.json`]).status === 0;
}

const exchange = {
  request: 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n',
  response: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
};

suite('under sudo', { skip: root, timeout: 120_000 }, () => {
  test('a live capture goes on as who called it, and its files are theirs', { skip: onLinux }, async (t) => {
    const speaker = await HttpProcess.start();
    t.after(() => speaker.stop());
    const port = await speaker.do({ act: 'listen' });
    const har = path.join(openFolder(), 'x.har');
    const tap = await listen(t, ['-i', loopback, '-p', String(port), '--har', har, '--exchanges'], sudo);
    assert.ok(tap);
    assert.match(tap.stderr(), /^flowtap: root was given up for nobody\nflowtap: listening on /);
    const ids = [uid, gid].map((id) => Array(4).fill(id).join(' '));
    assert.deepEqual(idsOf(tap.child.pid), [`Uid: ${ids[0]}`, `Gid: ${ids[1]}`, `Groups: ${gid}`]);
    const lines = createInterface({ input: tap.child.stdout as Readable })[Symbol.asyncIterator]();
    await speaker.do({ act: 'get', port, path: '/still' });
    assert.match((await within(lines.next(), 'a line')).value, /\/still 200/);
    const closed = once(tap.child, 'close');
    tap.child.kill('SIGINT');
    assert.deepEqual(await closed, [0, null], tap.stderr());
    assert.deepEqual([statSync(har).uid, statSync(har).gid], [uid, gid]);
    assert.equal(JSON.parse(readFileSync(har, 'utf8')).log.entries.length, 1);
  });

  test('a file is opened as root, then root is given up', async () => {
    const hidden = rootFolder();
    const capture = pcapOf([[exchange]]);
    for (const [name, bytes] of [
      ['a.pcap', capture],
      ['a.pcap.gz', gzipSync(capture)],
    ] as const) {
      const file = path.join(hidden, name);
      writeFileSync(file, bytes, { mode: 0o600 });
      const har = path.join(openFolder(), 'x.har');
      const { code, stderr } = await flowtap(['-r', file, '--har', har], { env: sudo });
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^flowtap: root was given up for nobody\nflowtap: reading .*\n.*\nflowtap: 2 messages/);
      assert.equal(statSync(har).uid, uid);
    }
  });

  test('of standard input nothing is read as root', async () => {
    const { code, stderr } = await flowtap(['-r', '-', '--exchanges'], { env: sudo, input: pcapOf([[exchange]]) });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /flowtap: root was given up for nobody\n/);
  });

  test('of several files all are opened as root', async () => {
    const hidden = rootFolder();
    const names = ['a.pcap', 'b.pcap'].map((name) => path.join(hidden, name));
    for (const name of names) writeFileSync(name, pcapOf([[exchange]]), { mode: 0o600 });
    const { code, stderr } = await flowtap(
      names.flatMap((name) => ['-r', name]),
      { env: sudo },
    );
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^flowtap: root was given up for nobody\nflowtap: reading .*\n.*\nflowtap: .*, 20 packets\n/);
  });

  test('who sends flows to standard input is not waited for as root', async (t) => {
    const child = spawn(process.execPath, [...commandArgs, '--tcp', '-r', '-'], { env: { ...process.env, ...sudo } });
    t.after(() => child.kill('SIGKILL'));
    child.stdout.resume();
    const lines = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
    const next = async () => (await within(lines.next(), 'a line')).value;
    assert.match(await next(), /^flowtap: reading standard input/);
    assert.equal(await next(), 'flowtap: root was given up for nobody');
    assert.equal(idsOf(child.pid)[0], `Uid: ${Array(4).fill(uid).join(' ')}`);
    const closed = once(child, 'close');
    child.stdin.end(pcapOf([[exchange]]));
    assert.deepEqual(await within(closed, 'the end'), [0, null]);
  });

  test('what the user may not write is an error, and is not made', async () => {
    const folder = rootFolder();
    const file = path.join(openFolder(), 'a.pcap');
    writeFileSync(file, pcapOf([[exchange]]));
    const existing = path.join(openFolder(), 'x.har');
    writeFileSync(existing, 'kept', { mode: 0o600 });
    for (const har of [path.join(folder, 'x.har'), existing]) {
      const { code, stderr } = await flowtap(['-r', file, '--har', har, '--force'], { env: sudo });
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^flowtap: root was given up for nobody\nflowtap: cannot write \S+x\.har: .*permission denied/,
      );
    }
    assert.deepEqual(readdirSync(folder), []);
    assert.equal(readFileSync(existing, 'utf8'), 'kept');
  });

  test('--user root keeps root, and so does who called sudo as root', async () => {
    const file = path.join(openFolder(), 'a.pcap');
    writeFileSync(file, pcapOf([[exchange]]));
    for (const [args, env] of [
      [['--user', 'root'], sudo],
      [[], { SUDO_UID: '0', SUDO_GID: '0' }],
    ] as const) {
      const { code, stderr } = await flowtap(['-r', file, '--raw', ...args], { env });
      assert.equal(code, 0, stderr);
      assert.doesNotMatch(stderr, /root/);
    }
  });

  test('following a process and showing processes keep root, unless --user says otherwise', {
    skip: onLinux,
  }, async (t) => {
    const speaker = await HttpProcess.start();
    t.after(() => speaker.stop());
    for (const [args, said, id] of [
      [
        ['--pid', String(speaker.pid)],
        /^flowtap: this stays root, which sees the sockets of all processes and owns the files it makes; --user NAME /,
        0,
      ],
      [['--show-process'], /^flowtap: this stays root, .* --user NAME gives root up\n/, 0],
      [['--netns', String(speaker.pid)], /^flowtap: root was given up for nobody\n/, uid],
      [
        ['--pid', String(speaker.pid), '--user', 'nobody'],
        /^flowtap: root was given up for nobody: from now on only processes of nobody are seen\n/,
        uid,
      ],
    ] as const) {
      const tap = await listen(t, args, sudo);
      assert.ok(tap);
      assert.match(tap.stderr(), said);
      assert.equal(idsOf(tap.child.pid)[0], `Uid: ${Array(4).fill(id).join(' ')}`);
      const closed = once(tap.child, 'close');
      tap.child.stdout?.resume();
      tap.child.kill('SIGINT');
      assert.deepEqual(await closed, [0, null], tap.stderr());
    }
  });
});

suite('--user', { skip: root, timeout: 120_000 }, () => {
  const file = () => {
    const name = path.join(openFolder(), 'a.pcap');
    writeFileSync(name, pcapOf([[exchange]]));
    return name;
  };

  test('is who it says, without sudo', async () => {
    const har = path.join(openFolder(), 'x.har');
    const { code, stderr } = await flowtap(['-r', file(), '--har', har, '--user', 'nobody']);
    assert.equal(code, 0, stderr);
    assert.equal(statSync(har).uid, uid);
  });

  test('that is not there is a usage error', async () => {
    const { code, stderr } = await flowtap(['-r', file(), '--user', 'nobody-of-that-name']);
    assert.equal(code, 2);
    assert.match(stderr, /^flowtap: There is no user "nobody-of-that-name"\n/);
  });

  test('without root is an error', async (t) => {
    if (!mayReadCheckout()) return t.skip(skip('somebody else cannot read the checkout'));
    const { code, stdout, stderr } = await flowtap(['-r', file(), '--user', 'root'], { wrapper: setpriv });
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.equal(stderr, 'flowtap: only root can become another user, so that --user root needs sudo\n');
  });
});

suite('what is said where capturing is not permitted', { skip: onLinux, timeout: 120_000 }, () => {
  const args = ['-i', loopback, '-p', '8000'];
  const folder = path.join(folders, 'bin');

  /** What stands behind these words in the error. */
  function lineBehind(words: string, stderr: string): string {
    const line = new RegExp(
      `^flowtap: capturing on "${loopback}" is not permitted.*${words}: ([^;\\n]*)(;.*)?$`,
      'm',
    ).exec(stderr);
    assert.ok(line, stderr);
    return line[1] as string;
  }

  function makeSudo(): Record<string, string> {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
    return { PATH: `${folder}:${process.env.PATH}` };
  }

  const pastable = waysToPermit('capture')[0]?.startsWith('run it as root');
  const paste = { skip: pastable ? false : skip('neither sudo nor setcap has an effect here') };

  test('the sudo line can be pasted, and captures', paste, async (t) => {
    if (!mayReadCheckout()) return t.skip(skip('somebody else cannot read the checkout'));
    const env = makeSudo();
    const { code, stderr } = await flowtap(args, { wrapper: setpriv, env });
    assert.equal(code, 1);
    const sudoLine = lineBehind('[Rr]un it as root', stderr);
    assert.ok(sudoLine.startsWith('sudo '), sudoLine);
    await listens(['sh', '-c', `exec ${sudoLine}`], env);
  });

  test('the setcap line can be pasted, and afterwards the same user captures', paste, async (t) => {
    if (!mayReadCheckout()) return t.skip(skip('somebody else cannot read the checkout'));
    const env = makeSudo();
    const node = path.join(folder, 'node');
    if (!mayHaveCapabilities(readFileSync('/proc/self/mountinfo', 'utf8'), node))
      return t.skip(skip('temporary files cannot have capabilities'));
    copyFileSync(process.execPath, node);
    chmodSync(node, 0o755);
    const command = [...setpriv, node, ...commandArgs, ...args];
    const { stderr } = spawnSync(command[0] as string, command.slice(1), {
      encoding: 'utf8',
      env: { ...process.env, ...env },
    });
    const setcap = lineBehind('the capabilities, once', stderr);
    assert.ok(setcap.endsWith(`=eip ${node}`), setcap);
    if (spawnSync('sh', ['-c', setcap], { env: { ...process.env, ...env } }).status !== 0)
      return t.skip(skip('setcap does not work here'));
    await listens(command, env);
  });

  test('in a container without the capability it is what to start that with', async () => {
    const wrapper = ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw', '--securebits', '+noroot'];
    const { code, stderr } = await flowtap(args, { wrapper });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /is not permitted.*\. Start \w+( \w+)? as root with CAP_NET_RAW.*; sudo and setcap do not help in here\n$/,
    );
  });

  /** Runs a command until it captures. */
  async function listens([program = '', ...words]: readonly string[], env: Record<string, string>): Promise<void> {
    const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
    const closed = once(child, 'close');
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      const before = stderr;
      stderr += chunk;
      const listening = /listening on .*, port 8000\n/;
      // A second signal would end it at once.
      if (listening.test(stderr) && !listening.test(before)) child.kill('SIGINT');
    });
    assert.deepEqual(await within(closed, 'the end'), [0, null], stderr);
    assert.match(stderr, /listening on /);
  }
});
