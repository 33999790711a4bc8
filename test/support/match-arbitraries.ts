/** Random expressions and messages that have a chance of fitting each other. */
import fc from 'fast-check';
import { Batch } from '../../lib/batch.js';
import { flags } from '../../lib/layout.js';
import { allOf, anyOf, condition, type FieldRef, type Node, type Test, type Value } from '../../lib/match/ast.js';
import { type Field, type FieldName, fieldOf, fields } from '../../lib/match/fields.js';
import { parseRegExp } from '../../lib/match/regexp.js';
import type { Subject } from '../../lib/match/subject.js';
import { parseValue } from '../../lib/match/values.js';
import { messageAt } from '../../lib/message.js';
import { suspicions } from '../../lib/suspicion.js';
import { ipv4, type MessageSpec, writeBatch } from './batch-writer.js';

// Few texts, so that they meet often; some with what is special in an expression, in a regular expression or in UTF-8.
const texts = [
  '',
  'a',
  'GET',
  'post',
  '/a/b',
  '/a?x=1',
  'h.example',
  'H.example:80',
  '[::1]:8',
  'k=*',
  'a\\b',
  '"',
  'ü',
  '10',
  'and',
];
const patterns = [...texts, '\n', '\u2028', '\ud800', '\0', '{', "it's", 'b/', 'xx'];
const headerNames = ['host', 'x-a', 'odd name', 'a"*\\b', 'a.b'];

const piece = fc.constantFrom(...patterns);
const pattern: fc.Arbitrary<Value> = fc
  .array(piece, { minLength: 1, maxLength: 3 })
  .map((pieces) => ({ type: 'pattern', pieces }));

const prefixes = [
  '10.0.0.1',
  '10.0.0.0/8',
  '0.0.0.0/0',
  '10.0.0.2/31',
  '::/0',
  'fe80::1',
  'fe80::/10',
  '2001:db8::1/33',
  '::1',
];
const ranges: Readonly<Record<string, [least: number, most: number]>> = {
  status: [0, 999],
  port: [0, 65_535],
  size: [0, 2 ** 53 - 1],
  duration: [0, 2 ** 53 - 1],
  version: [0, 0x99],
};

function numberOf({ type }: Field): fc.Arbitrary<number> {
  if (type === 'version') return fc.constantFrom(0x10, 0x11, 0x20, 0x99);
  const [min, max] = ranges[type] ?? [0, 0];
  const near = fc.constantFrom(0, 1, 80, 199, 200, 204, 404, 499, 500, 999);
  return fc.oneof(near, near, fc.integer({ min, max }));
}

function valueFor(field: Field): fc.Arbitrary<Value> {
  if (field.type === 'text') return pattern;
  if (field.type === 'word') return fc.constantFrom(...(field.words ?? [])).map((word) => ({ type: 'word', word }));
  if (field.type === 'address') {
    return fc.constantFrom(...prefixes).map((text) => parseValue(field, text, [text], false) as Value);
  }
  const number = numberOf(field);
  return fc.oneof(
    number.map((low): Value => ({ type: 'range', low, high: low })),
    fc.tuple(number, number).map(([a, b]): Value => ({ type: 'range', low: Math.min(a, b), high: Math.max(a, b) })),
    field.type === 'status'
      ? fc.constant<Value>({ type: 'range', low: 400, high: 499 })
      : fc.nat(9).map((low): Value => ({ type: 'range', low, high: low })),
  );
}

const regExps = fc
  .tuple(
    fc.constantFrom('^/a', 'a|b', '[/]', 'ü', '\\/', '"', '^$', '\\d+', '.', 'G.T'),
    fc.constantFrom('', 'i', 'is'),
  )
  .map(([source, letters]) => parseRegExp(source, letters));

function testOf(field: Field): fc.Arbitrary<Test> {
  const exists = fc.constant<Test>({ op: 'exists' });
  if (field.type === 'flag') return exists;
  const equals = fc
    .tuple(fc.boolean(), fc.array(valueFor(field), { minLength: 1, maxLength: 3 }))
    .map(([negated, values]): Test => ({ op: 'equals', negated, values }));
  if (field.type === 'text') {
    const contains = pattern.map((value): Test => ({ op: 'contains', pattern: value as never }));
    const matches = fc.tuple(fc.boolean(), regExps).map(([negated, test]): Test => ({ ...test, negated }));
    return fc.oneof(exists, equals, equals, contains, matches);
  }
  if (field.type === 'word' || field.type === 'address') return fc.oneof(exists, equals, equals);
  const compares = fc
    .tuple(fc.constantFrom('<', '<=', '>', '>=' as const), numberOf(field))
    .map(([operator, value]): Test => ({ op: 'compares', operator, value }) as Test);
  return fc.oneof(exists, equals, compares);
}

const fieldRef: fc.Arbitrary<FieldRef> = fc
  .tuple(fc.constantFrom(...(Object.keys(fields) as FieldName[])), fc.constantFrom(...headerNames), fc.nat(3))
  .map(([name, header, choice]) => {
    const { of, named }: Field = fieldOf(name);
    const sides =
      of === 'message' ? (['request', 'response'] as const) : of === 'request' || of === 'response' ? [of] : [];
    const side = sides[choice];
    return { name, ...(side === undefined ? {} : { side }), ...(named ? { header } : {}) };
  });

const leaf: fc.Arbitrary<Node> = fieldRef.chain((field) =>
  testOf(fieldOf(field.name)).map((test) => condition(field, test)),
);

export const expression: fc.Arbitrary<Node> = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map(allOf),
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map(anyOf),
    tie('node').map((node): Node => ({ type: 'not', node })),
  ),
})).node;

const ipv6 = (...groups: number[]) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));
const ends = [
  { ipVersion: 4, client: ipv4(10, 0, 0, 1), server: ipv4(10, 0, 0, 3) },
  { ipVersion: 4, client: ipv4(192, 168, 0, 1), server: ipv4(10, 0, 0, 1) },
  { ipVersion: 6, client: ipv6(0xfe80, 0, 0, 0, 0, 0, 0, 1), server: ipv6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1) },
  { ipVersion: 6, client: ipv6(0, 0, 0, 0, 0, 0, 0, 1), server: ipv6(0xfebf, 0, 0, 0, 0, 0, 0, 2) },
] as const;

/** A character a byte, without what would end a line or a word. */
const wire = fc.constantFrom(...texts).map((text) => Buffer.from(text).toString('latin1'));
const rawWire = fc.oneof(wire, fc.constant('\xfc'));

const startLine = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('GET', 'POST', 'post', 'CONNECT', 'a'),
      fc.constantFrom('/a/b', '/a', '/', '*', '/a?x=1', 'http://h/a?k', 'h:80', '/\xfc'),
    )
    .map((parts) => `${parts.join(' ')} HTTP/1.1`),
  fc
    .tuple(fc.constantFrom(100, 199, 200, 204, 404, 499, 500), fc.constantFrom('', 'OK', 'a', '\xc3\xbc'))
    .map(([status, reason]) => `HTTP/1.1 ${status} ${reason}`),
);

const spec: fc.Arbitrary<Omit<MessageSpec, 'id'>> = fc
  .record({
    line: startLine,
    headers: fc.array(fc.tuple(fc.constantFrom('Host', 'host', 'X-A', 'a.b', 'odd name'), rawWire), { maxLength: 3 }),
    trailers: fc.array(fc.tuple(fc.constantFrom('X-A', 'a.b'), rawWire), { maxLength: 2 }),
    connection: fc.constantFrom(...ends),
    ports: fc.tuple(fc.constantFrom(80, 200, 8000), fc.constantFrom(80, 443, 65_535)),
    body: fc.option(fc.constantFrom(...texts), { nil: undefined }),
    times: fc.tuple(fc.nat(600), fc.nat(600)),
    bits: fc.constantFrom(0, flags.conflict, flags.bodyTruncated),
    integrity: fc.nat(3),
    missingBytes: fc.constantFrom(0, 80),
    httpVersion: fc.constantFrom(0x10, 0x11),
    suspicious: fc.constantFrom(0, suspicions['obs-fold'], suspicions['obs-fold'] | suspicions['bare-lf']),
  })
  .map(({ line, headers, trailers, connection, ports, times, bits, ...rest }) => ({
    ...rest,
    head: [line, ...headers.map(([name, value]) => `${name}: ${value}`)].join('\n'),
    ...(trailers.length > 0 ? { trailer: trailers.map(([name, value]) => `${name}: ${value}`).join('\n') } : {}),
    connection: { ...connection, id: 1, clientPort: ports[0], serverPort: ports[1] },
    startTimeNs: BigInt(times[0]),
    endTimeNs: BigInt(times[0] + times[1]),
    flags: bits,
  }));

/** Messages of one batch, ended and with their bodies. */
export const messages: fc.Arbitrary<Subject[]> = fc.array(spec, { minLength: 2, maxLength: 6 }).map((specs) => {
  const context = { maxDecodedBytes: 1 << 20, maxBodyBytes: 1 << 20, streaming: false };
  const batch = new Batch(writeBatch(specs.map((one, i) => ({ ...one, id: i + 1 }))), context);
  return specs.map(({ body }, i) => ({
    message: messageAt(batch, i),
    ended: true,
    body: typeof body === 'string' && body !== '' ? body : null,
  }));
});

/** With everything that can be known of the other side: nobody, or a message of the other kind. */
export const subjects: fc.Arbitrary<Subject[]> = messages.map((all) =>
  all.map((subject) => ({
    ...subject,
    other: all.find(({ message }) => message.kind !== subject.message.kind) ?? null,
  })),
);
