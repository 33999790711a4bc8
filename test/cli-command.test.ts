import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { commandArgs, flowtap, pcapOf } from './cli-support.js';
import { zstd } from './support/zstd.js';

let folder = '';
const file = async (name: string, bytes: Uint8Array): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
};

const gzipped = gzipSync('{"error":"token expired"}');
const requestHead = 'GET /api/me?x=1 HTTP/1.1\r\nHost: www.example.org\r\nX-Esc: \x1b[31m\r\n\r\n';
const gzipHead = `HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: ${gzipped.length}\r\n\r\n`;
const postHead = 'POST /up HTTP/1.1\r\nHost: www.example.org\r\nTransfer-Encoding: chunked\r\n\r\n';
const createdHead = 'HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n';
const conversation = pcapOf([
  [
    { request: requestHead, response: Buffer.concat([Buffer.from(gzipHead), gzipped]) },
    { request: `${postHead}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`, response: createdHead },
  ],
]);
let path = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flowtap-cli-'));
  path = await file('conversation.pcap', conversation);
});
after(() => rm(folder, { recursive: true, force: true }));

test('console: blocks on standard output, the rest on standard error', async () => {
  const { code, stdout, stderr } = await flowtap(['-r', path]);
  assert.equal(
    stdout,
    `2022-11-12T04:59:00.000300Z  10.0.0.1:40000 -> 10.0.0.2:8000  #1
GET /api/me?x=1 HTTP/1.1
Host: www.example.org
X-Esc: \\x1b[31m
[suspicious: control-character]

2022-11-12T04:59:00.000500Z  10.0.0.1:40000 <- 10.0.0.2:8000  #2 answers #1 after 200 us
HTTP/1.1 401 Unauthorized
Content-Type: application/json
Content-Encoding: gzip
Content-Length: ${gzipped.length}

{"error":"token expired"}
[gzip: ${gzipped.length} bytes, 25 decoded]

2022-11-12T04:59:00.000700Z  10.0.0.1:40000 -> 10.0.0.2:8000  #3
POST /up HTTP/1.1
Host: www.example.org
Transfer-Encoding: chunked

abcde

2022-11-12T04:59:00.000900Z  10.0.0.1:40000 <- 10.0.0.2:8000  #4 answers #3 after 200 us
HTTP/1.1 201 Created
Content-Length: 0

`,
  );
  assert.equal(
    stderr,
    `flowtap: reading ${path}, every TCP port\nflowtap: secrets are shown as captured; --redact masks them\nflowtap: 4 messages (2 requests, 2 responses), 14 packets\n`,
  );
  assert.equal(code, 0);
});

test('--json --digest: the contract', async () => {
  const { code, stdout } = await flowtap(['-r', path, '--json', '--digest']);
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split('\n');
  const connection =
    '"connection":{"id":1,"client":{"address":"10.0.0.1","port":40000},"server":{"address":"10.0.0.2","port":8000}}';
  const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
  assert.equal(
    lines[0],
    `{"kind":"request","id":1,${connection},"startTime":"2022-11-12T04:59:00.000300000Z","endTime":"2022-11-12T04:59:00.000300000Z",` +
      `"method":"GET","target":"/api/me?x=1","url":"http://www.example.org/api/me?x=1","httpVersion":"1.1",` +
      `"headers":[["Host","www.example.org"],["X-Esc","\\u001b[31m"]],"trailers":[],"bodyLength":0,"body":"","bodyEncoding":"utf8",` +
      `"bodyDecoded":false,"integrity":"complete","suspicious":["control-character"],"bodySha256":"${sha256('')}"}`,
  );
  assert.deepEqual(JSON.parse(lines[1] ?? ''), {
    kind: 'response',
    id: 2,
    requestId: 1,
    status: 401,
    statusText: 'Unauthorized',
    ...JSON.parse(`{${connection}}`),
    startTime: '2022-11-12T04:59:00.000500000Z',
    endTime: '2022-11-12T04:59:00.000500000Z',
    httpVersion: '1.1',
    headers: [
      ['Content-Type', 'application/json'],
      ['Content-Encoding', 'gzip'],
      ['Content-Length', String(gzipped.length)],
    ],
    trailers: [],
    bodyLength: gzipped.length,
    body: '{"error":"token expired"}',
    bodyEncoding: 'utf8',
    bodyDecoded: true,
    integrity: 'complete',
    bodySha256: sha256(gzipped),
  });
  const post = JSON.parse(lines[2] ?? '');
  assert.deepEqual([post.body, post.bodyLength, post.bodySha256], ['abcde', 5, sha256('abcde')]);
  assert.equal(lines.length, 4);
});

test('--count, --no-body, --max-body', async () => {
  const three = await flowtap(['-r', path, '--json', '-n', '3']);
  assert.equal(three.stdout.trimEnd().split('\n').length, 3);
  assert.equal(three.code, 0);
  const none = await flowtap(['-r', path, '--no-body']);
  assert.match(none.stdout, new RegExp(`\\[body of ${gzipped.length} bytes, not kept\\]`));
  assert.doesNotMatch(none.stdout, /abcde|token/);
  const cut = await flowtap(['-r', path, '--max-body', '2']);
  assert.match(cut.stdout, /\n\nab\n\[body of 5 bytes, the first 2 kept\]/);
});

test('--port and the BPF expression select; an empty result is explained', async () => {
  const two = await file(
    'two.pcap',
    Buffer.concat([conversation, pcapOf([[{ request: requestHead, response: createdHead }]], 9000).subarray(24)]),
  );
  const count = async (...args: string[]): Promise<number> =>
    (await flowtap(['-r', two, '--json', ...args])).stdout.split('\n').length - 1;
  assert.equal(await count(), 6);
  assert.equal(await count('-p', '9000'), 2);
  assert.equal(await count('-p', '9000,8000'), 6);
  assert.equal(await count('tcp', 'port', '9000'), 2);
  assert.equal(await count('-p', '8000', 'port 9000'), 0);
  const other = await flowtap(['-r', path, '-p', '81']);
  assert.deepEqual([other.code, other.stdout], [0, '']);
  assert.match(other.stderr, /\nflowtap: 14 TCP packets, but none of port 81\n$/);
  assert.match((await flowtap(['-r', path, 'udp'])).stderr, /the filter matched none of 14 packets/);
});

test('TLS is named, not silently skipped', async () => {
  const hello = Buffer.from(`16030100310100002d0303${'00'.repeat(32)}000006130113021303010000`, 'hex');
  const tls = await file('tls.pcap', pcapOf([[{ request: hello, response: '' }]], 443));
  const { code, stderr } = await flowtap(['-r', tls]);
  assert.match(stderr, /\nflowtap: 1 TLS connection: not decoded\n/);
  assert.equal(code, 0);
});

test('--digest where there is no body or no place for it', async () => {
  const none = await flowtap(['-r', path, '--json', '--no-body', '--digest']);
  assert.equal(none.code, 0);
  assert.doesNotMatch(none.stdout, /bodySha256/);
  const raw = await flowtap(['-r', path, '--raw', '--digest']);
  assert.equal(raw.code, 0);
  assert.doesNotMatch(raw.stdout, /sha256/i);
});

test('packets of an unsupported link type are told in the summary, once', async () => {
  const usb = Buffer.from(conversation);
  usb.writeUInt32LE(220, 20);
  const { code, stderr } = await flowtap(['-r', await file('usb.pcap', usb)]);
  assert.equal(code, 0);
  assert.match(stderr, /\nflowtap: 14 packets of link types or encapsulations that are not supported\n/);
  assert.equal(stderr.match(/unsupported|not supported|cannot be decoded/g)?.length, 1, stderr);
  assert.doesNotMatch(stderr, /Warning/);
});

test('compressed captures, from a file and on standard input', async () => {
  const plain = await flowtap(['-r', path, '--json']);
  for (const compressed of [gzipSync(conversation), zstd(conversation)]) {
    assert.equal((await flowtap(['-r', await file('compressed', compressed), '--json'])).stdout, plain.stdout);
    assert.equal((await flowtap(['-r', '-', '--json'], { input: compressed })).stdout, plain.stdout);
  }
});

test('--workers changes nothing but the time that it takes', async () => {
  const lines = async (...args: string[]) => (await flowtap(['-r', path, '--json', ...args])).stdout.split('\n');
  assert.deepEqual((await lines('--workers', '3')).map(withoutIds).sort(), (await lines()).map(withoutIds).sort());
});

const withoutIds = (line: string): string => line.replace(/"(?:id|requestId)":\d+/g, '');

test('a stream on standard input', async () => {
  const { code, stdout, stderr } = await flowtap(['-r', '-', '--json'], { input: conversation });
  assert.equal(stdout.trimEnd().split('\n').length, 4);
  assert.match(stderr, /^flowtap: reading standard input, every TCP port\n/);
  assert.equal(code, 0);
});

test('--stats lists the counters on standard error', async () => {
  const { stdout, stderr } = await flowtap(['-r', path, '--json', '--stats']);
  assert.match(stderr, /^packets\.received +14$/m);
  assert.match(stderr, /^http\.requests +2$/m);
  assert.doesNotMatch(stdout, /packets\.received/);
});

test('a damaged file: first what came before, then the error, exit code 1', async () => {
  const damaged = await file('damaged.pcap', Buffer.concat([conversation, Buffer.alloc(16, 0xff), Buffer.alloc(40)]));
  const { code, stdout, stderr } = await flowtap(['-r', damaged, '--json']);
  assert.equal(stdout.trimEnd().split('\n').length, 4);
  assert.equal(code, 1);
  assert.match(stderr.trimEnd().split('\n').at(-1) ?? '', /^flowtap: .*damaged\.pcap/);
});

test('failures are one sentence and exit code 1', async () => {
  for (const args of [
    ['-r', join(folder, 'absent.pcap')],
    ['-r', folder],
    ['-r', await file('text.txt', Buffer.from('not a capture at all, but long enough'))],
    ['-i', 'no-such-interface'],
  ]) {
    const { code, stdout, stderr } = await flowtap(args);
    assert.equal(code, 1, `${args} ${stderr}`);
    assert.equal(stdout, '');
    assert.match(stderr, /^flowtap: [^\n]+\n$/, stderr);
  }
});

test('a wrong command line is one line, a hint, and exit code 2', async () => {
  for (const args of [
    ['--nonsense'],
    ['-p', 'http'],
    ['-r', path, 'port', 'and', 'and'],
    ['-i', 'any', '-i', 'lo'],
    ['-r', path, '--workers', '65'],
    ['-r', '-', '--workers', '2'],
  ]) {
    const { code, stdout, stderr } = await flowtap(args);
    assert.equal(code, 2, `${args} ${stderr}`);
    assert.equal(stdout, '');
    assert.match(stderr, /(?:^|\n)flowtap: [^\n]+\nTry 'flowtap --help'\.\n$/, stderr);
  }
});

test('--help and --version go to standard output', async () => {
  const help = await flowtap(['--help']);
  assert.match(help.stdout, /^Usage: flowtap/);
  assert.deepEqual([help.code, help.stderr], [0, '']);
  assert.match((await flowtap(['--version'])).stdout, /^flowtap \d+\.\d+\.\d+\n$/);
});

test('colours: none in a pipe, unless they are forced', async () => {
  assert.ok(!(await flowtap(['-r', path])).stdout.includes('\x1b'));
  const forced = { FORCE_COLOR: '1' };
  assert.ok((await flowtap(['-r', path], { env: forced })).stdout.includes('\x1b[33mHTTP/1.1 401'));
  assert.ok(!(await flowtap(['-r', path, '--no-color'], { env: forced })).stdout.includes('\x1b'));
});

/** Messages that need some 30 MB as text. */
async function bigFile(): Promise<{ path: string; messages: number }> {
  const name = join(folder, 'big.pcap');
  const exchange = {
    request: requestHead,
    response: `HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n${'x'.repeat(20000)}`,
  };
  if (!existsSync(name))
    await file('big.pcap', pcapOf(Array.from({ length: 15 }, () => Array.from({ length: 100 }, () => exchange))));
  return { path: name, messages: 3000 };
}

test('a reader that goes away ends it quietly with exit code 0', async () => {
  const big = await bigFile();
  const child = spawn(process.execPath, [...commandArgs, '-r', big.path, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const [code, signal] = await once(child, 'close');
  assert.deepEqual([code, signal], [0, null], stderr);
  assert.match(stderr, /^flowtap: reading [^\n]+\nflowtap: secrets [^\n]+\n$/);
});

test('flowtap | head -1', async () => {
  const big = await bigFile();
  const quoted = [process.execPath, ...commandArgs, '-r', big.path, '--json'].map((word) => `'${word}'`).join(' ');
  const child = spawn('bash', ['-c', `${quoted} 2>/dev/null | head -1; echo "\${PIPESTATUS[0]}"`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  await once(child, 'close');
  const [first = '', status] = stdout.trimEnd().split('\n');
  assert.equal(JSON.parse(first).id, 1);
  assert.equal(status, '0');
});

test('a slow reader gets everything', async () => {
  const big = await bigFile();
  const child = spawn(process.execPath, [...commandArgs, '-r', big.path, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let lines = 0;
  for await (const chunk of child.stdout) {
    for (const byte of chunk as Buffer) if (byte === 0x0a) lines++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(lines, big.messages);
});

test('SIGINT while standard input is open: what was seen is shown, exit code 0', async () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const child = spawn(process.execPath, [...commandArgs, '-r', '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdin.write(conversation);
    const closed = once(child, 'close');
    let sent = false;
    for await (const chunk of child.stdout) {
      stdout += chunk;
      if (sent || !stdout.includes('201 Created')) continue;
      // A second one would not wait.
      sent = child.kill(signal);
    }
    assert.deepEqual(await closed, [0, null]);
    assert.match(stderr, /\nflowtap: 4 messages \(2 requests, 2 responses\), 14 packets\n$/);
  }
});

test('SIGINT before standard input said anything', async () => {
  const child = spawn(process.execPath, [...commandArgs, '-r', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
    if (stderr === 'flowtap: reading standard input, every TCP port\n') child.kill('SIGINT');
  });
  assert.deepEqual(await once(child, 'close'), [0, null]);
  assert.match(stderr, /\nflowtap: 0 messages [^\n]+\nflowtap: there are no packets in it\n$/);
});

test('a second SIGINT does not wait for a reader that does not read', async () => {
  const big = await bigFile();
  const child = spawn(process.execPath, [...commandArgs, '-r', big.path], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr.on('data', (chunk) => {
    if (String(chunk).includes('another Ctrl-C')) child.kill('SIGINT');
  });
  child.stdout.once('readable', () => child.kill('SIGINT'));
  const [code, signal] = await once(child, 'exit');
  child.stdout.destroy();
  assert.deepEqual([code, signal], [130, null]);
});

test('a full disk is an error', { skip: existsSync('/dev/full') ? false : 'no /dev/full here' }, async () => {
  const full = await open('/dev/full', 'w');
  const child = spawn(process.execPath, [...commandArgs, '-r', path], { stdio: ['ignore', full.fd, 'pipe'] });
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, 'close');
  await full.close();
  assert.equal(code, 1);
  assert.match(stderr, /\nflowtap: cannot write the output: ENOSPC[^\n]*\n$/);
});
