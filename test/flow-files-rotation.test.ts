/** FlowFileWriter with `rotate`: folders that make way. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { capture, type FlowFileOptions, FlowFileWriter, flows } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation } from './support/conversation.js';
import { temporaryFile, temporaryFolder } from './support/environment.js';
import type { Segment } from './support/frame.js';
import { request, response } from './support/http.js';

const second = 1_000_000_000n;
const start = 1_668_229_140n * second;

/** A connection that begins so many seconds after the first, with an exchange. */
function connection(port: number, at: bigint): Conversation {
  const conversation = new Conversation({ client: { port }, startNs: start + at * second }).handshake();
  conversation.exchange(request(), response({ body: 'x'.repeat(1000) }));
  return conversation;
}

function fileOf(segments: readonly Segment[]): string {
  const sorted = [...segments].sort((a, b) => Number(a.timeNs - b.timeNs));
  return temporaryFile(pcap(toPackets(sorted, { link: 'ethernet', pad: false })));
}

async function write(
  file: string,
  options: FlowFileOptions,
): Promise<{ folder: string; writer: FlowFileWriter; errors: string[] }> {
  const folder = path.join(temporaryFolder(), 'out');
  const errors: string[] = [];
  const writer = new FlowFileWriter(folder, { ...options, onError: (error) => errors.push(error.message) });
  for await (const message of capture({ stream: writer.packets(flows({ file }).batches()) }))
    await writer.writeBody(message);
  await writer.end();
  return { folder: path.dirname(folder), writer, errors };
}

/** Ports of the clients whose flows are in each folder. */
function portsIn(folder: string): Record<string, string[]> {
  const folders = readdirSync(folder).filter((name) => !name.endsWith('.xml'));
  return Object.fromEntries(
    folders.sort().map((name) => {
      const flowsIn = readdirSync(path.join(folder, name)).filter((one) => /^100\.100\.102\.033\.\d+-[^-]*$/.test(one));
      return [name, flowsIn.map((one) => one.slice(16, 21)).sort()];
    }),
  );
}

suite('folders', () => {
  const four = fileOf([1n, 2n, 11n, 12n].flatMap((at) => connection(40_000 + Number(at), at).close().segments));

  test('by time', async () => {
    const { folder, writer } = await write(four, { rotate: { ns: 10n * second } });
    assert.deepEqual(portsIn(folder), { 'out-0001': ['40001', '40002'], 'out-0002': ['40011', '40012'] });
    assert.equal(writer.totals.folders, 2);
    assert.equal(writer.folder, path.join(folder, 'out-0002'));
    for (const name of ['out-0001', 'out-0002']) {
      const report = readFileSync(path.join(folder, name, 'report.xml'), 'utf8');
      assert.match(report, /<total_connections>2<\/total_connections>\n {2}<total_flows>4<\/total_flows>/);
      assert.match(report, /<total_bodies>2<\/total_bodies>/);
      assert.match(report, /<\/dfxml>\n$/);
    }
  });

  test('by size', async () => {
    // Of each connection a bit more than 1000 bytes.
    const folder = path.join(temporaryFolder(), 'out');
    const writer = new FlowFileWriter(folder, { rotate: { bytes: 2000 } });
    for await (const batch of flows({ file: four }).batches()) writer.write(batch);
    await writer.end();
    const expected = { 'out-0001': ['40001', '40002'], 'out-0002': ['40011', '40012'] };
    assert.deepEqual(portsIn(path.dirname(folder)), expected);
  });

  test('a connection stays in its folder, with the bodies that come later', async () => {
    const long = connection(50_000, 0n);
    long.timeNs = start + 30n * second;
    long.exchange(request(), response({ body: 'later' })).close();
    const others = [15n, 40n].flatMap((at) => connection(40_000 + Number(at), at).close().segments);
    const { folder } = await write(fileOf([...long.segments, ...others]), { rotate: { ns: 10n * second } });
    assert.deepEqual(portsIn(folder), { 'out-0001': ['50000'], 'out-0002': ['40015'], 'out-0003': ['40040'] });
    const bodies = readdirSync(path.join(folder, 'out-0001')).filter((name) => name.includes('-HTTPBODY-'));
    assert.equal(bodies.length, 2);
    assert.match(readFileSync(path.join(folder, 'out-0001', 'report.xml'), 'utf8'), /HTTPBODY-002/);
  });

  test('the oldest are removed, with connections that are open in them', async () => {
    const long = connection(50_000, 0n);
    long.timeNs = start + 60n * second;
    long.exchange(request(), response({ body: 'later' })).close();
    const others = [15n, 30n, 45n].flatMap((at) => connection(40_000 + Number(at), at).close().segments);
    const { folder, writer, errors } = await write(fileOf([...long.segments, ...others]), {
      rotate: { ns: 10n * second },
      maxFolders: 2,
      onFinished: async (name) => name,
    });
    assert.deepEqual(portsIn(folder), { 'out-0003': ['40030'], 'out-0004': ['40045'] });
    assert.deepEqual(errors, []);
    assert.equal(writer.totals.failed, 0);
    assert.equal(writer.totals.folders, 4);
  });

  test('numbers go on after those that are there, and what is there stays', async () => {
    const folder = path.join(temporaryFolder(), 'out');
    mkdirSync(`${folder}-0041`);
    writeFileSync(path.join(`${folder}-0041`, 'report.xml'), 'old');
    const writer = new FlowFileWriter(folder, { rotate: { bytes: 1 }, maxFolders: 1, force: true });
    for await (const batch of flows({ file: four }).batches()) writer.write(batch);
    await writer.end();
    assert.deepEqual(readdirSync(path.dirname(folder)).sort(), ['out-0041', 'out-0045']);
    assert.equal(readFileSync(path.join(`${folder}-0041`, 'report.xml'), 'utf8'), 'old');
  });

  test('one report for all', async () => {
    const report = path.join(temporaryFolder(), 'all.xml');
    const { folder } = await write(four, { rotate: { bytes: 1 }, report });
    const text = readFileSync(report, 'utf8');
    assert.match(text, /<total_flows>8<\/total_flows>/);
    for (const name of Object.keys(portsIn(folder))) {
      assert.ok(text.includes(`/${name}/`), name);
      assert.ok(!existsSync(path.join(folder, name, 'report.xml')));
    }
  });

  test('when the next one cannot be made, everything goes on where it is', async () => {
    const folder = path.join(temporaryFolder(), 'out');
    const errors: string[] = [];
    const onError = (error: Error) => errors.push(error.message);
    const writer = new FlowFileWriter(folder, { rotate: { ns: 10n * second }, onError });
    writeFileSync(`${folder}-0002`, '');
    for await (const batch of flows({ file: four }).batches()) writer.write(batch);
    await writer.end();
    assert.match(errors.join(), /^Cannot write .*out.*exists/);
    assert.equal(errors.length, 1);
    assert.deepEqual(readdirSync(path.dirname(folder)).sort(), ['out-0001', 'out-0002']);
    assert.equal(readdirSync(`${folder}-0001`).filter((name) => name !== 'report.xml').length, 8);
  });

  test('what makes no sense', () => {
    const folder = path.join(temporaryFolder(), 'out');
    for (const options of [
      { rotate: {} },
      { rotate: { bytes: 0 } },
      { rotate: { ns: 0n } },
      { rotate: { ns: 5 } },
      { rotate: { seconds: 5 } },
      { rotate: { bytes: 1 }, files: false },
      { maxFolders: 3 },
      { rotate: { bytes: 1 }, maxFolders: 0 },
    ]) {
      assert.throws(() => new FlowFileWriter(folder, options as FlowFileOptions), { code: 'ERR_OPTION' });
    }
    assert.ok(!existsSync(`${folder}-0001`));
  });
});
