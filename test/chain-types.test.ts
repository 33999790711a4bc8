/** What the compiler makes of chains: this file fails to compile when a type is not what it says. */
import assert from 'node:assert/strict';
import type { ReadableStream } from 'node:stream/web';
import { test } from 'node:test';
import {
  type Chain,
  capture,
  type FlowData,
  type FlowTap,
  type Message,
  type RequestMessage,
  type ResponseMessage,
  type Tap,
} from '../lib/index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only when the value has exactly the type. */
function typed<Want>() {
  return <Got>(_: () => Got, _same: Equal<Got, Want>): void => {};
}

declare const tap: Tap;
declare const events: FlowTap;

test('types', () => {
  const isRequest = (message: Message): message is RequestMessage => message.kind === 'request';

  // Nothing of this runs: `tap` is declared alone.
  typed<Chain<RequestMessage>>()(() => tap.filter((m): m is RequestMessage => m.kind === 'request'), true);
  typed<Chain<RequestMessage>>()(() => tap.filter(isRequest), true);
  typed<Chain<RequestMessage>>()(() => tap.filter((m) => m.kind === 'request'), true);
  typed<Chain<ResponseMessage>>()(() => tap.filter((m) => m.kind === 'response'), true);
  typed<Chain<FlowData>>()(() => events.filter((event) => event.kind === 'data'), true);
  typed<Chain<Message>>()(() => tap.filter((m) => m.bodyLength > 3), true);
  typed<Chain<Message>>()(() => tap.filter(async (m) => (await m.text()).includes('x')), true);
  typed<Chain<string>>()(() => tap.filter(isRequest).map((request) => request.path), true);

  typed<Chain<number>>()(() => tap.map((m) => m.id), true);
  typed<Chain<string>>()(() => tap.map((m) => m.text()), true);
  typed<Chain<string | number>>()(() => tap.map((m) => (m.id > 3 ? m.text() : m.id)), true);
  typed<Chain<readonly [string, number]>>()(() => tap.map((m, index) => [m.httpVersion, index] as const), true);

  typed<Chain<number>>()(() => tap.flatMap((m) => [m.id, m.id]), true);
  typed<Chain<string>>()(() => tap.flatMap(async (m) => (await m.text()).split('\n')), true);
  typed<Chain<string>>()(() => tap.flatMap((m) => [m.text()]), true);
  typed<Chain<number>>()(
    () =>
      tap.flatMap(async function* (m) {
        yield m.id;
      }),
    true,
  );
  typed<Chain<string>>()(() => tap.flatMap((m) => new Set([m.httpVersion])), true);

  typed<Chain<Message>>()(() => tap.take(1), true);
  typed<Chain<Message>>()(() => tap.drop(1), true);
  typed<Chain<Message>>()(() => tap.takeUntil(1000), true);
  typed<Chain<Message>>()(() => tap.takeUntil(AbortSignal.timeout(1)), true);
  typed<ReadableStream<number>>()(() => tap.map((m) => m.id).toReadableStream(), true);

  typed<Promise<Message[]>>()(() => tap.toArray(), true);
  typed<Promise<void>>()(() => tap.forEach(() => {}), true);
  typed<Promise<boolean>>()(() => tap.some((m) => m.conflict), true);
  typed<Promise<boolean>>()(() => tap.every((m) => m.conflict), true);
  typed<Promise<Message | undefined>>()(() => tap.find((m) => m.conflict), true);
  typed<Promise<RequestMessage | undefined>>()(() => tap.find(isRequest), true);
  typed<Promise<number>>()(() => tap.reduce((sum, m) => sum + m.bodyLength, 0), true);
  typed<Promise<Message>>()(() => tap.reduce((one, other) => (one.id > other.id ? one : other)), true);
  typed<Promise<number>>()(() => tap.reduce(async (sum, m) => sum + (await m.text()).length, 0), true);

  typed<Chain<RequestMessage>>()(() => capture.requests({ file: 'x' }), true);
  typed<Chain<ResponseMessage>>()(() => capture.responses(), true);
  typed<Tap>()(() => capture(), true);

  // @ts-expect-error: not the type
  typed<Chain<ResponseMessage>>()(() => tap.filter(isRequest), true);
  // @ts-expect-error: not iterable
  void (() => tap.flatMap((m) => m.id));
  // @ts-expect-error: neither a signal nor a time
  void (() => tap.takeUntil('1000'));
  // @ts-expect-error: responses have no path
  void (() => capture.responses().map((response) => response.path));

  assert.ok(isRequest);
});
