import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { decodeText } from '../lib/body/charset.js';
import { decodeContent, decodeContentSync, isContentEncoded } from '../lib/body/content-coding.js';
import { CaptureError } from '../lib/errors.js';
import { ZstdDecoder } from '../lib/zstd.js';
import { zstdFrame } from './support/zstd.js';

const text = Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(2000));
const limit = 1024 * 1024;

/** Both ways must agree. */
async function decode(body: Uint8Array, encoding: string, maxBytes = limit): Promise<Buffer> {
  const bytes = Buffer.from(body);
  let sync: Buffer | undefined;
  let error: unknown;
  try {
    sync = decodeContentSync(bytes, encoding, maxBytes);
  } catch (thrown) {
    error = thrown;
  }
  if (sync === undefined) {
    await assert.rejects(decodeContent(bytes, encoding, maxBytes), {
      code: (error as CaptureError).code,
      message: (error as Error).message,
    });
    throw error;
  }
  assert.ok(sync.equals(await decodeContent(bytes, encoding, maxBytes)));
  return sync;
}

// `printf 'hello hello hello hello hello hello hello hello\n' | zstd -19`, with a compressed block.
const zstdHello = Buffer.from('KLUv/QRobQAAOGhlbGxvIAoBAAKVIvGbVRU=', 'base64');

test('gzip, x-gzip, deflate in both formats, br and identity', async () => {
  for (const [name, body] of [
    ['gzip', zlib.gzipSync(text)],
    ['X-GZIP', zlib.gzipSync(text)],
    ['deflate', zlib.deflateSync(text)],
    ['deflate', zlib.deflateRawSync(text)],
    ['br', zlib.brotliCompressSync(text)],
    ['identity', text],
    [' , gzip,', zlib.gzipSync(text)],
    ['gzip', Buffer.concat([zlib.gzipSync(text.subarray(0, 999)), zlib.gzipSync(text.subarray(999))])],
  ] as const) {
    assert.ok((await decode(body, name)).equals(text), name);
  }
});

test('stacked codings are undone from the last to the first', async () => {
  const body = zlib.brotliCompressSync(zlib.gzipSync(zlib.deflateSync(text)));
  assert.ok((await decode(body, 'deflate, gzip,identity, br')).equals(text));
  await assert.rejects(decode(body, 'gzip, gzip, gzip, gzip, gzip, gzip'), {
    code: 'ERR_DECODE',
    message: /6 content codings/,
  });
});

test('zstd: raw, repeated and compressed blocks, several frames, checksums, skippable frames', async () => {
  const frame = zstdFrame([Buffer.from('abc'), { byte: 0x78, times: 5 }, Buffer.from('d')], { checksum: true });
  assert.equal((await decode(frame, 'zstd')).toString(), 'abcxxxxxd');
  assert.equal((await decode(zstdFrame([Buffer.from('a')]), 'zstd')).toString(), 'a');
  assert.equal((await decode(zstdFrame([Buffer.alloc(0)]), 'zstd')).toString(), '');
  const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9]);
  assert.equal(
    (await decode(Buffer.concat([skippable, frame, skippable, frame]), 'zstd')).toString(),
    'abcxxxxxdabcxxxxxd',
  );
  assert.equal((await decode(zstdHello, 'zstd')).toString(), `${'hello '.repeat(7)}hello\n`);
});

test('zstd arrives in pieces of any size', () => {
  const frames = Buffer.concat([
    zstdFrame([text.subarray(0, 1000), { byte: 1, times: 9 }], { checksum: true }),
    zstdHello,
    zstdFrame([Buffer.from('z')]),
  ]);
  const whole: Uint8Array[] = [];
  new ZstdDecoder(8 * limit, (bytes) => whole.push(Uint8Array.from(bytes))).push(frames);
  for (const size of [1, 2, 3, 7, 64]) {
    const parts: Uint8Array[] = [];
    const decoder = new ZstdDecoder(8 * limit, (bytes) => parts.push(Uint8Array.from(bytes)));
    for (let at = 0; at < frames.length; at += size) decoder.push(frames.subarray(at, at + size));
    assert.ok(Buffer.concat(parts).equals(Buffer.concat(whole)), `${size}`);
    assert.equal(decoder.complete, true);
  }
});

test('zstd windows and dictionaries that are out of bounds are refused before memory is taken', async () => {
  await assert.rejects(decode(zstdFrame([Buffer.from('a')], { window: 0xa0 }), 'zstd'), {
    code: 'ERR_DECODE',
    message: /window/,
  });
  const withDictionary = zstdFrame([Buffer.from('a')]);
  withDictionary[4] = 1;
  await assert.rejects(decode(withDictionary, 'zstd'), { code: 'ERR_DECODE', message: /dictionary/ });
});

test('bodies that were cut decode as far as they go', async () => {
  const random = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * i * 31 + (i >> 3)) & 255));
  for (const [name, body] of [
    ['gzip', zlib.gzipSync(random)],
    ['deflate', zlib.deflateSync(random)],
    ['deflate', zlib.deflateRawSync(random)],
    ['br', zlib.brotliCompressSync(random)],
    ['zstd', zstdFrame([random.subarray(0, 9000), random.subarray(9000)])],
  ] as const) {
    const part = await decode(body.subarray(0, Math.floor(body.length * 0.7)), name);
    assert.ok(part.length > 100 && part.length < random.length, `${name}: ${part.length}`);
    assert.ok(part.equals(random.subarray(0, part.length)), name);
  }
});

test('what is too large is not decoded', async () => {
  const zeros = Buffer.alloc(100_000);
  for (const [name, body] of [
    ['gzip', zlib.gzipSync(zeros)],
    ['deflate', zlib.deflateSync(zeros)],
    ['br', zlib.brotliCompressSync(zeros)],
    [
      'zstd',
      zstdFrame(
        [
          { byte: 0, times: 60_000 },
          { byte: 0, times: 40_000 },
        ],
        { window: 0x38 },
      ),
    ],
    ['gzip, gzip', zlib.gzipSync(zlib.gzipSync(zeros))],
  ] as const) {
    assert.equal((await decode(body, name, 100_000)).length, 100_000);
    await assert.rejects(
      decode(body, name, 99_999),
      { code: 'ERR_DECODE', message: /maxDecodedBytes \(99999\)/ },
      name,
    );
  }
});

test('damaged and unknown codings are ERR_DECODE', async () => {
  for (const name of ['gzip', 'deflate', 'br', 'zstd']) {
    await assert.rejects(
      decode(Buffer.from('\xff<html>not compressed</html>'.slice(name === 'br' ? 1 : 0)), name),
      (error: unknown) => {
        assert.ok(error instanceof CaptureError, name);
        assert.equal(error.code, 'ERR_DECODE');
        assert.ok(error.cause instanceof Error);
        return true;
      },
      name,
    );
  }
  await assert.rejects(decode(text, 'compress\x1b'), { code: 'ERR_DECODE', message: /'compress\?' is not one of/ });
});

test('isContentEncoded', () => {
  assert.equal(isContentEncoded(null), false);
  assert.equal(isContentEncoded(' Identity'), false);
  assert.equal(isContentEncoded('gzip'), true);
});

test('charsets: mark, parameter, UTF-8', () => {
  assert.equal(decodeText(Buffer.from('é'), null), 'é');
  assert.equal(decodeText(Buffer.from('é'), 'text/plain; charset=nonsense'), 'é');
  assert.equal(decodeText(Buffer.from([0xe9]), 'text/plain;charset="ISO-8859-1"; x=y'), 'é');
  assert.equal(decodeText(Buffer.from([0x82, 0xa0]), 'text/plain; Charset = shift_jis'), 'あ');
  assert.equal(decodeText(Buffer.from([0xff, 0xfe, 0x41, 0]), 'text/plain; charset=latin1'), 'A');
  assert.equal(decodeText(Buffer.from([0xef, 0xbb, 0xbf, 0x41]), null), 'A');
  assert.equal(decodeText(Buffer.from([0xff]), null), '\ufffd');
});
