/** The option `write.rotate`: together the files hold what one would. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { type CaptureOptions, capture, flows, writePcapng } from '../lib/index.js';
import { numberedFile } from '../lib/numbered-files.js';
import { pcapng, toPackets } from './support/capture-file.js';
import { collect, temporaryFile, temporaryFolder } from './support/environment.js';
import { mangle } from './support/network.js';
import { readPcapng, type WrittenPacket } from './support/pcapng-file.js';
import { traffic } from './support/traffic.js';

/** Of two interfaces with different link types. */
function captured(seed: number): string {
  const segments = mangle(traffic({ seed, conversations: 6 }).segments, { seed, reorder: 0.02, retransmit: 0.05 });
  const isFirst = (port: number) => port % 2 === 0;
  const packets = segments.flatMap((segment) => {
    const first = isFirst(segment.ends[0].port);
    return toPackets([segment], { link: first ? 'ethernet' : 'raw' }, first ? 0 : 1);
  });
  const interfaces = [{ linkType: 1 }, { linkType: 101 }];
  return temporaryFile(pcapng(packets, { interfaces }));
}

const plain = ({ linkType, timeNs, wireLength, data }: WrittenPacket) =>
  `${linkType} ${timeNs} ${wireLength} ${data.toString('base64')}`;

const packetsIn = (file: string) => readPcapng(readFileSync(file)).packets.map(plain);

test('the same packets, in files that are whole', async () => {
  const top = temporaryFolder();
  for (const seed of [1, 2, 3]) {
    const file = captured(seed);
    for (const rotate of [{ bytes: 1 }, { bytes: 20_000 }, { ns: 1_000_000n }, { bytes: 50_000, ns: 3_000_000n }]) {
      const folder = mkdtempSync(path.join(top, 'files-'));
      const one = path.join(folder, 'one.pcapng');
      const day = path.join(folder, 'day.pcapng');
      const options: CaptureOptions = { file, match: 'method == GET' };
      const counts = await writePcapng(one, options);
      const finished: [string, boolean][] = [];
      const onFinished = (name: string, last: boolean): void => {
        finished.push([name, last]);
      };
      assert.deepEqual(await writePcapng({ file: day, rotate, onFinished }, options), counts);
      const names = finished.map(([name]) => name);
      assert.deepEqual(
        names,
        names.map((_, index) => numberedFile(day, index + 1)),
      );
      assert.deepEqual(
        finished.map(([, last]) => last),
        names.map((_, index) => index === names.length - 1),
      );
      assert.ok(names.length > 2, `${names.length} files`);
      assert.deepEqual(names.flatMap(packetsIn), packetsIn(one));
      if (rotate.bytes === 1) assert.ok(names.every((name) => packetsIn(name).length === 1));
      assert.equal(readdirSync(folder).length, names.length + 1);
    }
  }
});

test('numbers go on after those of files that are there, and with `replace` begin again', async () => {
  const folder = temporaryFolder();
  const day = path.join(folder, 'day.pcapng');
  writeFileSync(numberedFile(day, 12), 'old');
  writeFileSync(`${numberedFile(day, 40)}.gz`, 'old');
  const rotate = { bytes: 1 << 30 };
  const file = captured(4);
  await writePcapng({ file: day, rotate }, { file });
  assert.ok(packetsIn(numberedFile(day, 41)).length > 0);
  await writePcapng({ file: day, rotate, replace: true }, { file });
  assert.ok(packetsIn(numberedFile(day, 1)).length > 0);
  assert.equal(readFileSync(numberedFile(day, 12), 'utf8'), 'old');
});

test('is told of each file in time, of one file too, of flows() and when the loop is left', async () => {
  const file = captured(5);
  const finished: [string, boolean][] = [];
  const write = (name: string, rotate?: { bytes: number }) => ({
    file: path.join(temporaryFolder(), name),
    rotate,
    onFinished: (one: string, last: boolean) => void finished.push([path.basename(one), last]),
  });
  await collect(capture({ file, write: write('one.pcapng') }));
  assert.deepEqual(finished.splice(0), [['one.pcapng', true]]);
  await collect(flows({ file, write: write('flows.pcapng', { bytes: 1 << 30 }) }));
  assert.deepEqual(finished.splice(0), [['flows-0001.pcapng', true]]);
  const tap = capture({ file, write: write('left.pcapng', { bytes: 1 << 30 }) });
  for await (const message of tap) {
    assert.ok(message.id > 0);
    break;
  }
  assert.deepEqual(finished.splice(0), [['left-0001.pcapng', true]]);
  assert.equal(tap.stats().write.files, 1);
});

test('what is read is not overwritten, and options make sense', () => {
  const folder = temporaryFolder();
  const day = path.join(folder, 'day.pcapng');
  const file = numberedFile(day, 7);
  writeFileSync(file, '');
  const rotate = { bytes: 1 };
  assert.throws(() => capture({ file, write: { file: day, rotate, replace: true } }), {
    message: /is the file that is read/,
  });
  for (const wrong of [{ rotate: {} }, { rotate: { bytes: 0.5 } }, { rotate: { ns: 1 } }, { rotate, onFinished: 7 }]) {
    assert.throws(() => capture({ file, write: { file: 'x', ...wrong } as never }), { code: 'ERR_OPTION' });
  }
});
