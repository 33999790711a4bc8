/**
 * Random and mutated messages through Node's own parser, llhttp, and through ours: wherever Node accepts a message, the fields and the
 * bytes of the body must agree. Node's parser is strict, ours reads what there is, so that nothing is said of what Node refuses. Where
 * they differ on purpose is in `deliberate`, and in docs/http.md.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Message } from '../lib/index.js';
import { Random } from './support/random.js';
import { run, type Spoken } from './support/wire.js';
import type { Turn } from './wire-cases/case.js';
import { wireCases } from './wire-cases/index.js';

const seed = Number(process.env.FLOWTAP_SEED ?? 20_260_311);

interface Sample {
  kind: 'request' | 'response';
  bytes: string;
  /** Of a response: the methods of the requests that were sent before. */
  asked: string[];
}

/** What both parsers must agree on. */
interface Parsed {
  start: string;
  httpVersion: string;
  headers: [string, string][];
  trailers: [string, string][];
  body: string;
}

interface HttpParser {
  initialize(type: number, resource: object): void;
  execute(bytes: Buffer): number | Error;
  finish(): Error | undefined;
  [callback: number]: (...parts: never[]) => unknown;
}
interface HttpParserClass {
  new (): HttpParser;
  readonly REQUEST: number;
  readonly RESPONSE: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}

const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as {
  HTTPParser: HttpParserClass;
  methods: string[];
};

const pairs = (flat: string[]): [string, string][] =>
  Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] as string, flat[2 * i + 1] as string]);

/** The messages that Node accepts, up to the first error or the first that the rest of the connection is handed over with. */
function parseWithNode(kind: 'request' | 'response', bytes: Buffer, asked: string[] = []): Parsed[] {
  const messages: Parsed[] = [];
  let current: Parsed = { start: '', httpVersion: '', headers: [], trailers: [], body: '' };
  let fields: string[] = [];
  let target = '';
  let inHead = true;
  let over = false;
  let answered = 0;
  const parser = new HTTPParser();
  // llhttp hands over fields in several parts when there are many.
  parser[HTTPParser.kOnHeaders] = (flat: string[], begun: string) => {
    fields.push(...flat);
    if (inHead) target += begun;
  };
  parser[HTTPParser.kOnHeadersComplete] = (
    major: number,
    minor: number,
    flat: string[] | undefined,
    method: number,
    url: string | undefined,
    status: number,
    statusText: string,
    upgrade: boolean,
  ) => {
    const all = [...fields, ...(flat ?? [])];
    fields = [];
    inHead = false;
    // Space behind a reason phrase is nothing to us.
    const start =
      kind === 'request'
        ? `${methods[method]} ${target}${url ?? ''}`
        : `${status} ${statusText.replace(/[ \t]+$/, '')}`;
    target = '';
    current = { start, httpVersion: `${major}.${minor}`, headers: pairs(all), trailers: [], body: '' };
    if (kind === 'request') {
      // What follows is handed over by Node, and may be HTTP to us: only the response tells.
      over = over || upgrade;
      return upgrade ? 2 : 0;
    }
    const method_ = asked[answered];
    if (status >= 200 || status === 101) answered++;
    over = over || status === 101 || (method_ === 'CONNECT' && status >= 200 && status < 300);
    return over ? 2 : method_ === 'HEAD' ? 1 : 0;
  };
  parser[HTTPParser.kOnBody] = (piece: Buffer) => {
    current.body += piece.toString('latin1');
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    current.trailers = pairs(fields);
    fields = [];
    inHead = true;
    messages.push(current);
  };
  parser.initialize(kind === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {});
  if (typeof parser.execute(bytes) === 'number' && !over) parser.finish();
  return messages;
}

function shown(message: Message): Parsed {
  const raw = (fields: readonly (readonly [string, string])[]) =>
    fields.map(([name, value]): [string, string] => [name, value]);
  return {
    start:
      message.kind === 'request' ? `${message.method} ${message.target}` : `${message.status} ${message.statusText}`,
    httpVersion: message.httpVersion,
    headers: raw(message.headers.raw),
    trailers: raw(message.trailers.raw),
    body: message.body?.toString('latin1') ?? '',
  };
}

/** Where ours differs on purpose. The messages of a connection are compared up to such a one. docs/http.md says why. */
const deliberate: { name: string; applies(node: Parsed, sample: Sample, ours?: Message): boolean }[] = [
  { name: 'HTTP/0.9 requests without a version are not recognised', applies: (node) => node.httpVersion === '0.9' },
  { name: 'HTTP/2.0 in a start line is not HTTP/1', applies: (node) => node.httpVersion === '2.0' },
  {
    name: 'a request with Upgrade or CONNECT has the body that its fields frame',
    applies: (node, { kind }) =>
      kind === 'request' &&
      (node.start.startsWith('CONNECT ') || node.headers.some(([name]) => /^upgrade$/i.test(name))) &&
      node.headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name)),
  },
  {
    name: 'a tab or an empty list element may stand behind chunked (RFC 9110, 5.6.1 and 5.6.3)',
    applies: (_, { bytes }) => /transfer-encoding:[^\r\n]*chunked[ \t]*[\t,]/i.test(bytes),
  },
  // RFC 9112, 2.2: llhttp ends a status line there.
  { name: 'a bare CR ends no line', applies: (_, __, ours) => ours?.suspicious.includes('bare-cr') === true },
  // llhttp reads these protocols too.
  {
    name: 'a connection that begins with SSDP is not HTTP',
    applies: (_, { bytes }) => /^[\r\n]*(M-SEARCH|NOTIFY) \* HTTP\/1\.\d\r?\n/.test(bytes),
  },
  { name: 'RTSP and ICE are not HTTP', applies: (_, { bytes }) => /RTSP\/|ICE\//.test(bytes) },
];

// ---- what messages are made of ----

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
const visible = fc.stringMatching(/^[!-~\x80-\xff]{0,12}$/);
const value = fc.oneof(
  { weight: 6, arbitrary: fc.array(visible, { maxLength: 4 }).map((words) => words.join(' ').trim()) },
  { weight: 1, arbitrary: fc.stringMatching(/^[\t -~\x80-\xff]{0,40}$/) },
);
const space = fc.constantFrom('', ' ', ' ', ' ', '  ', '\t');
const line = fc
  .tuple(token, space, value, space)
  .map(([name, before, text, behind]) => `${name}:${before}${text}${behind}`);
const known = fc.constantFrom(
  'Host: h',
  'Connection: keep-alive',
  'Accept: */*',
  'X-Long: '.padEnd(300, 'x'),
  'Expect: 100-continue',
);
const fieldLines = fc.array(fc.oneof(line, known), { maxLength: 12 }).map((lines) =>
  // Framing is the generator's own business.
  lines.filter((one) => !/^(content-length|transfer-encoding|upgrade|connection: *(upgrade|close))/i.test(one)),
);
const body = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const target = fc.oneof(
  fc.stringMatching(/^\/[!-~]{0,30}$/),
  fc.constantFrom('*', '/', 'http://h/a?b', 'http://h', '/a?b=c&d', `/${'long'.repeat(60)}`),
);
const chunks = fc
  .tuple(
    fc.array(
      body.filter((text) => text.length > 0),
      { maxLength: 4 },
    ),
    fc.constantFrom('', '', '', ';a', ';a=b', ';a="b"'),
    fc.boolean(),
    fc.array(line, { maxLength: 2 }),
  )
  .map(([list, extension, upper, trailers]) => {
    const size = (n: number) => (upper ? n.toString(16).toUpperCase() : `0${n.toString(16)}`);
    const data = list.map((text) => `${size(text.length)}${extension}\r\n${text}\r\n`).join('');
    const safe = trailers.filter((one) => !/^(content-length|transfer-encoding|connection|upgrade)/i.test(one));
    return `${data}0\r\n${safe.map((one) => `${one}\r\n`).join('')}\r\n`;
  });
const framed = fc.oneof(
  fc.constant({ field: [] as string[], sent: '' }),
  body.map((text) => ({ field: [`Content-Length: ${text.length}`], sent: text })),
  chunks.map((sent) => ({ field: ['Transfer-Encoding: chunked'], sent })),
);
const method = fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'M-SEARCH', 'PROPFIND');

const message = (startLine: string, lines: string[], { field, sent }: { field: string[]; sent: string }): string =>
  `${[startLine, ...lines, ...field].join('\r\n')}\r\n\r\n${sent}`;
const oneRequest = fc
  .tuple(method, target, fc.constantFrom('1.1', '1.1', '1.0'), fieldLines, framed)
  .map(([verb, to, version, lines, how]) => message(`${verb} ${to} HTTP/${version}`, lines, how));
const requests = fc
  .array(oneRequest, { minLength: 1, maxLength: 3 })
  .map((list): Sample => ({ kind: 'request', bytes: list.join(''), asked: [] }));

const status = fc.constantFrom(200, 200, 201, 204, 205, 301, 304, 404, 500, 100, 103);
const oneResponse = fc.tuple(status, fc.constantFrom('OK', '', 'Not so good', '\xfcber'), fieldLines, framed, method);
const responses = fc.array(oneResponse, { minLength: 1, maxLength: 3 }).map((list): Sample => {
  const asked: string[] = [];
  const bytes = list.map(([code, reason, lines, how, verb]) => {
    if (code >= 200) asked.push(verb);
    const none = code < 200 || code === 204 || code === 304 || verb === 'HEAD';
    const sent = none ? { field: code < 200 || code === 204 ? [] : how.field, sent: '' } : how;
    return message(`HTTP/1.1 ${code} ${reason}`, lines, sent);
  });
  return { kind: 'response', bytes: bytes.join(''), asked };
});

/** Small damage: the bytes that matter to a parser, anywhere. */
const interesting = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  ':',
  '\0',
  ',',
  ';',
  '0',
  '-',
  'x',
  '\x0b',
  '\xff',
  '\r\n ',
  'HTTP/1.1',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
];
function mutate({ kind, bytes, asked }: Sample, random: Random): Sample {
  let text = bytes;
  for (let i = random.between(1, 3); i > 0; i--) {
    const at = random.between(0, text.length);
    const removed = random.chance(0.6) ? random.between(0, 3) : 0;
    text = text.slice(0, at) + (random.chance(0.8) ? random.pick(interesting) : '') + text.slice(at + removed);
  }
  return { kind, bytes: text, asked };
}

/** The wire cases say their bytes in turns; here each direction is one sample, if it is whole. */
function samplesOfWireCases(): Sample[] {
  return Object.values(wireCases)
    .flat()
    .filter((one) => one.only !== 'whole' && one.options === undefined && !/PROXY/.test(one.name))
    .flatMap((one) =>
      (['client', 'server'] as const).map((from): Sample => {
        const asked = one.messages.flatMap(({ request = '' }) =>
          request === '' ? [] : [request.split(' ')[0] as string],
        );
        const bytes = one.turns.map((turn) => ('say' in turn && turn.from === from ? turn.say : '')).join('');
        return { kind: from === 'client' ? 'request' : 'response', bytes, asked };
      }),
    );
}

function spoken({ kind, bytes, asked }: Sample, random: Random): Spoken {
  const turns: Turn[] = [];
  const say = (from: 'client' | 'server', text: string) => turns.push({ from, say: text, captured: true });
  if (kind === 'response')
    say(
      'client',
      asked.map((verb) => `${verb} ${verb === 'CONNECT' ? 'h:1' : '/'} HTTP/1.1\r\nHost: h\r\n\r\n`).join(''),
    );
  for (let at = 0; at < bytes.length; ) {
    const length = random.chance(0.3) ? bytes.length : random.between(1, 200);
    say(kind === 'request' ? 'client' : 'server', bytes.slice(at, at + length));
    at += length;
  }
  return { turns };
}

/** Compares what both made of each sample. Returns how many messages agreed. */
async function compare(samples: Sample[], random: Random): Promise<number> {
  // A capture holds as many connections as there are ports.
  const most = 20_000;
  let agreed = 0;
  for (let from = 0; from < samples.length; from += most) {
    const some = samples.slice(from, from + most);
    const ours = await run(
      some.map((sample) => spoken(sample, random)),
      'whole',
      { maxHeadBytes: 1 << 20 },
    );
    some.forEach((sample, i) => {
      const got = (ours[i] ?? []).filter((one) => one.kind === sample.kind);
      for (const [index, node] of parseWithNode(
        sample.kind,
        Buffer.from(sample.bytes, 'latin1'),
        sample.asked,
      ).entries()) {
        if (deliberate.some((difference) => difference.applies(node, sample, got[index]))) break;
        const one = got[index];
        assert.deepEqual(one && shown(one), node, `message ${index} of ${JSON.stringify(sample)} (seed ${seed})`);
        agreed++;
      }
    });
  }
  return agreed;
}

const arbitrary = fc.oneof(requests, responses);

test('generated messages, cut at random places', async (context) => {
  const samples = fc.sample(arbitrary, { numRuns: 4000, seed });
  const agreed = await compare(samples, new Random(seed));
  context.diagnostic(`seed ${seed}: ${agreed} messages agree`);
  // The generator makes messages that Node accepts, mostly.
  assert.ok(agreed > samples.length, `${agreed} of ${samples.length}`);
});

test('mutated messages', async (context) => {
  const random = new Random(seed);
  const samples = fc.sample(arbitrary, { numRuns: 6000, seed: seed + 1 }).map((sample) => mutate(sample, random));
  const agreed = await compare(samples, random);
  context.diagnostic(`seed ${seed}: ${agreed} messages agree`);
  assert.ok(agreed > samples.length / 3, `${agreed} of ${samples.length}`);
});

test('the wire cases, as they are and mutated', async (context) => {
  const random = new Random(seed);
  const whole = samplesOfWireCases();
  const mutated = Array.from({ length: 10 }, () => whole.filter(({ bytes }) => bytes.length < 5000)).flat();
  const samples = [...whole, ...mutated.map((sample) => mutate(sample, random))];
  const agreed = await compare(samples, random);
  context.diagnostic(`seed ${seed}: ${agreed} messages agree`);
  assert.ok(agreed > whole.length / 2, `${agreed} of ${samples.length}`);
});
