import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { capture } from '../lib/index.js';
import { commandArgs, flowtap, flowtapHere, mainPath, pcapOf } from './cli-support.js';
import { loopback, skip, skipUnlessLive, temporaryFile, temporaryFolder, within } from './support/environment.js';

const client = '010.000.000.001.40000-010.000.000.002.08000';
const server = '010.000.000.002.08000-010.000.000.001.40000';
const answer =
  'HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 11\r\n\r\n{"ok":true}';
const request = 'GET /a HTTP/1.1\r\nHost: example.test\r\n\r\n';
const file = temporaryFile(pcapOf([[{ request, response: answer }]]));

/** Names in a folder, without the report. */
const names = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name !== 'report.xml' && lstatSync(path.join(folder, name)).isFile())
    .sort();

suite('-o', () => {
  test('flows, bodies and a report; nothing on standard output', async () => {
    const folder = temporaryFolder();
    const { code, stdout, stderr } = await flowtapHere(['-r', file, '-o', folder]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '');
    assert.deepEqual(names(folder), [client, server, `${server}-HTTPBODY-001.json`].sort());
    assert.equal(readFileSync(path.join(folder, client), 'utf8'), request);
    assert.equal(readFileSync(path.join(folder, server), 'utf8'), answer);
    assert.equal(readFileSync(path.join(folder, `${server}-HTTPBODY-001.json`), 'utf8'), '{"ok":true}');
    assert.match(stderr, /^flowtap: secrets are in .* as captured$/m);
    assert.match(stderr, /^flowtap: 2 messages \(1 request, 1 response\), 10 packets$/m);
    assert.match(stderr, /^flowtap: 2 flows and 1 body in /m);
  });

  test('beside other outputs, which are the same as without', async () => {
    for (const flags of [['--console'], ['--json'], ['--raw'], ['--exchanges', '--status', '200']]) {
      const { code, stdout } = await flowtapHere(['-r', file, '-o', temporaryFolder(), ...flags]);
      assert.equal(code, 0);
      assert.equal(stdout, (await flowtapHere(['-r', file, ...flags])).stdout);
      assert.notEqual(stdout, '');
    }
  });

  test('beside --write: the packets of the connections that match, of a file, of several, of standard input', async () => {
    const missing = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n';
    const two = pcapOf([[{ request, response: answer }], [{ request, response: missing }]]);
    const both = temporaryFile(two);
    const inputs: [string[], { input: Buffer } | undefined][] = [
      [['-r', both], undefined],
      [['-r', both, '-r', file], undefined],
      [['-r', '-'], { input: two }],
    ];
    for (const [source, input] of inputs) {
      const folder = temporaryFolder();
      const written = path.join(temporaryFolder(), 'matched.pcapng');
      const args = [...source, '-o', folder, '--write', written, '--status', '404'];
      const { code, stderr } = await (input ? flowtap(args, input) : flowtapHere(args));
      assert.equal(code, 0, stderr);
      assert.match(stderr, /wrote \d+ packets of 1 connection to/);
      assert.ok(names(folder).length >= 4, names(folder).join());
      const statuses: number[] = [];
      for await (const message of capture({ file: written }))
        if (message.kind === 'response') statuses.push(message.status);
      assert.deepEqual(statuses, [404]);
    }
  });

  test('beside --write: what cannot be written is told, and flows go on', {
    skip: !existsSync('/dev/full'),
  }, async () => {
    const folder = temporaryFolder();
    const { code, stderr } = await flowtapHere(['-r', file, '-o', folder, '--write', '/dev/full']);
    assert.equal(code, 1);
    assert.match(stderr, /cannot write \/dev\/full: No space left on device/i);
    assert.equal(names(folder).length, 3);
  });

  test('what does not match has a flow, and no body', async () => {
    const folder = temporaryFolder();
    await flowtapHere(['-r', file, '-o', folder, '--kind', 'request']);
    assert.deepEqual(names(folder), [client, server].sort());
  });

  test('--no-body writes flows alone', async () => {
    const folder = temporaryFolder();
    await flowtapHere(['-r', file, '-o', folder, '--no-body']);
    assert.deepEqual(names(folder), [client, server].sort());
  });

  test('a report that exists is not replaced without --force', async () => {
    const folder = temporaryFolder();
    await flowtapHere(['-r', file, '-o', folder]);
    const again = await flowtapHere(['-r', file, '-o', folder]);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /report\.xml exists: --force replaces it\n$/);
    // The clock of a file system is coarse.
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal((await flowtapHere(['-r', file, '-o', folder, '--force'])).code, 0);
    assert.equal(names(folder).length, 3);
  });

  test('a damaged capture: what came before is written, then the error', async () => {
    const folder = temporaryFolder();
    const damaged = temporaryFile(readFileSync(file).subarray(0, -5));
    const { code, stderr } = await flowtapHere(['-r', damaged, '-o', folder]);
    assert.equal(code, 1);
    assert.equal(names(folder).length, 3);
    assert.match(stderr, /truncated/);
    assert.match(readFileSync(path.join(folder, 'report.xml'), 'utf8'), /<\/dfxml>\n$/);
  });

  test('a file that cannot grow is told once; the others and standard output are whole', async (t) => {
    if (spawnSync('prlimit', ['--version']).error !== undefined) return t.skip(skip('prlimit is not installed'));
    const large = `HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`;
    const small = temporaryFile(pcapOf([[{ request, response: large }], [{ request, response: answer }]]));
    const folder = temporaryFolder();
    const args = ['--fsize=100000', process.execPath, '--import', 'tsx', mainPath, '-r', small, '-o', folder, '--json'];
    // Without a cache on disk, which the limit is not meant for.
    const env = { ...process.env, TSX_DISABLE_CACHE: '1' };
    const { status, stdout, stderr } = spawnSync('prlimit', args, { encoding: 'utf8', env, timeout: 60_000 });
    assert.equal(status, 1, stderr);
    assert.equal(stdout.trim().split('\n').length, 4);
    assert.equal(stderr.match(/Cannot write/g)?.length, 1, stderr);
    assert.match(stderr, /EFBIG/);
    const other = '010.000.000.002.08000-010.000.000.001.40001';
    assert.equal(readFileSync(path.join(folder, other), 'utf8'), answer);
    assert.equal(readFileSync(path.join(folder, `${other}-HTTPBODY-001.json`), 'utf8'), '{"ok":true}');
    assert.match(readFileSync(path.join(folder, 'report.xml'), 'utf8'), /<error>/);
  });

  test('when the reader of standard output goes away files are written on', async () => {
    const many = Array.from({ length: 2000 }, () => ({ request, response: answer }));
    const capture = temporaryFile(pcapOf([many]));
    const folder = temporaryFolder();
    const child = spawn(process.execPath, [...commandArgs, '-r', capture, '-o', folder, '--console']);
    child.stdout.destroy();
    const [code] = await within(once(child, 'close'), 'the end');
    assert.equal(code, 0);
    assert.equal(readFileSync(path.join(folder, client)).length, 2000 * request.length);
    assert.equal(names(folder).length, 2002);
  });
});

suite('names', () => {
  const cases: [flags: string[], files: string[]][] = [
    [
      ['-T', '%a/%b%c'],
      ['08000/40000', '08000/40000-HTTPBODY-001.json', '40000/08000'],
    ],
    [['-Fk'], [`000/${client}`, `000/${server}`, `000/${server}-HTTPBODY-001.json`]],
    [['-F', 'm'], [client, server, `${server}-HTTPBODY-001.json`].map((name) => `000000-000999/000000/${name}`)],
    [['-Ft'], [client, server, `${server}-HTTPBODY-001.json`].map((name) => `1668229140T${name}`)],
    [['-FT'], [client, server, `${server}-HTTPBODY-001.json`].map((name) => `2022-11-12T04:59:00Z${name}`)],
    [['-FX'], []],
  ];
  for (const [flags, files] of cases) {
    test(flags.join(' '), async () => {
      const folder = temporaryFolder();
      const { code, stderr } = await flowtapHere(['-r', file, '-o', folder, ...flags]);
      assert.equal(code, 0, stderr);
      assert.deepEqual(names(folder), files.sort());
      assert.ok(existsSync(path.join(folder, 'report.xml')));
    });
  }

  test('-X, -FM and -b', async () => {
    const folder = temporaryFolder();
    const report = path.join(temporaryFolder(), 'flows.xml');
    const { stderr } = await flowtapHere(['-r', file, '-o', folder, '-X', report, '-FM', '-b', '10']);
    assert.equal(readFileSync(path.join(folder, client), 'utf8'), request.slice(0, 10));
    assert.match(readFileSync(report, 'utf8'), /<hashdigest type='MD5'>[0-9a-f]{32}</);
    assert.match(stderr, /left out because of --max-flow/);
  });
});

suite('--tcp', () => {
  test('as text', async () => {
    const { code, stdout, stderr } = await flowtapHere(['-r', file, '--tcp']);
    assert.equal(code, 0);
    const plain = (text: string) => text.replaceAll('\r\n', '\n');
    assert.equal(
      stdout,
      `10.0.0.1:40000 -> 10.0.0.2:8000\n${plain(request)}\n10.0.0.2:8000 -> 10.0.0.1:40000\n${plain(answer)}\n\n`,
    );
    assert.match(stderr, /^flowtap: 1 connection, \d+ bytes, 10 packets$/m);
  });

  test('as it was sent', async () => {
    assert.equal((await flowtapHere(['-r', file, '-C', '-B'])).stdout, request + answer);
  });

  test('in hexadecimal', async () => {
    const { stdout } = await flowtapHere(['-r', file, '-CD0']);
    assert.match(
      stdout,
      /^0000: 4745 5420 2f61 2048 5454 502f 312e 310d 0a48 6f73 743a 2065 7861 6d70 6c65 2e74 {2}GET \/a HTTP/,
    );
  });

  test('as JSON', async () => {
    const { stdout } = await flowtapHere(['-r', file, '--tcp', '--json']);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['open', 'data', 'data', 'end', 'end', 'close'],
    );
    assert.equal(Buffer.from(events[1].bytes, 'base64').toString(), request);
  });

  test('controls do not reach a terminal', async () => {
    const hostile = temporaryFile(pcapOf([[{ request: '\x1b[2J\x07', response: '\u202e' }]]));
    const { stdout } = await flowtapHere(['-r', hostile, '--tcp']);
    assert.ok(stdout.includes('\\x1b[2J\\x07'), stdout);
    assert.ok(!/[^\n -~]/.test(stdout), stdout);
  });

  test('with -o the same flows are in files', async () => {
    const folder = temporaryFolder();
    await flowtapHere(['-r', file, '--tcp', '-o', folder]);
    assert.deepEqual(names(folder), [client, server].sort());
  });
});

suite('-I and -R', () => {
  const twice = (response: string) => [
    { request, response },
    { request: request.replace('/a', '/b'), response },
  ];
  const captured = pcapOf([twice(answer)]);

  test('-I: the times of the pieces of a flow', async () => {
    const folder = temporaryFolder();
    const { code, stderr } = await flowtapHere(['-r', temporaryFile(captured), '-I', '-o', folder]);
    assert.equal(code, 0, stderr);
    const index = readFileSync(path.join(folder, `${server}.findx`), 'utf8');
    assert.match(index, /^0\|1668229140\.\d{6}\|\d+\n\d+\|1668229140\.\d{6}\|\d+\n$/);
    const sum = index.split('\n').reduce((bytes, line) => bytes + Number(line.split('|')[2] ?? 0), 0);
    assert.equal(sum, 2 * answer.length);
    const compressed = temporaryFolder();
    await flowtapHere(['-r', temporaryFile(captured), '-I', '-o', compressed, '--compress', 'gz']);
    assert.ok(names(compressed).includes(`${server}.findx.gz`), names(compressed).join());
    // A name is taken when that of its index is.
    const taken = temporaryFolder();
    writeFileSync(path.join(taken, `${server}.findx`), 'other');
    await flowtapHere(['-r', temporaryFile(captured), '-I', '-o', taken]);
    assert.equal(readFileSync(path.join(taken, `${server}.findx`), 'utf8'), 'other');
    assert.ok(names(taken).includes(`${server}c1`), names(taken).join());
  });

  test('-R: finishes connections, and begins none', async () => {
    // One connection behind the other; the first file ends within the first.
    const whole = pcapOf([twice(answer), twice(answer)]);
    const headerBytes = 24;
    let cut = headerBytes;
    for (let packet = 0; packet < 5; packet++) cut += 16 + whole.readUInt32LE(cut + 8);
    const rest = Buffer.concat([whole.subarray(0, headerBytes), whole.subarray(cut)]);
    const [r, R] = [temporaryFile(whole.subarray(0, cut)), temporaryFile(rest)];
    for (const flags of [['-o'], ['--tcp', '-o']]) {
      const [some, all] = [temporaryFolder(), temporaryFolder()];
      const finished = await flowtapHere(['-r', r, '-R', R, ...flags, some]);
      assert.equal(finished.code, 0, finished.stderr);
      await flowtapHere(['-r', r, '-r', R, ...flags, all]);
      const flowsOf = (folder: string) => names(folder).filter((name) => !name.includes('-HTTPBODY-'));
      assert.deepEqual(flowsOf(some), [client, server].sort());
      assert.ok(flowsOf(all).length > 2);
      for (const name of flowsOf(some)) {
        assert.deepEqual(readFileSync(path.join(some, name)), readFileSync(path.join(all, name)));
      }
      assert.equal(readFileSync(path.join(some, server)).length, 2 * answer.length);
    }
  });
});

suite('refused, with what to use', () => {
  const cases: [args: string[], words: RegExp][] = [
    ...['d 5', 'E http', 'H', 'J', 'K', 'l', 'L x', 'P', 'q', 'S a=b', 'v', 'w x', 'x http', 'z /'].map(
      (flag): [string[], RegExp] => [`-${flag}`.split(' '), new RegExp(`^flowtap: -${flag[0]}: \\w`)],
    ),
    [['-Fc'], /%#/],
    [['-Fq'], /the forms are/],
    [['-e', 'netviz'], /http/],
    [['-T', '%A'], /-o DIR/],
    [['-o', 'x', '-T', '%A', '-Fk'], /exclude/],
    [['-o', 'x', '-T', '../%A'], /leads out/],
    [['-o', 'x', '--redact'], /as they were sent/],
    [['--tcp', '--har', 'x'], /not messages/],
    [['--tcp', '--status', '200'], /not messages/],
    [['-D', '-B'], /exclude/],
    [['-I'], /-o DIR/],
    [['-I', '-o', 'x', '-FX'], /-o DIR/],
    [['-I', '-X', 'x'], /-o DIR/],
    [['-R', 'x'], /about flows/],
    [['-i', 'lo', '-R', 'x', '-o', 'y'], /with -r/],
    [['-R', 'x', '-o', 'y', '--write', 'z'], /exclude/],
    [['-o', 'x', '--write', 'y', '-n', '3'], /side by side/],
  ];
  for (const [args, words] of cases) {
    test(args.join(' '), async () => {
      const source = args.includes('-i') ? [] : ['-r', file];
      const { code, stderr } = await flowtapHere([...source, ...args]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, words);
    });
  }
});

test('live: files are there while it goes on, and whole at the end', { timeout: 60_000 }, async (t) => {
  const reason = await skipUnlessLive();
  if (reason) return t.skip(reason);
  const http = createServer((_, response) => response.setHeader('content-type', 'text/plain').end('hello'));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => http.close());
  const { port } = http.address() as AddressInfo;
  const folder = temporaryFolder();
  const args = ['-i', loopback, '-p', String(port), '-o', folder, '--exchanges'];
  const child: ChildProcess = spawn(process.execPath, [...commandArgs, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let stderr = '';
  const listening = new Promise<void>((resolve) => {
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
      if (stderr.includes('secrets are in')) resolve();
    });
  });
  await within(listening, 'listening');
  const line = once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
  const [response] = await once(get({ host: '127.0.0.1', port, agent: false }), 'response');
  response.resume();
  await within(line, 'the exchange on standard output');
  const body = names(folder).find((name) => name.endsWith('-HTTPBODY-001.txt')) as string;
  assert.equal(readFileSync(path.join(folder, body), 'utf8'), 'hello');
  const closed = once(child, 'close');
  child.kill('SIGINT');
  const [code] = await within(closed, 'the end');
  assert.equal(code, 0, stderr);
  assert.match(stderr, /2 flows and 1 body in/);
  assert.match(readFileSync(path.join(folder, 'report.xml'), 'utf8'), /HTTPBODY-001\.txt[\s\S]*<\/dfxml>\n$/);
});

test('standard input', async () => {
  const folder = temporaryFolder();
  const { code, stderr } = await flowtap(['-r', '-', '-o', folder], { input: readFileSync(file) });
  assert.equal(code, 0, stderr);
  assert.equal(names(folder).length, 3);
});

test('a folder that is a file', async () => {
  const folder = path.join(temporaryFolder(), 'file');
  writeFileSync(folder, '');
  const { code, stderr } = await flowtapHere(['-r', file, '-o', folder]);
  assert.equal(code, 1);
  assert.match(stderr, /Cannot write .*: .* is not a folder\n$/);
});

test('a folder that cannot be made', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  const child = spawnSync(process.execPath, [...commandArgs, '-r', file, '-o', '/proc/not/there'], {
    encoding: 'utf8',
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  assert.equal(child.signal, null, 'it hangs');
  assert.equal(child.status, 1);
  assert.match(child.stderr, /Cannot write \/proc\/not\/there/);
});
