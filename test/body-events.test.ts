/** Server-sent events: what WHATWG HTML, 9.2 makes of a body, however it comes in pieces. */
import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import type { Piece } from '../lib/body/open-body.js';
import { eventsOf, type ServerSentEvent } from '../lib/body/server-sent-events.js';
import { collect } from './support/environment.js';
import { Random } from './support/random.js';

async function* list<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

function parse(...pieces: (string | Buffer | number)[]): Promise<ServerSentEvent[]> {
  const made = pieces.map((piece): Piece => (typeof piece === 'string' ? Buffer.from(piece) : piece));
  return collect(eventsOf(list(made), 10_000));
}

const event = (data: string, lastEventId = '', type = 'message') => ({ type, data, lastEventId });

/** A stream, and the events that a browser would dispatch. */
const cases: [what: string, stream: string, events: ServerSentEvent[]][] = [
  [
    'the examples of the standard: comment, two events, one without an end',
    ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n',
    [event('first event', '1'), event('second event', '')],
  ],
  ['empty data', 'data\n\ndata\ndata\n\ndata:', [event(''), event('\n')]],
  [
    'one space is taken off',
    'data:test\n\ndata: test\n\ndata:  test\n\n',
    [event('test'), event('test'), event(' test')],
  ],
  ['several lines of data', 'data: YHOO\ndata: +2\ndata: 10\n\n', [event('YHOO\n+2\n10')]],
  [
    'types',
    'event: add\ndata: 1\n\nevent: remove\ndata: 2\n\nevent:\ndata: 3\n\n',
    [event('1', '', 'add'), event('2', '', 'remove'), event('3')],
  ],
  ['a type without data is forgotten', 'event: add\n\ndata: 1\n\n', [event('1')]],
  ['carriage returns', 'data: a\rdata: b\r\rdata: c\r\r', [event('a\nb'), event('c')]],
  ['both', 'data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n', [event('a\nb'), event('c')]],
  ['mixed', 'data: a\rdata: b\n\r\ndata: c\r\n\ndata: d\n\r', [event('a\nb'), event('c'), event('d')]],
  ['a line feed, then a carriage return: two ends', 'data: a\n\rdata: b\n\n', [event('a'), event('b')]],
  ['a byte order mark at the start', '\ufeffdata: a\n\n', [event('a')]],
  [
    'a byte order mark elsewhere is a character',
    'data: a\n\n\ufeffdata: b\n\ndata: \ufeffc\n\n',
    [event('a'), event('\ufeffc')],
  ],
  ['no line and no end', 'data: a', []],
  ['nothing', '', []],
  [
    'an id goes on until the next',
    'id: 7\ndata: a\n\ndata: b\n\nid: 8\n\ndata: c\n\n',
    [event('a', '7'), event('b', '7'), event('c', '8')],
  ],
  ['an id with NUL does not count', 'id: 7\nid: 8\0\ndata: a\n\n', [event('a', '7')]],
  [
    'retry, unknown fields and comments do not count',
    'retry: 100\nretry: x\nfoo: bar\nfoo\n:comment\n : no\nDATA: x\ndata: a\n\n',
    [event('a')],
  ],
  ['a colon in the value', 'data: a:b: c\n\n', [event('a:b: c')]],
  ['characters of several bytes', 'data: grün 日本 🙂\n\nid: ü\ndata: x\n\n', [event('grün 日本 🙂'), event('x', 'ü')]],
  ['what looks like a mark of three characters', 'ï»¿data: a\n\ndata: b\n\n', [event('b')]],
];

suite('a stream of events', () => {
  for (const [what, stream, events] of cases)
    test(what, async () => {
      const bytes = Buffer.from(stream);
      assert.deepEqual(await parse(stream), events);
      assert.deepEqual(await parse(...Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))), events);
      for (let at = 1; at < bytes.length; at++)
        assert.deepEqual(await parse(bytes.subarray(0, at), bytes.subarray(at)), events, `cut at ${at}`);
    });

  test('any cuts of any stream give the same events', async () => {
    const words = [
      'data',
      'data: ',
      'id: ',
      'event: x',
      ':',
      ' ',
      '\n',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      'ü',
      '\0',
      'text',
      '\ufeff',
    ];
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed);
      const bytes = Buffer.from(Array.from({ length: random.between(0, 60) }, () => random.pick(words)).join(''));
      const whole = await parse(bytes);
      const parts: Buffer[] = [];
      for (let at = 0; at < bytes.length; ) {
        const end = at + random.between(1, 12);
        parts.push(bytes.subarray(at, end));
        at = end;
      }
      assert.deepEqual(await parse(...parts), whole, `seed ${seed}`);
    }
  });

  test('an event is there with the last byte of its empty line, whatever ends lines', async () => {
    for (const end of ['\n', '\r', '\r\n']) {
      let sent = 0;
      async function* stream() {
        for (const data of ['1', '2', '3']) {
          sent++;
          yield Buffer.from(`data: ${data}${end}${end}`);
          assert.equal(seen.at(-1)?.data, data, JSON.stringify(end));
        }
      }
      const seen: ServerSentEvent[] = [];
      for await (const one of eventsOf(stream(), 100)) seen.push(one);
      assert.equal(sent, 3);
    }
  });
});

suite('behind a hole', () => {
  test('the cut event is left out, the next whole one is there', async () => {
    assert.deepEqual(await parse('data: 1\n\ndata: 2', 10, 'data: 3\n\ndata: 4\n\n'), [event('1'), event('4')]);
    assert.deepEqual(await parse('data: 1\n\nid: 5\ndata: 2\n', 10, 'x\ndata: 3\n\ndata: 4\n\n'), [
      event('1'),
      event('4', '5'),
    ]);
    assert.deepEqual(await parse('event: a\ndata: 1\n', 10, '\n\ndata: 2\n\n'), [event('2')]);
  });

  test('an empty line is known only behind another line', async () => {
    // The hole may have had the rest of "data: 1", or a carriage return.
    assert.deepEqual(await parse('data: 1', 10, '\ndata: 2\n\ndata: 3\n\n'), [event('3')]);
    assert.deepEqual(await parse('data: 1\r', 10, '\ndata: 2\r\n\r\ndata: 3\r\n\r\n'), [event('3')]);
  });

  test('holes anywhere never make an event that was not sent', async () => {
    const sent = Array.from({ length: 30 }, (_, i) => `type${i}|line ${i}\nsecond ${i}`);
    for (const end of ['\n', '\r\n', '\r'])
      for (let seed = 1; seed <= 100; seed++) {
        const random = new Random(seed);
        const stream = sent.map((one) => {
          const [type, data] = one.split('|') as [string, string];
          return `event: ${type}${end}${data
            .split('\n')
            .map((line) => `data: ${line}${end}`)
            .join('')}${end}`;
        });
        const bytes = Buffer.from(stream.join(''));
        const pieces: (Buffer | number)[] = [];
        for (let at = 0; at < bytes.length; ) {
          const length = random.between(1, 200);
          pieces.push(bytes.subarray(at, at + length));
          const hole = random.between(1, 50);
          pieces.push(hole);
          at += length + hole;
        }
        const got = await parse(...pieces);
        for (const { type, data } of got) assert.ok(sent.includes(`${type}|${data}`), `seed ${seed}: ${type} ${data}`);
      }
  });
});

test('what is no stream of events does not fill the memory', async () => {
  await assert.rejects(parse('x'.repeat(6000), 'x'.repeat(6000)), { code: 'ERR_DECODE', message: /event exceeds/ });
  await assert.rejects(parse(...Array.from({ length: 6000 }, () => 'data\ndata\n')), { code: 'ERR_DECODE' });
  assert.deepEqual(await parse(...Array.from({ length: 6000 }, () => 'field: value\n')), []);
});
