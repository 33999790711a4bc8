/** `--write FILE` through the command: on a file, and on live traffic. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { get } from 'node:http';
import path from 'node:path';
import { suite, test } from 'node:test';
import { capture, type Message } from '../lib/index.js';
import { commandArgs, flowtap, flowtapHere, pcapOf } from './cli-support.js';
import {
  collect,
  loopback,
  skip,
  skipUnlessLive,
  temporaryFile,
  temporaryFolder,
  within,
} from './support/environment.js';
import { serve } from './support/loopback.js';
import { readPcapng } from './support/pcapng-file.js';

const ok = {
  request: 'GET /ok HTTP/1.1\r\nHost: a.test\r\n\r\n',
  response: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
};
const bad = {
  request: 'GET /bad?token=s3cr3t HTTP/1.1\r\nHost: a.test\r\n\r\n',
  response: 'HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno',
};
/** Each connection of one exchange has 10 packets, each further exchange four. */
const input = temporaryFile(pcapOf([[ok], [ok, bad], [ok], [bad]]));
const newPath = () => path.join(temporaryFolder(), 'out.pcapng');
const shown = ({ kind, head, body }: Message) => `${kind} ${head.toString('latin1')}${body?.toString('latin1')}`;

suite('a capture file', () => {
  test('only packets are written when nothing else is asked for, and what is in them is said', async () => {
    const to = newPath();
    const { code, stdout, stderr } = await flowtapHere(['-r', input, '--status', '500', '--write', to]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '');
    assert.ok(stderr.includes(`flowtap: ${to} holds packets as captured, with every secret in them\n`), stderr);
    assert.ok(stderr.endsWith(`flowtap: wrote 24 packets of 2 connections to ${to}\n`), stderr);
    assert.equal(readPcapng(readFileSync(to)).packets.length, 24);
    assert.equal(statSync(to).mode & 0o777, 0o600);
  });

  test('what is written reads back with the same messages', async () => {
    const to = newPath();
    assert.equal((await flowtapHere(['-r', input, '--status', '500', '--write', to])).code, 0);
    const all = await collect(capture({ file: input }));
    const ports = new Set((await collect(capture({ file: to }))).map(({ connection }) => connection.client.port));
    assert.deepEqual(
      (await collect(capture({ file: to }))).map(shown),
      all.filter(({ connection }) => ports.has(connection.client.port)).map(shown),
    );
  });

  test('beside other outputs; masking does not reach packets, and that is said', async () => {
    const to = newPath();
    const { code, stdout, stderr } = await flowtapHere(['-r', input, '--exchanges', '--redact', '--write', to]);
    assert.equal(code, 0);
    assert.equal(stdout.trimEnd().split('\n').length, 5);
    assert.ok(!stdout.includes('s3cr3t'));
    assert.ok(
      stderr.includes(`secrets are masked; ${to} holds packets as captured, with every secret in them\n`),
      stderr,
    );
    assert.ok(readFileSync(to).includes('s3cr3t'));
    assert.ok(stderr.includes(`wrote 44 packets of 4 connections to ${to}\n`), stderr);
  });

  test('what JavaScript decides', async () => {
    const to = newPath();
    const { stderr } = await flowtapHere(['-r', input, '--grep', 'token=s3c', '--write', to]);
    assert.ok(stderr.includes(`wrote 24 packets of 2 connections to ${to}\n`), stderr);
  });

  test('with -n what comes behind is not written, however far it was read', async () => {
    const cases: [args: string[], connections: number][] = [
      [['-n', '1'], 1],
      [['-n', '2', '--json'], 1],
      [['-n', '3', '--summary'], 2],
      [['-n', '3', '--json', '--redact'], 2],
      [['-n', '1', '--exchanges'], 1],
      [['-n', '2', '--exchanges', '--summary'], 2],
      [['-n', '1', '--status', '500', '--json'], 1],
      [['-n', '1', '--status', '500', '--kind', 'request'], 1],
      [['-n', '1', '--grep', '/ok', '--json'], 1],
    ];
    const folder = temporaryFolder();
    for (const [index, [args, connections]] of cases.entries()) {
      const to = path.join(folder, `${index}.pcapng`);
      const { code, stderr } = await flowtapHere(['-r', input, ...args, '--write', to]);
      assert.equal(code, 0, stderr);
      const packets = connections === 1 ? (args.includes('500') ? 14 : 10) : 24;
      const written = `flowtap: wrote ${packets} packets of ${connections} connection${connections > 1 ? 's' : ''} to ${to}\n`;
      assert.ok(stderr.endsWith(written), `${args}: ${stderr}`);
    }
  });

  test('a file that exists is replaced with --force alone', async () => {
    const to = newPath();
    assert.equal((await flowtapHere(['-r', input, '--write', to])).code, 0);
    const before = readFileSync(to);
    const refused = await flowtapHere(['-r', input, '--status', '500', '--write', to]);
    assert.equal(refused.code, 1);
    assert.equal(refused.stderr, `flowtap: ${to} exists: --force replaces it\n`);
    assert.deepEqual(readFileSync(to), before);
    assert.equal((await flowtapHere(['-r', input, '--status', '500', '--write', to, '--force'])).code, 0);
    assert.ok(readFileSync(to).length < before.length);
  });

  test('the file that is read is not written', async () => {
    const { code, stderr } = await flowtapHere(['-r', input, '--write', input, '--force']);
    assert.equal(code, 2);
    assert.match(stderr, /which is the file that is read\n/);
    assert.ok(existsSync(input) && statSync(input).size > 1000);
  });

  test('a full disk costs no message, and is a failure', {
    skip: !existsSync('/dev/full') && skip('no /dev/full'),
  }, async () => {
    const args = ['-r', input, '--write', '/dev/full', '--force'];
    const { code, stdout, stderr } = await flowtap([...args, '--json']);
    assert.equal(code, 1);
    assert.equal(stdout.trimEnd().split('\n').length, 10);
    assert.equal(stderr.match(/cannot write \/dev\/full: No space left on device/g)?.length, 1);
    const alone = await flowtap(args);
    assert.equal(alone.code, 1);
    assert.equal(alone.stderr.match(/cannot write \/dev\/full/g)?.length, 1);
  });
});

test('live: the packets of the connection that matched, from the handshake on', { timeout: 60_000 }, async (t) => {
  const cannot = await skipUnlessLive();
  if (cannot) return t.skip(cannot);
  const to = newPath();
  const server = await serve((_body, _request, response) => response.end('ok'));
  t.after(() => server.close());
  const args = ['-i', loopback, '-p', String(server.port), '--path', '/wanted', '--json', '--write', to];
  const child = spawn(process.execPath, [...commandArgs, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let stderr = '';
  let stdout = '';
  const says = (stream: NodeJS.ReadableStream, wanted: () => boolean) =>
    within(
      (async () => {
        while (!wanted()) await once(stream, 'data');
      })(),
      'output',
    );
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  await says(child.stderr, () => stderr.includes('holds packets'));
  for (const target of ['/one', '/wanted', '/two']) {
    const request = get({ host: '127.0.0.1', port: server.port, path: target, agent: false });
    const [response] = await once(request, 'response');
    response.resume();
    await once(response, 'end');
  }
  await says(child.stdout, () => stdout.includes('\n'));
  const closed = once(child, 'close');
  child.kill('SIGINT');
  assert.deepEqual(await within(closed, 'the end'), [0, null], stderr);
  const messages = await collect(capture({ file: to }));
  assert.deepEqual(
    messages.map((message) => (message.kind === 'request' ? message.target : message.status)),
    ['/wanted', 200],
  );
  assert.ok(messages.every(({ integrity }) => integrity === 'complete'));
  const [exchange] = await collect(capture({ file: to }).exchanges());
  assert.ok(exchange?.timing.handshake, 'the handshake is in it');
  const written = readPcapng(readFileSync(to));
  assert.equal(written.interfaces[0]?.name, loopback);
  assert.match(stderr, new RegExp(`wrote ${written.packets.length} packets of 1 connection to `));
});
