/** What native code writes is held to what the printers write. */
import assert from 'node:assert/strict';
import { before, describe as suite, test } from 'node:test';
import fc from 'fast-check';
import { Batch } from '../lib/batch.js';
import { ConsolePrinter } from '../lib/cli/printers/console.js';
import type { Printer } from '../lib/cli/printers/printer.js';
import { type CaptureOptions, capture, type Message, summarize } from '../lib/index.js';
import { flags } from '../lib/layout.js';
import { MessageBatch } from '../lib/message-batch.js';
import { RecentRequests } from '../lib/requests.js';
import { TextWriter } from '../lib/text-writer.js';
import { flowtapHere, MemoryOutput } from './cli-support.js';
import { type MessageSpec, someConnection, writeBatch } from './support/batch-writer.js';
import { pcap, toPackets } from './support/capture-file.js';
import { corpusCaptures } from './support/corpus.js';
import { skip, temporaryFile } from './support/environment.js';
import { Random } from './support/random.js';
import { traffic } from './support/traffic.js';
import { segmentsOf } from './support/wire.js';
import { wireCases } from './wire-cases/index.js';

const context = { maxDecodedBytes: 1 << 20, maxBodyBytes: 1 << 20, streaming: false };

/** A message at a time. */
async function printed(messages: Iterable<Message>, printer: Printer, output: MemoryOutput): Promise<string> {
  for (const message of messages) await printer.print?.(message);
  return output.text;
}

/** Natively, and what is not written so a message at a time. */
async function written(
  batches: readonly MessageBatch[],
  writer: TextWriter,
  printer: Printer,
  output: MemoryOutput,
): Promise<{ text: string; native: number }> {
  let native = 0;
  for (const batch of batches) {
    for (let next = 0; next < batch.length; next++) {
      output.pending.lendTo(writer);
      const told = writer.write(batch, next, batch.length);
      output.pending.written(writer, told);
      native += told.next - next;
      next = told.next;
      if (next < batch.length) await printer.print?.(batch.at(next) as Message, told.asked);
    }
  }
  return { text: output.text, native };
}

/** Gives how many of them were written natively. */
async function check(specs: readonly MessageSpec[][], selected = false): Promise<number> {
  const requests = new RecentRequests();
  const batches = specs.map((some) => {
    const batch = new Batch(writeBatch(some), context);
    requests.add(batch);
    return new MessageBatch(batch);
  });
  const output = new MemoryOutput();
  const want = await printed(
    batches.flatMap((batch) => [...batch]),
    new ConsolePrinter(output, { selected }),
    output,
  );
  const writtenOutput = new MemoryOutput();
  const writer = new TextWriter('blocks', { selected });
  const got = await written(batches, writer, new ConsolePrinter(writtenOutput, { selected }), writtenOutput);
  assert.equal(got.text, want);
  return got.native;
}

/** With ids, and each response with the request that has waited for longest, if there is one. */
function paired(specs: readonly MessageSpec[]): MessageSpec[] {
  const waiting: number[] = [];
  return specs.map((spec, index) => {
    const id = index + 1;
    if (!spec.head.startsWith('HTTP/')) {
      waiting.push(id);
      return { ...spec, id };
    }
    const isInterim = ((spec.flags ?? 0) & flags.interim) !== 0;
    return { ...spec, id, requestId: (isInterim ? waiting[0] : waiting.shift()) ?? 0 };
  });
}

suite('blocks', () => {
  const request = 'GET /a?b=c HTTP/1.1\nHost: example.test';
  const response = 'HTTP/1.1 200 OK\nContent-Type: text/plain';
  const native: Record<string, MessageSpec> = {
    'a request': { id: 1, head: request },
    'a response that answers nothing': { id: 2, head: response },
    'a response to a request that is not known': { id: 9, requestId: 2, head: response },
    'a response with a body': { id: 3, head: response, body: 'hello "world"\\\n' },
    'a body of several lines': { id: 3, head: response, body: 'one\r\ntwo\n\tthree\r\n\r\n' },
    'a body that is longer than a block': { id: 3, head: response, body: `${'x'.repeat(1000)}\r\n${'y'.repeat(15)}` },
    'a separate body': { id: 3, head: response, body: 'x'.repeat(70_000), separateBody: true },
    'an empty body': { id: 3, head: response, body: '' },
    'a body that was not kept': { id: 3, head: response, bodyLength: 1_234_567 },
    'one byte that was not kept': { id: 3, head: response, bodyLength: 1 },
    'a body that was cut': { id: 3, head: response, body: 'xyz', bodyLength: 4000, flags: flags.bodyTruncated },
    trailers: { id: 3, head: response, body: 'x', trailer: 'Sum: 1\nSign: "2"\nEmpty: ' },
    'wide tables': { id: 4, head: `${request}\nCookie: ${'y'.repeat(70_000)}`, wide: true },
    'every mark': {
      id: 6,
      head: request,
      integrity: 1,
      missingBytes: 12345,
      suspicious: 5,
      flags: flags.conflict | flags.bodyTruncated,
    },
    'a gap of unknown length': { id: 6, head: request, integrity: 1 },
    truncated: { id: 6, head: request, integrity: 2 },
    aborted: { id: 6, head: request, integrity: 3, body: 'x' },
    'a time before the epoch': { id: 6, head: request, startTimeNs: -1n },
    'IPv6 and IPv4 in it': {
      id: 7,
      head: response,
      connection: { ...someConnection, client: new Uint8Array(16).fill(1), ipVersion: 6 },
    },
    'a large id': { id: 2 ** 40, head: request },
  };
  const fallback: Record<string, MessageSpec> = {
    'UTF-8': { id: 3, head: response, body: 'ü \u2028 😀' },
    'a binary body': { id: 3, head: response, body: Uint8Array.of(0, 255, 1, 254) },
    'a carriage return alone': { id: 3, head: response, body: 'a\rb' },
    'a carriage return at the end': { id: 3, head: response, body: 'a\r' },
    'a carriage return at the end of a block': { id: 3, head: response, body: `${'a'.repeat(15)}\r` },
    'a control character': { id: 3, head: response, body: 'a\x1b[1mb' },
    'a content coding': { id: 3, head: `${response}\nContent-Encoding: gzip`, body: 'no gzip' },
    'a content coding that is none': { id: 3, head: `${response}\ncontent-ENCODING: identity`, body: 'x' },
    'raw bytes in the head': { id: 5, head: 'GET /\u00ff HTTP/1.1\nHost: h\u0080\nX: "\\\t\u0007' },
    'raw bytes in the trailers': { id: 5, head: response, body: 'x', trailer: 'Sum: \u00e9\u0001' },
    'a tab in the trailers': { id: 5, head: response, body: 'x', trailer: 'Sum: a\tb' },
    'a folded field': { id: 14, head: `${request}\nX: a\n b`, flags: flags.obsFold },
  };
  for (const [name, spec] of Object.entries(native))
    test(name, async () => {
      assert.equal(await check([[spec]]), 1);
      assert.equal(await check([[spec]], true), 1);
    });
  for (const [name, spec] of Object.entries(fallback))
    test(`${name}: in TypeScript`, async () => assert.equal(await check([[spec]]), 0));

  test('all of them in one batch', async () => {
    const specs = paired([...Object.values(native), ...Object.values(fallback)]);
    assert.equal(await check([specs]), Object.keys(native).length);
  });

  test('how long the request waited, in whatever batch it was and whoever writes the response', async () => {
    const at = (ns: bigint, spec: MessageSpec): MessageSpec => ({ ...spec, startTimeNs: 1_000_000_000n + ns });
    const ask = (id: number) => at(0n, { id, head: request });
    const waits = [0n, 499n, 500n, 1_499n, 999_499n, 999_500n, 1_000_000n, 2_549_999n, 2_550_000n, 999_949_000n];
    waits.push(999_950_000n, 1_000_000_000n, 12_345_678_901n, 3_600_000_000_000n, -1n, -2_500_000n, -7n * 10n ** 9n);
    for (const wait of waits) await check([[ask(1), at(wait, { id: 2, requestId: 1, head: response })]]);
    const first = [ask(1), ask(2), ask(3)];
    const second = [
      at(10n, { id: 4, requestId: 1, head: 'HTTP/1.1 100 Continue', flags: flags.interim }),
      at(2_000n, { id: 5, requestId: 2, head: response, body: 'ü' }),
      at(3_000n, { id: 6, requestId: 1, head: response }),
    ];
    const third = [at(4_000n, { id: 7, requestId: 3, head: response })];
    assert.equal(await check([first, second, third]), 6);
  });

  test('a request waits for as long as it takes', async () => {
    const specs: MessageSpec[] = [{ id: 1, head: request, startTimeNs: 0n }];
    for (let id = 2; id < 5000; id++) specs.push({ id, head: request });
    specs.push({ id: 5000, requestId: 1, head: response, startTimeNs: 5_000_000_000n });
    await check([specs]);
  });

  test('whatever is in heads and bodies', async () => {
    const anything = fc.array(fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 32, max: 126 }) }, fc.nat(255)), {
      maxLength: 60,
    });
    const text = anything.map((codes) => String.fromCharCode(...codes.filter((code) => code !== 10 && code !== 13)));
    const field = fc.tuple(fc.stringMatching(/^[A-Za-z-]{1,20}$/), text).map(([name, value]) => `${name}: ${value}`);
    const lines = fc.array(fc.constantFrom('a', 'word ', '\n', '\r\n', '\r', '\t', 'ü', '\x7f', 'x'.repeat(20)));
    const body = fc.option(
      fc.oneof(
        lines.map((parts) => parts.join('')),
        anything.map((codes) => Uint8Array.from(codes)),
      ),
      {
        nil: undefined,
      },
    );
    const spec: fc.Arbitrary<MessageSpec> = fc
      .record({
        fields: fc.array(field, { maxLength: 5 }),
        trailer: fc.array(field, { maxLength: 2 }),
        body,
        integrity: fc.nat(3),
        missingBytes: fc.nat(5000),
        suspicious: fc.nat((1 << 24) - 1),
        flags: fc.constantFrom(0, flags.conflict, flags.bodyTruncated, flags.interim),
        startTimeNs: fc.bigInt(-(10n ** 10n), 10n ** 12n),
        isRequest: fc.boolean(),
        separateBody: fc.boolean(),
      })
      .map(({ fields, trailer, isRequest, ...rest }) => ({
        ...rest,
        id: 0,
        ...(trailer.length === 0 ? {} : { trailer: trailer.join('\n') }),
        head: [isRequest ? 'GET / HTTP/1.1' : 'HTTP/1.1 404 Not Found', ...fields].join('\n'),
      }));
    await fc.assert(
      fc.asyncProperty(fc.array(spec, { minLength: 1, maxLength: 12 }), fc.boolean(), async (specs, selected) => {
        const numbered = paired(specs);
        await check(
          [numbered.slice(0, 5), numbered.slice(5)].filter((some) => some.length > 0),
          selected,
        );
      }),
      { numRuns: 300 },
    );
  });
});

suite('batches that do not cross', () => {
  const files: [name: string, file: string, options: CaptureOptions][] = [];
  before(() => {
    for (const seed of [1, 2]) {
      const { segments } = traffic({ seed, v6: seed === 2 });
      const packets = toPackets(segments, { link: 'ethernet' });
      files.push([`traffic ${seed}`, temporaryFile(pcap(packets, { nanoseconds: true })), {}]);
    }
  });

  test('captures', async () => {
    for (const [name, file] of files) {
      await checkFile(file, name);
      await checkSummary(file, name);
    }
  });

  const captures = corpusCaptures();
  test('real captures', { skip: captures.length === 0 ? skip('the corpus is not there') : false }, async () => {
    for (const file of captures) {
      await checkFile(file, file);
      await checkSummary(file, file);
    }
  });

  test('so many messages', async () => {
    const [, file = ''] = files[0] ?? [];
    for (const flag of ['--console', '--json']) {
      const all = (await flowtapHere(['-r', file, flag])).stdout;
      const want = await messagesOf(file);
      for (const count of [1, 2, want.length - 1, want.length + 10]) {
        const { stdout, stderr } = await flowtapHere(['-r', file, flag, '-n', String(count)]);
        assert.ok(all.startsWith(stdout), `${flag} ${count}`);
        const expected = Math.min(count, want.length);
        assert.match(stderr, new RegExp(`flowtap: ${expected} messages? `));
        if (flag === '--json') assert.equal(stdout.split('\n').length - 1, expected);
      }
    }
  });

  test('the wire cases', async () => {
    for (const [name, cases] of Object.entries(wireCases)) {
      const file = temporaryFile(
        pcap(
          toPackets(
            cases.flatMap((one, i) => segmentsOf(one, i, 'whole', new Random(1))),
            { link: 'ethernet' },
          ),
        ),
      );
      await checkFile(file, name);
      await checkSummary(file, name);
    }
  });

  test('a summary of what matches, and one that somebody else has to pair', async () => {
    const [, file = ''] = files[0] ?? [];
    for (const flags of [
      ['--status', '200'],
      ['--grep', 'a'],
      ['-n', '3'],
      ['--workers', '2'],
    ]) {
      const summary = summarize();
      const args = ['-r', file, '--summary', ...flags];
      const { stdout } = await flowtapHere(args);
      const counted = flags[0] === '-n' ? 3 : Number.POSITIVE_INFINITY;
      const options: CaptureOptions = { file };
      if (flags[0] === '--status') options.match = 'status == 200';
      if (flags[0] === '--grep') options.match = 'head ~ "a" or body ~ "a"';
      if (flags[0] === '--workers') options.workers = 2;
      let count = 0;
      for await (const exchange of capture(options).exchanges()) {
        summary.add(exchange);
        if (++count === counted) break;
      }
      assert.ok(count > 0);
      assertSame(stdout, summary.table(), flags.join(' '));
    }
  });
});

async function messagesOf(file: string): Promise<Message[]> {
  const messages: Message[] = [];
  try {
    for await (const batch of capture({ file }).batches()) messages.push(...batch);
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'ERR_FILE');
  }
  return messages;
}

async function checkFile(file: string, name: string): Promise<void> {
  const messages = await messagesOf(file);
  const output = new MemoryOutput();
  const want = await printed(messages, new ConsolePrinter(output), output);
  assertSame((await flowtapHere(['-r', file])).stdout, want, name);
  const lines = messages.map((message) => `${JSON.stringify(message)}\n`).join('');
  assertSame((await flowtapHere(['-r', file, '--json'])).stdout, lines, name);
}

/** Exchanges that were paired natively, held to those of the library. */
async function checkSummary(file: string, name: string): Promise<void> {
  const summary = summarize();
  let count = 0;
  try {
    for await (const exchange of capture({ file }).exchanges()) {
      summary.add(exchange);
      count++;
    }
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'ERR_FILE');
  }
  const { stdout } = await flowtapHere(['-r', file, '--summary']);
  assertSame(stdout, count === 0 ? '' : summary.table(), name);
}

/** Without a difference of some megabytes. */
function assertSame(got: string, want: string, name: string): void {
  if (got === want) return;
  let at = 0;
  while (got[at] === want[at]) at++;
  assert.equal(got.slice(at, at + 100), want.slice(at, at + 100), `${name}, at ${at}`);
  assert.fail(`${name}: ${got.length} instead of ${want.length} characters`);
}
