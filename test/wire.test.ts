/** Hand-written messages on the wire, and what must come of them however TCP cuts them up. */
import assert from 'node:assert/strict';
import { before, describe as suite, test } from 'node:test';
import type { Endpoint, Message } from '../lib/index.js';
import { type Cut, run } from './support/wire.js';
import type { Expected, WireCase } from './wire-cases/case.js';
import { wireCases } from './wire-cases/index.js';

const cuts: Cut[] = ['whole', 'in single bytes', 'shuffled'];

/** What is compared of a message, in the words of the tables. */
function shown(message: Message, requests: Message[]): Expected {
  const pairs = (fields: readonly (readonly [string, string])[]) =>
    fields.map(([name, value]): [string, string] => [name, value]);
  const common = {
    httpVersion: message.httpVersion,
    headers: pairs(message.headers.raw),
    trailers: pairs(message.trailers.raw),
    body: message.body?.toString('latin1') ?? '',
    integrity: message.integrity,
    suspicious: [...message.suspicious],
  };
  if (message.kind === 'request')
    return { kind: message.kind, request: `${message.method} ${message.target}`, ...common };
  const { status, statusText, interim, requestId } = message;
  const to = requestId === null ? null : requests.findIndex((request) => request.id === requestId);
  return { kind: message.kind, status, statusText, interim, ...common, to };
}

/** Where a case does not say which request a response answers, it is the next without a final response. */
function paired(messages: Expected[]): Expected[] {
  let next = 0;
  return messages.map((message) => {
    if (message.kind === 'request') return message;
    const to = message.to === undefined ? next : message.to;
    if (to !== null && !message.interim) next = to + 1;
    return { ...message, to };
  });
}

const endpoint = ({ address, port }: Endpoint) => `${address}:${port}`;

function check(one: WireCase, messages: Message[]): void {
  const requests = messages.filter((message) => message.kind === 'request');
  const got = messages.map((message) => shown(message, requests));
  const wanted = paired(one.messages);
  // Between the directions the order of delivery may depend on the cut, save that responses follow their requests.
  for (const kind of ['request', 'response'])
    assert.deepEqual(
      got.filter((message) => message.kind === kind),
      wanted.filter((message) => message.kind === kind),
    );
  for (const message of messages) {
    if (message.kind === 'response' && message.requestId !== null) assert.ok(message.id > message.requestId);
    const { proxied } = message.connection;
    assert.deepEqual(proxied && [endpoint(proxied.source), endpoint(proxied.destination)], one.proxied);
  }
}

const optionsOf = (one: WireCase) => JSON.stringify(one.options ?? {});

for (const cut of cuts)
  suite(`wire cases ${cut}`, () => {
    const cases = Object.values(wireCases)
      .flat()
      .filter((one) => cut === 'whole' || one.only !== 'whole');
    const results = new Map<WireCase, Message[]>();
    before(async () => {
      for (const options of new Set(cases.map(optionsOf))) {
        const alike = cases.filter((one) => optionsOf(one) === options);
        const messages = await run(alike, cut, JSON.parse(options));
        alike.forEach((one, i) => {
          results.set(one, messages[i] ?? []);
        });
      }
    });
    for (const [topic, list] of Object.entries(wireCases))
      suite(topic, () => {
        for (const one of list) if (cases.includes(one)) test(one.name, () => check(one, results.get(one) ?? []));
      });
  });

test('there are at least 150 cases, with names of their own', () => {
  const names = Object.entries(wireCases).flatMap(([topic, list]) => list.map((one) => `${topic}: ${one.name}`));
  assert.ok(names.length >= 150, `${names.length}`);
  assert.equal(new Set(names).size, names.length);
});
