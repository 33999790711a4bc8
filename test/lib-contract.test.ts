import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  checkLayout,
  connectionLayout,
  connectionSize,
  continuationKinds,
  continuationLayout,
  continuationSize,
  flags,
  headerLayout,
  layoutVersion,
  noResponseReasons,
  recordLayout,
  recordSize,
} from '../lib/layout.js';
import { groupStats } from '../lib/stats.js';
import { suspicions } from '../lib/suspicion.js';

const text = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

const matches = (source: string, pattern: RegExp) => [...source.matchAll(pattern)];

test('the types of stats() name every counter of native/stats.h, and only those', () => {
  const counters = matches(text('../native/stats.h'), /^ {2}X\((\w+), (\w+)\)/gm).map(
    ([, group, name]) => `${group}.${name}`,
  );
  const interfaces = matches(text('../lib/stats.ts'), /^export interface (\w+)Stats \{\n([\s\S]*?)^\}/gm);
  const typed = interfaces
    .filter(([, name]) => name !== 'Capture')
    .flatMap(([, name, body]) =>
      matches(body ?? '', /^ {2}(\w+): number;/gm).map(
        ([, counter]) => `${name === 'Packet' ? 'packets' : name?.toLowerCase()}.${counter}`,
      ),
    );
  assert.ok(counters.length > 50);
  // The one counter of this side.
  assert.deepEqual(
    typed.sort(),
    [
      ...counters,
      'delivery.bodyBytesLetGo',
      'delivery.messagesLetGo',
      'delivery.messagesNotMatched',
      'delivery.requestsForgotten',
    ].sort(),
  );
});

test('stats are grouped by name, zero where there are none', () => {
  const names: [string, string][] = [
    ['packets', 'received'],
    ['later', 'more'],
  ];
  const ours = { requestsForgotten: 3, bodyBytesLetGo: 4, messagesNotMatched: 6, messagesLetGo: 5 };
  const stats = groupStats(names, Float64Array.of(1, 2), ours);
  assert.equal(stats.packets.received, 1);
  assert.equal((stats as unknown as Record<string, Record<string, number>>).later?.more, 2);
  assert.deepEqual({ ...stats.delivery }, { ...stats.delivery, ...ours });
  assert.equal(groupStats(names, undefined, ours).packets.received, 0);
});

test('an addon of another layout is refused, with what to do', () => {
  const layout = {
    version: layoutVersion,
    record: { ...recordLayout },
    recordSize,
    connection: { ...connectionLayout },
    connectionSize,
    header: { ...headerLayout },
    continuations: {
      record: { ...continuationLayout },
      recordSize: continuationSize,
      kinds: { ...continuationKinds },
      reasons: { ...noResponseReasons },
    },
    flags: { ...flags },
    suspicious: { ...suspicions },
  };
  checkLayout(layout);
  assert.throws(() => checkLayout({ ...layout, version: 99 }), {
    code: 'ERR_STATE',
    message: /version is 99.*npm rebuild/,
  });
  assert.throws(() => checkLayout({ ...layout, recordSize: 8 }), /size.record is 8/);
  assert.throws(() => checkLayout({ ...layout, record: { ...recordLayout, status: 0 } }), /record.status is 0, not 54/);
  assert.throws(() => checkLayout({ ...layout, flags: {} }), /flags.bodyKept is undefined/);
  assert.throws(() => checkLayout({ ...layout, suspicious: {} }), /suspicious.conflicting-content-length is undefined/);
});

test('suspicious has a name for every bit, and docs/http.md explains each', () => {
  const declared = matches(text('../native/http1/suspicion.h'), /^ {2}X\(\w+, (\d+), "([^"]+)"\)/gm).map(
    ([, bit, name]) => [name, 1 << Number(bit)],
  );
  assert.ok(declared.length > 20);
  assert.deepEqual(Object.entries(suspicions), declared);
  const explained = matches(text('../docs/http.md'), /^\| `([a-z0-9.-]+)` \|/gm).map(([, name]) => name);
  assert.deepEqual(
    explained,
    declared.map(([name]) => name),
  );
});
