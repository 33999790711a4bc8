/** Outputs beside each other, on a file. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Har } from '../lib/index.js';
import { type CommandResult, commandArgs, flowtap, flowtapHere, pcapOf } from './cli-support.js';
import { temporaryFile, temporaryFolder } from './support/environment.js';
import { assertValidHar } from './support/har.js';

const zipped = gzipSync('{"error":"expired","access_token":"s3cr3t-of-the-answer"}');
const me = {
  request:
    'GET /api/me?access_token=s3cr3t-of-the-query HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer s3cr3t-of-the-head\r\n\r\n',
  response: Buffer.concat([
    Buffer.from(
      `HTTP/1.1 401 Unauthorized\r\nX-Echo: s3cr3t-of-the-head\r\nContent-Encoding: gzip\r\nContent-Type: application/json\r\nContent-Length: ${zipped.length}\r\n\r\n`,
    ),
    zipped,
  ]),
};
const order = {
  request:
    'POST /orders/17 HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\n\r\n',
  response: 'HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok',
};
const capture = temporaryFile(pcapOf([[me, order], [order]]));
const run = (...args: string[]) => flowtapHere(['-r', capture, ...args]);
const newPath = (name: string) => path.join(temporaryFolder(), name);

function archive(file: string): Har {
  const har: unknown = JSON.parse(readFileSync(file, 'utf8'));
  assertValidHar(har);
  return har;
}

test('--exchanges: a line each, exact where it is no terminal', async () => {
  const { code, stdout } = await run('--exchanges');
  assert.equal(code, 0);
  assert.equal(
    stdout,
    `2022-11-12T04:59:00.000300Z 10.0.0.1:40000 GET http://a.test/api/me?access_token=s3cr3t-of-the-query 401 0 ${zipped.length} 0.2ms 0.2ms
2022-11-12T04:59:00.000700Z 10.0.0.1:40000 POST http://a.test/orders/17 201 11 2 0.2ms 0.2ms
2022-11-12T04:59:00.001700Z 10.0.0.1:40001 POST http://a.test/orders/17 201 11 2 0.2ms 0.2ms
`,
  );
});

test('--summary: a table at the end', async () => {
  const { stdout, stderr } = await run('--summary');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));
  assert.deepEqual(lines[0], ['count', 'rate/s', 'errors', 'p50', 'p90', 'p99', 'bytes', 'endpoint']);
  assert.deepEqual(
    lines.slice(1).map((line) => [line[0], line[2], line[7]]),
    [
      ['2', '0%', 'POST a.test/orders/{id}'],
      ['1', '100%', 'GET a.test/api/me'],
    ],
  );
  assert.doesNotMatch(stderr, /secrets/);
  assert.equal((await run('--summary', '--status', '404')).stdout, '');
});

test('--curl: commands with an empty line between them', async () => {
  const { stdout } = await run('--curl', '--status', '401');
  assert.match(
    stdout,
    /^curl 'http:\/\/a\.test\/api\/me\?access_token=s3cr3t-of-the-query' \\\n(?:.*\n)*.*Bearer s3cr3t.*\n(?:.+\n)*\n$/,
  );
  const count = async (...args: string[]) => (await run('--curl', ...args)).stdout.match(/^curl /gm)?.length;
  assert.equal(await count(), 3);
  assert.equal(await count('-n', '2'), 2);
  assert.equal(await count('--status', '201', '-n', '2'), 2);
  assert.equal(await count('--status', '201', '-c'), 2);
});

test('--har: a valid archive, secrets masked, said aloud', async () => {
  const file = newPath('a.har');
  const { code, stdout, stderr } = await run('--har', file);
  assert.deepEqual([code, stdout], [0, '']);
  assert.equal(
    stderr,
    `flowtap: reading ${capture}, every TCP port
flowtap: secrets are masked in ${file}; --no-redact leaves them
flowtap: 6 messages (3 requests, 3 responses), 24 packets
flowtap: 3 exchanges in ${file}
`,
  );
  const { entries } = archive(file).log;
  assert.deepEqual(
    entries.map((entry) => [entry.request.method, entry.response.status]),
    [
      ['GET', 401],
      ['POST', 201],
      ['POST', 201],
    ],
  );
  assert.doesNotMatch(readFileSync(file, 'utf8'), /s3cr3t/);
});

test('--no-redact leaves them', async () => {
  const file = newPath('a.har');
  const { stderr } = await run('--har', file, '--no-redact', '--status', '401');
  assert.match(stderr, /\nflowtap: secrets are in .*a\.har as captured\n/);
  const [entry, ...others] = archive(file).log.entries;
  assert.equal(others.length, 0);
  assert.equal(entry?.request.headers[1]?.value, 'Bearer s3cr3t-of-the-head');
  assert.equal(entry?.response.content.text, '{"error":"expired","access_token":"s3cr3t-of-the-answer"}');
});

test('several at once: each has what it has alone', async () => {
  const file = newPath('all.har');
  const text = await run('-c', '--exchanges', '--curl', '--summary', '--har', file);
  const alone = await Promise.all(['-c', '--exchanges', '--curl', '--summary'].map((output) => run(output)));
  const length = alone.reduce((sum, { stdout }) => sum + stdout.length, 0);
  assert.equal(text.stdout.length, length);
  // An exchange stands behind its response.
  assert.match(
    text.stdout,
    /\[gzip: \d+ bytes, \d+ decoded\]\n\n2022\S+ 10\.0\.0\.1:40000 GET [^\n]+ 401 [^\n]+\n2022\S+ {2}10/,
  );
  assert.ok(text.stdout.endsWith(alone[3]?.stdout ?? '?'));
  assert.equal(archive(file).log.entries.length, 3);
});

test('what is for programs has standard output to itself', async () => {
  const json = await run('--json');
  const both = await run('--json', '--exchanges', '--summary', '-c');
  assert.equal(both.stdout, json.stdout);
  for (const part of [(await run('--summary')).stdout, '401 Unauthorized\n', 'POST http://a.test/orders/17 201 11 2']) {
    assert.ok(both.stderr.includes(part), part);
  }
  // No chunk of a body that other outputs need is kept as it was framed.
  const raw = await run('--raw', '--har', newPath('a.har'), '--method', 'POST', '-n', '1');
  assert.equal(raw.stdout, order.request.replace('5;x=y\r\nhello\r\n6\r\n world', 'b\r\nhello world') + order.response);
});

suite('--count', () => {
  const lines = async (...args: string[]) => (await run(...args)).stdout.split('\n').length - 1;
  test('counts messages', async () => assert.equal(await lines('--json', '-n', '3'), 3));
  test('counts exchanges where these are asked for', async () =>
    assert.equal(await lines('--exchanges', '-n', '2'), 2));
  test('with both, messages up to the end of the last exchange', async () => {
    const { stdout, stderr } = await run('--json', '--exchanges', '-n', '2');
    assert.equal(stdout.split('\n').length - 1, 4);
    assert.equal(stderr.match(/http:\/\/a\.test/g)?.length, 2);
  });
});

suite('--redact', () => {
  const outputs = ['--console', '--json', '--raw', '--exchanges', '--curl'];
  for (const output of outputs) {
    test(`with ${output}`, async () => {
      assert.match((await run(output, '--where', 'path == /api/me')).stdout, /s3cr3t/);
      const { code, stdout, stderr } = await run(output, '--redact');
      assert.equal(code, 0);
      assert.doesNotMatch(stdout, /s3cr3t/);
      assert.match(stdout, /redacted-[0-9a-f]{6}/);
      assert.match(stderr, /\nflowtap: secrets are masked\n/);
    });
  }

  test('--json keeps its members and their order', async () => {
    const parse = ({ stdout }: CommandResult) =>
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
    const [plain, masked] = [parse(await run('--json')), parse(await run('--json', '--redact'))];
    assert.deepEqual(masked.map(Object.keys), plain.map(Object.keys));
    const mask = masked[0].headers[1][1].replace('Bearer ', '');
    // The answer repeats the token in a header that nobody named.
    assert.deepEqual(masked[1].headers[0], ['X-Echo', mask]);
    assert.equal(masked[1].bodyDecoded, true);
    assert.equal(masked[1].bodyLength, Buffer.byteLength(masked[1].body));
    assert.match(JSON.parse(masked[1].body).access_token, /^redacted-/);
    // What has no secrets is as it was.
    assert.deepEqual(masked.slice(2), plain.slice(2));
  });

  test('--raw can still be sent: a chunked body comes in one chunk', async () => {
    const { stdout } = await run('--raw', '--redact', '--method', 'POST', '-n', '1');
    assert.equal(stdout, order.request.replace('5;x=y\r\nhello\r\n6\r\n world', 'b\r\nhello world'));
  });

  test('further names', async () => {
    const { stdout } = await run('--exchange', '--status', '401', '--redact-header', 'host', '--redact-field', 'error');
    assert.match(stdout, /Host: redacted-/);
    assert.match(stdout, /"error":"redacted-/);
    assert.doesNotMatch(stdout, /s3cr3t/);
  });
});

suite('files', () => {
  test('are not replaced without --force', async () => {
    const file = newPath('old.har');
    writeFileSync(file, 'old');
    const refused = await run('--har', file, '--exchanges');
    assert.equal(refused.code, 1);
    assert.equal(refused.stderr, `flowtap: ${file} exists: --force replaces it\n`);
    assert.equal(refused.stdout, '');
    assert.equal(readFileSync(file, 'utf8'), 'old');
    // Nor through a link.
    const link = newPath('link.har');
    symlinkSync(file, link);
    assert.equal((await run('--har', link)).code, 1);
    assert.equal((await run('--har', file, '--force')).code, 0);
    assert.equal(archive(file).log.entries.length, 3);
  });

  test('one that cannot be made is said before anything is written', async () => {
    const { code, stdout, stderr } = await run('--har', '/nowhere/a.har', '-c');
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^flowtap: cannot write \/nowhere\/a\.har: ENOENT[^\n]*\n$/);
  });

  test('are not made for a capture that cannot be opened', async () => {
    const file = newPath('a.har');
    assert.equal((await flowtap(['-r', '/nowhere', '--har', file])).code, 1);
    assert.ok(!existsSync(file));
  });

  test('one that is full does not stop the others', { skip: !existsSync('/dev/full') }, async () => {
    const { code, stdout, stderr } = await run('--har', '/dev/full', '--exchanges');
    assert.equal(code, 1);
    assert.equal(stdout.split('\n').length - 1, 3);
    assert.match(stderr, /\nflowtap: Cannot write the archive to \/dev\/full: ENOSPC[^\n]*\n/);
    assert.doesNotMatch(stderr, /exchanges in/);
  });

  test('a damaged capture: what came before the damage is there', async () => {
    const damaged = temporaryFile(Buffer.concat([readFileSync(capture), Buffer.alloc(16, 0xff), Buffer.alloc(40)]));
    const file = newPath('a.har');
    const { code, stdout } = await flowtap(['-r', damaged, '--har', file, '--summary']);
    assert.equal(code, 1);
    assert.match(stdout, /orders/);
    assert.equal(archive(file).log.entries.length, 3);
  });

  test('go on when the reader of standard output goes away', async () => {
    const exchange = {
      request: 'GET / HTTP/1.1\r\n\r\n',
      response: `HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n${'x'.repeat(20000)}`,
    };
    const big = temporaryFile(pcapOf(Array.from({ length: 200 }, () => [exchange])));
    const file = newPath('a.har');
    const command = `"$0" --import tsx lib/cli/main.ts -r ${big} -c --har ${file} | head -1`;
    const { stdout, stderr } = spawnSync('bash', ['-c', command, process.execPath], { encoding: 'utf8' });
    assert.match(stdout, /^2022.*\n$/);
    assert.match(stderr, /\nflowtap: 200 exchanges in /);
    assert.equal(archive(file).log.entries.length, 200);
  });
});

suite('files that flags name', () => {
  test('are never those that are read', async () => {
    const folder = temporaryFolder();
    const [one, other] = [path.join(folder, 'one.pcap'), path.join(folder, 'other.pcap')];
    for (const file of [one, other]) writeFileSync(file, readFileSync(capture));
    const link = path.join(folder, 'link.har');
    symlinkSync(one, link);
    const before = readFileSync(one);
    for (const args of [
      ['-r', one, '--har', one],
      ['-r', one, '--har', link],
      ['-r', one, '--write', one],
      ['-r', other, '-r', one, '--write', one],
      ['-r', one, '--tcp', '-o', path.join(folder, 'out'), '-X', one],
      ['-r', path.join(folder, '*.pcap'), '-o', path.join(folder, 'out'), '-X', one],
    ]) {
      const { code, stderr } = await flowtapHere([...args, '--force']);
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, /which is the file that is read/);
      assert.deepEqual(readFileSync(one), before);
    }
  });

  test('are not that of standard input either', async () => {
    const file = temporaryFile(readFileSync(capture));
    const before = readFileSync(file);
    const script = `"$@" < '${file}'`;
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', script, 'sh', process.execPath, ...commandArgs, '-r', '-', '--write', file, '--force'],
      { encoding: 'utf8' },
    );
    assert.equal(status, 2, stderr);
    assert.match(stderr, /which is the file that is read/);
    assert.deepEqual(readFileSync(file), before);
  });

  test('are different ones', async () => {
    const file = newPath('both');
    const { code, stderr } = await run('--har', file, '--write', path.join(path.dirname(file), '.', 'both'), '--force');
    assert.equal(code, 2);
    assert.match(stderr, /--har and --write name the same file/);
    assert.ok(!existsSync(file));
  });

  test('are looked at before the first is made', async () => {
    const [har, pcapng] = [newPath('new.har'), temporaryFile(Buffer.from('kept'))];
    const { code, stderr } = await run('--har', har, '--write', pcapng);
    assert.equal(code, 1);
    assert.match(stderr, /exists: --force replaces it/);
    assert.ok(!existsSync(har));
    assert.equal(readFileSync(pcapng, 'utf8'), 'kept');
  });
});
