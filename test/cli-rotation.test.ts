import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { RotatingFile } from '../lib/cli/rotation/rotating-file.js';
import { zstdCompressor } from '../lib/cli/rotation/zstd-compressor.js';
import { capture, decompress } from '../lib/index.js';
import { flowtapHere, pcapOf } from './cli-support.js';
import { temporaryFile, temporaryFolder } from './support/environment.js';

const count = 12;
const file = temporaryFile(
  pcapOf(
    Array.from({ length: count }, (_, i) => [
      {
        request: `GET /${i} HTTP/1.1\r\nHost: example.test\r\n\r\n`,
        response: `HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n${'x'.repeat(3000)}`,
      },
    ]),
  ),
);

const targets = (archive: string | Buffer): string[] =>
  JSON.parse(archive.toString()).log.entries.map(
    ({ request }: { request: { url: string } }) => new URL(request.url).pathname,
  );

/** What is inside of a compressed file. */
async function contentsOf(name: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of decompress(createReadStream(name), name)) parts.push(part);
  return Buffer.concat(parts);
}

const all = Array.from({ length: count }, (_, i) => `/${i}`);

test('by size: archives that are whole, and nothing lost or twice', async () => {
  const folder = temporaryFolder();
  const { code, stderr } = await flowtapHere(['-r', file, '--har', path.join(folder, 'day.har'), '--rotate', '10k']);
  assert.equal(code, 0, stderr);
  const names = readdirSync(folder).sort();
  assert.ok(names.length > 2 && names[0] === 'day-0001.har', names.join());
  assert.deepEqual(
    names.flatMap((name) => targets(readFileSync(path.join(folder, name)))),
    all,
  );
  assert.match(stderr, new RegExp(`12 exchanges in ${names.length} files until .*${names.at(-1)}\n`));
});

test('by time of the capture', async () => {
  const written: string[][] = [];
  const second = 1_000_000_000n;
  const flags = { rotation: { ns: 10n * second }, compression: undefined, maxFiles: undefined };
  const files = new RotatingFile(path.join(temporaryFolder(), 'x'), flags, false, () => {
    const list: string[] = [];
    written.push(list);
    return { list, flush: async () => {}, end: async () => {} };
  });
  for (const at of [5n, 6n, 14n, 15n, 16n, 100n]) {
    await files.write(at * second, async ({ list }) => {
      list.push(String(at));
    });
  }
  await files.end();
  assert.deepEqual(written, [['5', '6', '14'], ['15', '16'], ['100']]);
});

test('compressed, and only the last ones kept', async () => {
  const folder = temporaryFolder();
  const args = ['--har', path.join(folder, 'day.har'), '--rotate', '8k', '--compress', 'gz', '--max-files', '2'];
  const { code, stderr } = await flowtapHere(['-r', file, ...args]);
  assert.equal(code, 0, stderr);
  const names = readdirSync(folder).sort();
  assert.equal(names.length, 2);
  assert.ok(
    names.every((name) => /^day-\d{4}\.har\.gz$/.test(name)),
    names.join(),
  );
  const kept = names.flatMap((name) => targets(gunzipSync(readFileSync(path.join(folder, name)))));
  assert.deepEqual(kept, all.slice(-kept.length));
  assert.ok(kept.length > 1);
});

test('compressed without rotation', async () => {
  const folder = temporaryFolder();
  const har = path.join(folder, 'day.har');
  assert.equal((await flowtapHere(['-r', file, '--har', har, '--compress', 'gz'])).code, 0);
  assert.deepEqual(readdirSync(folder), ['day.har.gz']);
  assert.deepEqual(targets(gunzipSync(readFileSync(`${har}.gz`))), all);
});

test('flow files and bodies', async () => {
  const folder = temporaryFolder();
  const { code, stderr } = await flowtapHere(['-r', file, '-o', folder, '--compress', 'gz']);
  assert.equal(code, 0, stderr);
  const names = readdirSync(folder).filter((name) => name !== 'report.xml');
  assert.equal(names.length, 3 * count);
  assert.ok(
    names.every((name) => name.endsWith('.gz')),
    names.join(),
  );
  const flow = names.find((name) => !name.includes('-HTTPBODY-')) as string;
  assert.equal(statSync(path.join(folder, flow)).mtime.toISOString().slice(0, 16), '2022-11-12T04:59');
  const body = names.find((name) => name.includes('-HTTPBODY-001')) as string;
  assert.equal(gunzipSync(readFileSync(path.join(folder, body))).toString(), 'x'.repeat(3000));
  const report = readFileSync(path.join(folder, 'report.xml'), 'utf8');
  for (const name of names) assert.ok(report.includes(`/${name}</filename>`), name);
});

test('flow files beside those of an earlier run', async () => {
  const folder = temporaryFolder();
  for (const report of ['1.xml', '2.xml'].map((name) => path.join(temporaryFolder(), name))) {
    const { code, stderr } = await flowtapHere(['-r', file, '-o', folder, '-X', report, '--compress', 'gz']);
    assert.equal(code, 0, stderr);
  }
  const names = readdirSync(folder);
  assert.equal(names.length, 2 * 3 * count);
  assert.equal(names.filter((name) => /c1(-HTTPBODY-001)?\.gz$/.test(name)).length, 3 * count, names.join());
});

test('zst, with Node.js or with the package', async () => {
  const har = path.join(temporaryFolder(), 'day.har');
  const { code, stderr } = await flowtapHere(['-r', file, '--har', har, '--compress', 'zst']);
  assert.equal(code, 0, stderr);
  assert.deepEqual(targets(await contentsOf(`${har}.zst`)), all);
});

test('zst: large, empty, and in pieces of any size', async () => {
  const large = randomBytes(3_500_000).toString('hex');
  for (const pieces of [[large.slice(0, 10), large.slice(10)], [large], [''], []]) {
    const compressor = await zstdCompressor();
    const compressed = Readable.from(pieces.map((piece) => Buffer.from(piece))).pipe(compressor);
    const parts: Uint8Array[] = [];
    for await (const part of decompress(compressed, 'it')) parts.push(part);
    assert.ok(Buffer.concat(parts).equals(Buffer.from(pieces.join(''))), `${pieces.length} pieces`);
  }
});

test('a file that exists is not replaced, be it compressed', async () => {
  const folder = temporaryFolder();
  const there = path.join(folder, 'day.har.gz');
  const args = ['-r', file, '--har', path.join(folder, 'day.har'), '--compress', 'gz'];
  writeFileSync(there, 'old');
  const { code, stderr } = await flowtapHere(args);
  assert.equal(code, 1);
  assert.match(stderr, /exists: --force replaces it/);
  assert.equal(readFileSync(there, 'utf8'), 'old');
  const forced = await flowtapHere([...args, '--force']);
  assert.equal(forced.code, 0, forced.stderr);
  assert.deepEqual(targets(gunzipSync(readFileSync(there))), all);
});

test('numbers go on after those of an earlier run; --force begins again', async () => {
  for (const last of ['day-0037.har', 'day-0037.har.gz', 'day-12345.har.zst']) {
    const folder = temporaryFolder();
    const others = ['day-0099.txt', 'other-0099.har', 'day-99.har', 'day-0099.har.bak'];
    for (const name of [last, 'day-0002.har', ...others]) writeFileSync(path.join(folder, name), 'old');
    const args = ['-r', file, '--har', path.join(folder, 'day.har'), '--rotate', '10k'];
    const { code, stderr } = await flowtapHere(args);
    assert.equal(code, 0, stderr);
    for (const name of [last, 'day-0002.har', ...others]) {
      assert.equal(readFileSync(path.join(folder, name), 'utf8'), 'old');
    }
    const next = last.startsWith('day-0037') ? 'day-0038.har' : 'day-12346.har';
    assert.ok(targets(readFileSync(path.join(folder, next))).includes('/0'));
    assert.ok(!existsSync(path.join(folder, 'day-0001.har')));
    assert.match(stderr, /12 exchanges in [2-9] files until/);

    assert.equal((await flowtapHere([...args, '--force'])).code, 0);
    assert.ok(targets(readFileSync(path.join(folder, 'day-0001.har'))).includes('/0'));
    assert.notEqual(readFileSync(path.join(folder, 'day-0002.har'), 'utf8'), 'old');
  }
});

test('one run after the other, compressed, and only the last ones kept', async () => {
  const folder = temporaryFolder();
  const args = ['--har', path.join(folder, 'day.har'), '--rotate', '10k', '--compress', 'gz', '--max-files', '2'];
  for (let run = 1; run <= 3; run++) {
    const { code, stderr } = await flowtapHere(['-r', file, ...args]);
    assert.equal(code, 0, stderr);
    assert.equal(readdirSync(folder).length, 2 * run);
  }
});

test('a finished file that somebody else removed is no failure', async () => {
  const folder = temporaryFolder();
  const flags = { rotation: { ns: 1n }, compression: undefined, maxFiles: 1 };
  const files = new RotatingFile(path.join(folder, 'x'), flags, false, (made) => ({
    flush: async () => {},
    end: async () => rmSync(made),
  }));
  for (let at = 0n; at < 4n; at++) await files.write(at, async () => {});
  await files.end();
  assert.equal(files.count, 4);
});

test('a link where the compressed file shall be is replaced, not followed', async () => {
  const folder = temporaryFolder();
  const elsewhere = temporaryFile(Buffer.from('old'));
  const compressed = path.join(folder, 'day.har.gz');
  symlinkSync(elsewhere, compressed);
  const args = ['-r', file, '--har', path.join(folder, 'day.har'), '--compress', 'gz', '--force'];
  const { code, stderr } = await flowtapHere(args);
  assert.equal(code, 0, stderr);
  assert.equal(readFileSync(elsewhere, 'utf8'), 'old');
  assert.ok(lstatSync(compressed).isFile());
  assert.deepEqual(targets(gunzipSync(readFileSync(compressed))), all);
});

test('what makes no sense', async () => {
  for (const [args, words] of [
    [['--rotate', '10k'], /about files/],
    [['-X', 'x', '--rotate', '10k'], /about files/],
    [['-o', 'x', '-FX', '--rotate', '10k'], /about files/],
    [['-o', 'x', '--max-files', '3'], /--rotate/],
    [['--compress', 'gz'], /about files/],
    [['--har', 'x', '--max-files', '3'], /--rotate/],
    [['--har', 'x', '--rotate', '0'], /size such as/],
    [['--har', 'x', '--rotate', '5 parsecs'], /size such as/],
    [['--har', 'x', '--compress', 'rar'], /gz or zst/],
  ] as const) {
    const { code, stderr } = await flowtapHere(['-r', file, ...args]);
    assert.equal(code, 2);
    assert.match(stderr, words);
  }
});

/** Targets of the requests in a capture. */
async function requestsIn(name: string): Promise<string[]> {
  const found: string[] = [];
  for await (const message of capture({ file: name })) if (message.kind === 'request') found.push(message.target);
  return found;
}

test('--write: files that are whole, and no packet lost or twice', async () => {
  const folder = temporaryFolder();
  const { code, stderr } = await flowtapHere([
    '-r',
    file,
    '--write',
    path.join(folder, 'day.pcapng'),
    '--rotate',
    '10k',
  ]);
  assert.equal(code, 0, stderr);
  const names = readdirSync(folder).sort();
  assert.ok(names.length > 2 && names[0] === 'day-0001.pcapng', names.join());
  const [, packets, files] =
    /wrote (\d+) packets of 12 connections to (\d+) files until .*day-\d{4}\.pcapng/.exec(stderr) ?? [];
  assert.equal(Number(files), names.length);
  let received = 0;
  const found: string[] = [];
  for (const name of names) {
    const tap = capture({ file: path.join(folder, name) });
    for await (const message of tap) if (message.kind === 'request') found.push(message.target);
    received += tap.stats().packets.received;
    assert.equal(statSync(path.join(folder, name)).mode & 0o777, 0o600);
  }
  assert.equal(received, Number(packets));
  assert.deepEqual(found, all);
});

test('--write: compressed, by time, and only the last ones kept', async () => {
  const folder = temporaryFolder();
  const to = path.join(folder, 'day.pcapng');
  const args = ['--write', to, '--rotate', '8k,1h', '--compress', 'gz', '--max-files', '2'];
  const { code, stderr } = await flowtapHere(['-r', file, ...args]);
  assert.equal(code, 0, stderr);
  const names = readdirSync(folder).sort();
  assert.equal(names.length, 2, names.join());
  assert.ok(
    names.every((name) => /^day-\d{4}\.pcapng\.gz$/.test(name)),
    names.join(),
  );
  const kept = (await Promise.all(names.map((name) => requestsIn(path.join(folder, name))))).flat();
  assert.deepEqual(kept, all.slice(-kept.length));
  assert.ok(stderr.includes(names.at(-1) as string), stderr);
  const again = await flowtapHere(['-r', file, ...args]);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(readdirSync(folder).length, 4, 'numbers go on, and those of an earlier run stay');
});

test('--write: compressed without rotation', async () => {
  const folder = temporaryFolder();
  const to = path.join(folder, 'day.pcapng');
  const args = ['-r', file, '--write', to, '--compress', 'zst'];
  assert.equal((await flowtapHere(args)).code, 0);
  assert.deepEqual(readdirSync(folder), ['day.pcapng.zst']);
  assert.equal(statSync(`${to}.zst`).mode & 0o777, 0o600);
  assert.deepEqual(await requestsIn(`${to}.zst`), all);
  const refused = await flowtapHere(args);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /day\.pcapng\.zst exists: --force replaces it/);
  assert.equal((await flowtapHere([...args, '--force'])).code, 0);
});

test('--write: a rotated file that is read is not overwritten', async () => {
  const folder = temporaryFolder();
  const to = path.join(folder, 'day.pcapng');
  assert.equal((await flowtapHere(['-r', file, '--write', to, '--rotate', '1g'])).code, 0);
  const there = path.join(folder, 'day-0001.pcapng');
  const { code, stderr } = await flowtapHere(['-r', there, '--write', to, '--rotate', '1g', '--force']);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /the file that is read/);
});

test('-o: folders, each with flows that are whole and a report', async () => {
  const folder = temporaryFolder();
  const { code, stderr } = await flowtapHere(['-r', file, '-o', path.join(folder, 'out'), '--rotate', '7k']);
  assert.equal(code, 0, stderr);
  const names = readdirSync(folder).sort();
  assert.deepEqual(names.slice(0, 2), ['out-0001', 'out-0002']);
  assert.match(
    stderr,
    new RegExp(`24 flows and 12 bodies in ${names.length} folders until .*out-000${names.length}\n`),
  );
  let flows = 0;
  for (const name of names) {
    const inside = readdirSync(path.join(folder, name));
    const report = readFileSync(path.join(folder, name, 'report.xml'), 'utf8');
    const here = inside.filter((one) => one !== 'report.xml' && !one.includes('-HTTPBODY-')).length;
    flows += here;
    assert.match(report, new RegExp(`<total_flows>${here}</total_flows>[^]*</dfxml>\n$`));
    for (const one of inside) if (one !== 'report.xml') assert.ok(report.includes(`/${name}/${one}</filename>`), one);
  }
  assert.equal(flows, 2 * count);
});

test('-o: only the last folders kept, compressed; those of an earlier run stay; one report if it is named', async () => {
  const folder = temporaryFolder();
  const args = ['-o', path.join(folder, 'out'), '--rotate', '7k', '--max-files', '2', '--compress', 'gz'];
  for (const run of [1, 2]) {
    const { code, stderr } = await flowtapHere(['-r', file, ...args, '-X', path.join(folder, `${run}.xml`)]);
    assert.equal(code, 0, stderr);
  }
  const names = readdirSync(folder).sort();
  assert.equal(names.filter((name) => name.startsWith('out-')).length, 4, names.join());
  for (const name of names.filter((one) => one.startsWith('out-'))) {
    assert.ok(readdirSync(path.join(folder, name)).every((one) => one.endsWith('.gz')));
  }
  assert.match(readFileSync(path.join(folder, '2.xml'), 'utf8'), /<total_flows>24<\/total_flows>/);
});
