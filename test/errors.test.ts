import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { CaptureError, type CaptureOptions, capture, type Message } from '../lib/index.js';
import { pcap, pcapng, toPackets } from './support/capture-file.js';
import { Conversation } from './support/conversation.js';
import {
  collect,
  loopback,
  runProgram,
  skip,
  skipUnlessLive,
  temporaryFile,
  temporaryFolder,
  within,
} from './support/environment.js';
import { compare, expect } from './support/expected.js';
import { linkType } from './support/frame.js';
import { request, response } from './support/http.js';
import { traffic } from './support/traffic.js';

const live = await skipUnlessLive();

/** The system's failures reject both `ready` and the iterator, with the same error. */
async function fails(options: CaptureOptions, code: string, message: RegExp): Promise<void> {
  const tap = capture(options);
  const fits = (error: unknown) => {
    assert.ok(error instanceof CaptureError, String(error));
    assert.equal(error.name, 'CaptureError');
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
  await assert.rejects(() => within(tap.ready, 'ready'), fits);
  await assert.rejects(() => within(collect(tap), 'the iterator'), fits);
}

suite('ERR_OPTION is thrown at once', () => {
  const file = temporaryFile(pcap([]));
  const bad: [string, unknown][] = [
    ['no object', 'lo'],
    ['two sources', { file, interface: loopback }],
    ['a file that is no path', { file: 7 }],
    ['a stream that is none', { stream: 7 }],
    ['a port that is none', { file, port: 65536 }],
    ['a port that is negative', { file, port: -1 }],
    ['a port that is a fraction', { file, port: 80.5 }],
    ['a port that is no number', { file, port: 'http' }],
    ['a list of ports with a bad one', { file, port: [80, Number.NaN] }],
    ['an address that is none', { file, address: 'example.test' }],
    ['a filter that is no text', { file, filter: 80 }],
    ['maxBodyBytes below zero', { file, maxBodyBytes: -1 }],
    ['an option that does not exist', { file, prot: 80 }],
    ['a signal that is none', { file, signal: {} }],
    ['a snaplen below zero', { interface: loopback, snaplen: -1 }],
    ['promiscuous that is no boolean', { interface: loopback, promiscuous: 'yes' }],
  ];
  for (const [name, options] of bad)
    test(name, () => {
      assert.throws(() => capture(options as CaptureOptions), { name: 'CaptureError', code: 'ERR_OPTION' });
    });
});

suite('ERR_FILE', () => {
  test('a file that is not there', () =>
    fails({ file: '/nowhere/at-all.pcap' }, 'ERR_FILE', /\/nowhere\/at-all\.pcap/));

  test('a folder', () => fails({ file: temporaryFolder() }, 'ERR_FILE', /./));

  test('a file without permission', {
    skip: process.getuid?.() === 0 ? skip('root may read every file') : false,
  }, async () => {
    const file = temporaryFile(pcap([]));
    chmodSync(file, 0);
    await fails({ file }, 'ERR_FILE', /permission/i);
  });

  test('not a capture', () =>
    fails({ file: temporaryFile(Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(20))) }, 'ERR_FILE', /capture/i));

  test('an empty file', () => fails({ file: temporaryFile(Buffer.alloc(0)) }, 'ERR_FILE', /./));

  test('half a header', () => fails({ file: temporaryFile(pcap([]).subarray(0, 11)) }, 'ERR_FILE', /./));

  const { conversations, segments } = traffic({ seed: 71, conversations: 3, exchanges: 6 });
  const open = new Conversation({
    startNs: (segments.at(-1)?.timeNs ?? 0n) + 1000n,
    client: { port: 1234 },
  }).handshake();
  open.say([request({ headers: [['X-Id', 'open']] })]);
  const answer = response({ body: 'b'.repeat(9000) });
  open.send(1, answer.wire.subarray(0, 4000));
  const packets = toPackets([...segments, ...open.segments], { link: 'ethernet' });
  const whole = expect(conversations, segments);

  const damages: [string, Buffer][] = [
    ['pcap that ends inside of a packet', pcap(packets, { nanoseconds: true }).subarray(0, -3)],
    [
      'pcap with a record of absurd length',
      Buffer.concat([pcap(packets, { nanoseconds: true }), Buffer.alloc(16, 0xff), Buffer.alloc(100)]),
    ],
    [
      'pcapng with a block of absurd length',
      Buffer.concat([
        pcapng(packets, { interfaces: [{ linkType: linkType.ethernet, resolution: 9 }] }),
        Buffer.from([6, 0, 0, 0, 3, 0, 0, 0]),
        Buffer.alloc(100),
      ]),
    ],
  ];
  for (const [name, bytes] of damages)
    test(`damaged: ${name}`, async () => {
      const messages: Message[] = [];
      const tap = capture({ file: temporaryFile(bytes) });
      await within(tap.ready, 'ready');
      await assert.rejects(
        async () => {
          for await (const message of tap) messages.push(message);
        },
        { name: 'CaptureError', code: 'ERR_FILE' },
      );
      const isOpen = (message: Message) => message.connection.client.port === 1234;
      compare(
        messages.filter((message) => !isOpen(message)),
        whole,
      );
      // What was open at the damage is finished, not dropped.
      const [asked, half] = messages.filter(isOpen) as [Message, Message];
      assert.equal(asked.integrity, 'complete');
      assert.equal(half.integrity, 'truncated');
      assert.ok(half.bodyLength > 0);
      assert.ok(Buffer.from(half.body ?? []).equals(answer.body.subarray(0, half.bodyLength)));
    });
});

suite('ERR_FILTER', () => {
  const { segments } = traffic({ seed: 72, conversations: 1, exchanges: 1 });

  test('of a file, with the words of libpcap', () =>
    fails(
      { file: temporaryFile(pcap(toPackets(segments, { link: 'ethernet' }))), filter: 'prot 80' },
      'ERR_FILTER',
      /syntax error|unknown|can't parse/i,
    ));

  test('of a live capture, with the words of libpcap', { skip: live }, () =>
    fails({ interface: loopback, filter: 'tcp port nonsense' }, 'ERR_FILTER', /nonsense/),
  );
});

suite('ERR_NO_INTERFACE', () => {
  test('a name that no interface has', { skip: live }, () =>
    fails({ interface: 'nosuchif0' }, 'ERR_NO_INTERFACE', /nosuchif0/),
  );
});

suite('ERR_PERMISSION', () => {
  // A process without capabilities; as root only setpriv can make one.
  const wrapper =
    process.getuid?.() === 0
      ? ['setpriv', '--bounding-set', '-all', '--inh-caps', '-all', '--securebits', '+noroot']
      : [];
  const impossible =
    process.platform !== 'linux' ||
    (wrapper.length > 0 && spawnSync(wrapper[0] as string, [...wrapper.slice(1), 'true']).status !== 0);

  test('says which capability is missing', {
    skip: impossible ? skip('no way to give up capabilities') : false,
  }, async () => {
    const { code, signal, stdout, stderr } = await runProgram('permission', { wrapper });
    assert.equal(signal, null, stderr);
    assert.equal(code, 0, stderr);
    const told = JSON.parse(stdout);
    assert.equal(told.name, 'CaptureError');
    assert.equal(told.code, 'ERR_PERMISSION');
    assert.match(told.message, /cap_net_raw/i);
  });
});

suite('ERR_CLOSED and misuse', () => {
  const { segments } = traffic({ seed: 73, conversations: 2, exchanges: 4 });
  const file = temporaryFile(pcap(toPackets(segments, { link: 'ethernet' })));

  test('one consumer a tap: batches() after iteration has begun', async () => {
    const tap = capture({ file });
    const iterator = tap[Symbol.asyncIterator]();
    await iterator.next();
    await assert.rejects(async () => tap.batches()[Symbol.asyncIterator]().next(), CaptureError);
    await tap.close();
  });

  test('one consumer a tap: iteration after batches() has begun', async () => {
    const tap = capture({ file });
    await tap.batches()[Symbol.asyncIterator]().next();
    await assert.rejects(async () => tap[Symbol.asyncIterator]().next(), CaptureError);
    await tap.close();
  });

  test('after close() iteration is over or ERR_CLOSED, never a hang', async () => {
    const tap = capture({ file });
    await tap.close();
    const end = await within(
      tap[Symbol.asyncIterator]()
        .next()
        .catch((error: unknown) => error),
      'next() after close()',
    );
    if (end instanceof Error) assert.equal((end as CaptureError).code, 'ERR_CLOSED');
    else assert.equal((end as IteratorResult<Message>).done, true);
  });

  test('an error can be told from others by instanceof, name and code', async () => {
    const folder = path.join(temporaryFolder(), 'empty');
    mkdirSync(folder);
    const error = await collect(capture({ file: path.join(folder, 'x') })).catch((reason: unknown) => reason);
    assert.ok(error instanceof CaptureError && error instanceof Error);
    assert.match(String(error.stack), /CaptureError/);
  });
});
