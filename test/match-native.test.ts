/** Random expressions select the same with everything that native code can do as when JavaScript decides about every message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CaptureOptions, capture, type Message, type RequestMessage } from '../lib/index.js';
import type { Node } from '../lib/match/ast.js';
import { compile } from '../lib/match/evaluate.js';
import { print } from '../lib/match/printer.js';
import { canHold, inScope, type MatchScope } from '../lib/match/scope.js';
import { bodyText, type Subject } from '../lib/match/subject.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation, interleave } from './support/conversation.js';
import { collect, temporaryFile } from './support/environment.js';
import { type HttpResponse, type RequestOptions, request, response } from './support/http.js';
import { expression } from './support/match-arbitraries.js';

const utf8 = (text: string) => Buffer.from(text).toString('latin1');

/** What the expressions are about, see match-arbitraries.ts. */
function conversations(): Conversation[] {
  const ends = [
    { client: { address: '10.0.0.1', port: 200 }, server: { address: '10.0.0.3', port: 80 } },
    { client: { address: '192.168.0.1', port: 8000 }, server: { address: '10.0.0.1', port: 443 } },
    { client: { address: 'fe80::1', port: 80 }, server: { address: '2001:db8::1', port: 65_535 } },
  ];
  const asked: RequestOptions[] = [
    { target: '/a/b', host: 'h.example', headers: [['X-A', 'a']] },
    {
      target: '/a?x=1',
      method: 'POST',
      host: 'H.example:80',
      headers: [
        ['x-a', '10'],
        ['X-A', 'k=*'],
      ],
      body: 'and',
    },
    { target: 'http://h/a?k', method: 'post', host: '[::1]:8', headers: [['a.b', utf8('ü')]], body: 'ü', chunked: [1] },
    {
      target: '*',
      method: 'a',
      host: null,
      headers: [
        ['odd name', 'a\\b'],
        ['X-A', 'a\r\n\t10'],
      ],
    },
    { target: 'h:80', method: 'a', host: '', headers: [['X-A', '']], body: 'GET', coding: 'gzip' },
  ];
  const answers: HttpResponse[][] = [
    [response({ status: 200, headers: [['X-A', 'a']], body: 'a' })],
    [response({ status: 100 }), response({ status: 404, statusText: utf8('ü') })],
    [response({ status: 500, statusText: '', body: '/a/b', chunked: [2], trailers: [['X-A', 'post']] })],
    [response({ status: 204 })],
    [response({ status: 499, statusText: 'a', body: '"', coding: 'gzip' })],
  ];
  return ends.map((end, shift) => {
    const conversation = new Conversation({ ...end, startNs: BigInt(1e18 + shift * 7), stepNs: 100n }).handshake();
    asked.forEach((one, i) => {
      const said = conversation.say([request(one)]);
      for (const answer of answers[(i + shift) % answers.length] ?? []) conversation.say([answer], said);
    });
    conversation.say([request({ target: '/a' })]);
    return conversation.reset(1);
  });
}

const file = temporaryFile(pcap(toPackets(interleave(conversations()), { link: 'ethernet' }), { nanoseconds: true }));

const keyOf = (message: Message) => `${message.connection.id} ${message.startTime} ${message.kind}`;

/** All messages with what is known of them in the end, and who belongs together. */
async function everything(options: CaptureOptions): Promise<{ key: string; group: string; subject: Subject }[]> {
  const all = await collect(capture({ file, ...options }));
  const known = await Promise.all(
    all.map(async (message) => ({ message, ended: true, body: await bodyText(message) })),
  );
  return known.map((one) => {
    const { message } = one;
    const requestId = message.kind === 'request' ? message.id : message.requestId;
    const other = known.find(({ message: candidate }) =>
      message.kind === 'request'
        ? candidate.kind === 'response' && candidate.requestId === requestId && !isInterim(candidate)
        : candidate.id === requestId,
    );
    return { key: keyOf(message), group: `${requestId ?? keyOf(message)}`, subject: { ...one, other: other ?? null } };
  });
}

const isInterim = (message: Message) => message.kind === 'response' && message.interim && message.status !== 101;

const all = await everything({ body: 'buffer' });

function expected(expression_: Node, scope: MatchScope): string[] {
  const decide = compile(inScope(expression_, scope));
  const matching = all.filter(({ subject }) => decide(subject) === true);
  if (scope === 'message') return matching.map(({ key }) => key);
  const groups = new Set(matching.filter(({ subject }) => !isInterim(subject.message)).map(({ group }) => group));
  return all.filter(({ group }) => groups.has(group)).map(({ key }) => key);
}

test('the capture has what the expressions are about', () => {
  assert.ok(all.length > 30);
  assert.ok(all.some(({ subject }) => (subject.message as RequestMessage).target === 'http://h/a?k'));
  assert.ok(all.some(({ subject }) => subject.message.headers.get('x-a') === 'a 10'));
  assert.ok(all.some(({ subject }) => isInterim(subject.message)));
  assert.ok(all.some(({ subject }) => subject.message.kind === 'request' && subject.other === null));
});

for (const scope of ['message', 'exchange'] as const) {
  test(`scope ${scope}: the same messages, in order`, { timeout: 120_000 }, async () => {
    let selected = 0;
    await fc.assert(
      fc.asyncProperty(expression, async (node) => {
        const bound = inScope(node, scope);
        const possible = canHold(bound, 'request') || canHold(bound, 'response');
        const want = expected(node, scope);
        if (!possible) {
          assert.deepEqual(want, []);
          return;
        }
        const got = await collect(capture({ file, match: print(node), matchScope: scope }));
        assert.deepEqual(new Set(got.map(keyOf)), new Set(want), print(node));
        assert.equal(got.length, want.length);
        for (const [i, message] of got.entries()) {
          assert.equal(message.id, i + 1, 'what is not selected uses up no id');
          if (message.kind !== 'response' || message.requestId === null) continue;
          const asked = got[message.requestId - 1] as Message;
          assert.ok(asked.id < message.id && asked.connection.id === message.connection.id, 'the request came before');
          assert.equal(keyOf(message.request as Message), keyOf(asked));
        }
        if (want.length > 0 && want.length < all.length) selected++;
      }),
      { numRuns: 400 },
    );
    assert.ok(selected > 60, `${selected}`);
  });
}

test('exchanges() gives those of which a side matches', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(expression, async (node) => {
      const bound = inScope(node, 'exchange');
      if (!canHold(bound, 'request') && !canHold(bound, 'response')) return;
      const want = new Set(expected(node, 'exchange'));
      const exchanges = await collect(capture({ file, match: print(node) }).exchanges());
      const got = exchanges.flatMap(({ request: asked, response: answer }) =>
        [asked, answer].filter((one) => one !== undefined),
      );
      const keys = new Set(got.map(keyOf));
      for (const { key, subject } of all)
        if (!isInterim(subject.message)) assert.equal(keys.has(key), want.has(key), `${print(node)}: ${key}`);
    }),
    { numRuns: 200 },
  );
});
