/** The programs in examples/ that write files. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe as suite, type TestContext, test } from 'node:test';
import { createGunzip, gunzipSync } from 'node:zlib';
import { capture } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation, interleave } from './support/conversation.js';
import { collect, loopback, skipUnlessLive, temporaryFile, temporaryFolder } from './support/environment.js';
import { Example, linesOf, runExample, startTraffic } from './support/example.js';
import { assertValidHar } from './support/har.js';
import { request, response } from './support/http.js';
import { Random } from './support/random.js';
import { traffic } from './support/traffic.js';

const live = await skipUnlessLive();
const { segments } = traffic({ seed: 92, conversations: 12, exchanges: 40 });
const bytes = pcap(toPackets(segments, { link: 'ethernet' }), { nanoseconds: true });
const file = temporaryFile(bytes);
const folders = temporaryFolder();

function newFolder(): string {
  return mkdtempSync(path.join(folders, 'test-'));
}

function readHar(archive: string) {
  const har: unknown = JSON.parse(readFileSync(archive, 'utf8'));
  assertValidHar(har);
  return har.log.entries;
}

suite('har', { timeout: 120_000 }, () => {
  test('records every exchange', async (t) => {
    const archive = path.join(newFolder(), 'all.har');
    const exchanges = await collect(capture({ file }).exchanges());
    const lines = await runExample(t, 'har', ['-r', file, archive]);
    assert.deepEqual(lines, [`${exchanges.length} exchanges in ${archive}`]);
    assert.deepEqual(
      readHar(archive).map((entry) => [entry.request.method, entry.response.status, entry._connectionId]),
      exchanges.map((one) => [one.request?.method ?? '', one.response?.status ?? 0, `${one.connection.id}`]),
    );
  });

  test('masks secrets unless told otherwise', async (t) => {
    const folder = newFolder();
    const conversation = new Conversation().handshake();
    const headers: [string, string][] = [['Authorization', 'Bearer 0123456789abcdef']];
    conversation.exchange(request({ headers }), response()).close();
    const capture = temporaryFile(pcap(toPackets(interleave([conversation]), { link: 'ethernet' })));
    for (const [flags, shown] of [
      [[], false],
      [['--secrets'], true],
    ] as const) {
      const archive = path.join(folder, `${shown}.har`);
      await runExample(t, 'har', ['-r', capture, ...flags, archive]);
      assert.equal(readFileSync(archive, 'utf8').includes('0123456789abcdef'), shown);
    }
  });

  test('an older archive stays when there is nothing to read', async (t) => {
    const archive = temporaryFile(Buffer.from('older'), 'old.har');
    const example = new Example(t, 'har', ['-r', '/no/such/file', archive]);
    assert.equal(await example.end(), 1);
    assert.equal(readFileSync(archive, 'utf8'), 'older');
  });

  test('what came before damage is a valid archive', async (t) => {
    const cut = temporaryFile(bytes.subarray(0, bytes.length / 2));
    const archive = path.join(newFolder(), 'cut.har');
    const example = new Example(t, 'har', ['-r', cut, archive]);
    assert.equal(await example.end(), 1);
    assert.match(example.stderr, /truncated/);
    assert.ok(readHar(archive).length > 10);
  });

  for (const [how, args] of [
    ['until Ctrl-C', []],
    ['so many', ['-n', '3']],
  ] as const)
    test(`live, ${how}`, { skip: live }, async (t) => {
      const { port, ask } = await startEcho(t);
      const archive = path.join(newFolder(), 'live.har');
      const example = new Example(t, 'har', ['-i', loopback, '-p', String(port), ...args, archive]);
      await example.reading();
      for (const target of ['/1', '/2', '/3']) await ask(target);
      if (args.length === 0) example.interrupt();
      assert.equal(await example.end(), 0, example.stderr);
      assert.equal(example.stdout, `3 exchanges in ${archive}\n`);
      assert.deepEqual(
        readHar(archive).map(({ request, response }) => [request.url, response.status, response.content.text]),
        ['/1', '/2', '/3'].map((target) => [`http://127.0.0.1:${port}${target}`, 200, `this is ${target}`]),
      );
    });
});

suite('archive', { timeout: 120_000 }, () => {
  test('has every message, and is there when it is complete', async (t) => {
    const archive = path.join(newFolder(), 'all.ndjson.gz');
    const messages = await collect(capture({ file }));
    const lines = await runExample(t, 'archive', ['-r', file, archive]);
    assert.deepEqual(lines, [`${messages.length} messages in ${archive}, 0 dropped`]);
    assert.deepEqual(
      linesOf(gunzipSync(readFileSync(archive)).toString()),
      messages.map((message) => JSON.stringify(message)),
    );
    assert.equal(statSync(archive).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(path.dirname(archive)), ['all.ndjson.gz']);
  });

  test('nothing is left of a capture that is damaged', async (t) => {
    const folder = newFolder();
    const cut = temporaryFile(bytes.subarray(0, bytes.length / 2));
    const example = new Example(t, 'archive', ['-r', cut, path.join(folder, 'cut.gz')]);
    assert.equal(await example.end(), 1);
    assert.match(example.stderr, /^Reading .*\n.* is truncated .*\n$/);
    assert.equal(example.stdout, '');
    assert.deepEqual(readdirSync(folder), []);
  });

  test('says when the file cannot be made', async (t) => {
    const example = new Example(t, 'archive', ['-r', file, '/no/such/folder/all.gz']);
    assert.equal(await example.end(), 1);
    assert.match(example.stderr, /^Reading .*\nENOENT: .*\n$/);
  });

  test('waits for whoever reads what it writes', async (t) => {
    const { example, archive, pipe } = startIntoPipe(t);
    // The pipe holds 64 KiB of some megabytes: it cannot end before somebody reads.
    await example.reading();
    const lines = linesOf(await text(createReadStream(pipe).pipe(createGunzip())));
    assert.equal(await example.end(), 0, example.stderr);
    const messages = await collect(capture({ file: large() }));
    assert.deepEqual(
      lines,
      messages.map((message) => JSON.stringify(message)),
    );
    assert.ok(existsSync(archive));
  });

  test('Ctrl-C twice while the output is stuck gives up, and leaves nothing', async (t) => {
    const { example, archive, pipe } = startIntoPipe(t);
    const reader = createReadStream(pipe, { highWaterMark: 1 });
    // It writes: from here on nothing is read any more.
    await new Promise<void>((resolve) => reader.once('data', () => resolve()));
    reader.pause();
    example.interrupt();
    await example.said(({ stderr }) => stderr.includes('once more'));
    example.interrupt();
    // A write to a pipe that is full ends only with its reader.
    reader.destroy();
    assert.equal(await example.end(), 1);
    assert.match(example.stderr, /\n(The operation was aborted|EPIPE: .*)\n$/);
    assert.deepEqual(readdirSync(path.dirname(archive)), []);
  });

  test('live, until Ctrl-C', { skip: live }, async (t) => {
    const { port, ask } = await startEcho(t);
    const archive = path.join(newFolder(), 'live.gz');
    const example = new Example(t, 'archive', ['-i', loopback, '-p', String(port), archive]);
    await example.reading();
    for (const target of ['/1', '/2', '/3']) await ask(target);
    example.interrupt();
    assert.equal(await example.end(), 0, example.stderr);
    assert.equal(example.stdout, `6 messages in ${archive}, 0 dropped\n`);
    const messages = linesOf(gunzipSync(readFileSync(archive)).toString()).map((line) => JSON.parse(line));
    assert.deepEqual(
      messages.map((message) => message.target ?? message.body),
      ['/1', '/2', '/3'].flatMap((target) => [target, `this is ${target}`]),
    );
  });
});

function startEcho(t: TestContext) {
  return startTraffic(t, (_body, incoming, outgoing) => outgoing.end(`this is ${incoming.url}`));
}

let largeFile: string | undefined;

/** A capture of some megabytes that gzip cannot make smaller. */
function large(): string {
  if (largeFile) return largeFile;
  const random = new Random(93);
  const conversation = new Conversation({ mss: 8948 }).handshake();
  for (let i = 0; i < 60; i++)
    conversation.exchange(request({ target: `/${i}` }), response({ body: random.bytes(50_000) }));
  conversation.close();
  largeFile = temporaryFile(pcap(toPackets(conversation.segments, { link: 'ethernet' })));
  return largeFile;
}

/** archive.mjs, with a named pipe where it writes. */
function startIntoPipe(t: TestContext): { example: Example; archive: string; pipe: string } {
  const archive = path.join(newFolder(), 'stuck.gz');
  const pipe = `${archive}.part`;
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  return { example: new Example(t, 'archive', ['-r', large(), archive]), archive, pipe };
}
