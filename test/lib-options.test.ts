import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { CaptureError } from '../lib/errors.js';
import { type CaptureOptions, resolveOptions } from '../lib/options.js';

const rejects = (options: unknown, message: RegExp) =>
  assert.throws(
    () => resolveOptions(options as CaptureOptions),
    (error: unknown) => {
      assert.ok(error instanceof CaptureError);
      assert.equal(error.code, 'ERR_OPTION');
      assert.match(error.message, message);
      return true;
    },
  );

test('defaults', () => {
  const { native, maxDecodedBytes } = resolveOptions();
  assert.deepEqual(native, {
    source: 'live',
    interfaces: process.platform === 'linux' ? ['any'] : native.interfaces,
    workers: 1,
    netns: '',
    file: '',
    filter: '',
    ports: [],
    addresses: [],
    snaplen: 262144,
    promiscuous: false,
    bufferBytes: 64 << 20,
    immediate: false,
    pollTimeoutMs: 5,
    verifyChecksums: false,
    maxConnections: 1_000_000,
    maxBufferedBytes: 256 << 20,
    maxBufferedBytesPerDirection: 4 << 20,
    idleTimeoutMs: 300_000,
    body: 'buffer',
    keepFraming: false,
    maxBodyBytes: 8 << 20,
    maxHeadBytes: 256 * 1024,
    maxHeaders: 1000,
    match: undefined,
    matchScope: 'message',
    maxUndecidedBytes: 32 << 20,
    write: undefined,
    maxQueuedBytes: 64 << 20,
  });
  assert.equal(maxDecodedBytes, 64 << 20);
  assert.equal(resolveOptions({ file: 'x' }).native.maxQueuedBytes, 16 << 20);
});

test('what is given goes through; undefined is not given', () => {
  const stream = Readable.from([]);
  const { native, stream: taken } = resolveOptions({
    stream,
    interface: undefined,
    port: [80, 8080, 80],
    address: ['::1', '10.0.0.1'],
    filter: 'tcp',
    maxBodyBytes: 0,
    immediate: true,
    signal: undefined,
  });
  assert.equal(taken, stream);
  assert.equal(native.source, 'stream');
  assert.deepEqual(native.ports, [80, 8080]);
  assert.deepEqual(native.addresses, ['::1', '10.0.0.1']);
  assert.equal(native.filter, 'tcp');
  assert.equal(native.maxBodyBytes, 0);
  assert.equal(native.immediate, true);
  assert.equal(resolveOptions({ file: '/tmp/a.pcap' }).native.source, 'file');
  assert.deepEqual(resolveOptions({ interface: 'lo' }).native.interfaces, ['lo']);
  assert.equal(resolveOptions({ address: '::1', port: 1 }).native.ports[0], 1);
});

test('unknown names, with what may have been meant', () => {
  rejects({ prot: 80 }, /no option 'prot'. Did you mean 'port'/);
  rejects({ Port: 80 }, /Did you mean 'port'/);
  rejects({ ports: [80] }, /Did you mean 'port'/);
  rejects({ host: '::1' }, /Did you mean 'address'/);
  rejects({ maxBodySize: 1 }, /Did you mean 'maxBodyBytes'/);
  rejects({ filters: '' }, /Did you mean 'filter'/);
  rejects({ constructor: 1 }, /no option 'constructor'/);
  rejects({ zzz: 1 }, /The options are address, body, /);
});

test('bad values, with what was given and what is possible', () => {
  rejects(8000, /such as { port: 8000 }, not 8000/);
  rejects(null, /not null/);
  rejects(['lo'], /object of options/);
  rejects({ port: '8000' }, /port must be a number from 1 to 65535, .* not '8000'/);
  rejects({ port: 0 }, /not 0/);
  rejects({ port: [80, 70_000] }, /not 70000/);
  rejects({ port: [] }, /empty/);
  rejects({ port: null }, /not null/);
  rejects({ address: 'localhost' }, /not 'localhost'/);
  rejects({ address: '10.0.0.0/8' }, /prefix/);
  rejects({ address: 'fe80::1%eth0' }, /zone/);
  rejects({ address: [] }, /empty/);
  rejects({ interface: '' }, /must not be empty/);
  rejects({ interface: 'lo\0' }, /NUL/);
  rejects({ file: 7 }, /file must be a string, not 7/);
  rejects({ stream: 'x' }, /stream must be a Readable/);
  rejects({ stream: [1] }, /stream must be a Readable/);
  rejects({ body: 'streamed' }, /'buffer', 'stream', 'wire' or 'none', not 'streamed'/);
  rejects({ immediate: 1 }, /true or false, not 1/);
  rejects({ snaplen: 10 }, /from 64 to 262144, not 10/);
  rejects({ maxBodyBytes: -1 }, /from 0/);
  rejects({ maxBodyBytes: 1.5 }, /whole number/);
  rejects({ maxBodyBytes: Number.NaN }, /NaN/);
  rejects({ idleTimeoutMs: '5s' }, /not '5s'/);
  rejects({ signal: {} }, /AbortSignal/);
  rejects({ file: 'x', interface: 'lo' }, /interface and file are given; a tap has one source/);
  rejects({ filter: 'x'.repeat(1000).split('') }, /\.\.\. 997 more items/);
});
