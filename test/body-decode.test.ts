/** Content codings undone chunk by chunk, and forms. */
import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import zlib from 'node:zlib';
import { decodeContent, parseContentEncoding } from '../lib/body/content-coding.js';
import { decodeChunks } from '../lib/body/decode-chunks.js';
import { parseFormData } from '../lib/body/form-data.js';
import { CaptureError } from '../lib/index.js';
import { collect, within } from './support/environment.js';
import { Random } from './support/random.js';
import { zstdFrame } from './support/zstd.js';

type Encode = (content: Buffer, random: Random) => Buffer;

/** Zstandard without a compressor: raw and repeated blocks. */
const zstd: Encode = (content, random) => {
  const blocks: (Buffer | { byte: number; times: number })[] = [];
  for (let at = 0; at < content.length; ) {
    const length = Math.min(content.length - at, random.between(1, 9000));
    blocks.push(content.subarray(at, at + length));
    at += length;
  }
  return zstdFrame(blocks.length > 0 ? blocks : [Buffer.alloc(0)]);
};

const encoders: Record<string, Encode[]> = {
  gzip: [
    (content) => zlib.gzipSync(content),
    // Several members (RFC 1952, 2.2).
    (content) => Buffer.concat([zlib.gzipSync(content.subarray(0, 99)), zlib.gzipSync(content.subarray(99))]),
  ],
  'x-gzip': [(content) => zlib.gzipSync(content)],
  deflate: [(content) => zlib.deflateSync(content), (content) => zlib.deflateRawSync(content)],
  br: [(content) => zlib.brotliCompressSync(content)],
  zstd: [zstd],
  identity: [(content) => content],
};

async function* pieces(bytes: Buffer, length: () => number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + length();
    yield bytes.subarray(at, end);
    at = end;
  }
}

async function decoded(chunks: AsyncIterable<Buffer>, contentEncoding: string): Promise<Buffer> {
  return Buffer.concat(
    await within(collect(decodeChunks(chunks, parseContentEncoding(contentEncoding))), contentEncoding),
  );
}

function content(random: Random): Buffer {
  const length = random.pick([0, 1, 2, 300, 20_000, 70_000]);
  return random.chance(0.5) ? Buffer.from(random.text(length)) : random.bytes(length);
}

/** Content, its coded bytes and the Content-Encoding. */
function coded(random: Random, depth: number): [content: Buffer, bytes: Buffer, contentEncoding: string] {
  const plain = content(random);
  let bytes = plain;
  const names: string[] = [];
  for (let i = 0; i < depth; i++) {
    const name = random.pick(Object.keys(encoders));
    bytes = random.pick(encoders[name] as Encode[])(bytes, random);
    names.push(name);
  }
  return [plain, bytes, names.join(', ')];
}

suite('decoding chunk by chunk', { timeout: 120_000 }, () => {
  for (const [name, list] of Object.entries(encoders))
    test(`${name}, byte by byte`, async () => {
      const random = new Random(1);
      for (const encode of list) {
        const plain = Buffer.from(random.text(3000));
        assert.deepEqual(
          await decoded(
            pieces(encode(plain, random), () => 1),
            name,
          ),
          plain,
        );
        assert.deepEqual(
          await decoded(
            pieces(encode(Buffer.alloc(0), random), () => 1),
            name,
          ),
          Buffer.alloc(0),
        );
      }
    });

  test('any codings in pieces of any size give what the whole gives', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed);
      const [plain, bytes, contentEncoding] = coded(random, random.between(1, 4));
      const longest = random.pick([10, 1000, 100_000]);
      const got = await decoded(
        pieces(bytes, () => random.between(0, longest) || 1),
        contentEncoding,
      );
      assert.ok(got.equals(plain), `seed ${seed}, ${contentEncoding}: ${got.length} of ${plain.length}`);
      assert.ok((await decodeContent(bytes, contentEncoding, 1 << 30)).equals(plain), `seed ${seed}, whole`);
    }
  });

  test('what was cut anywhere ends quietly with the beginning, as the whole does', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed);
      const [plain, bytes, contentEncoding] = coded(random, random.chance(0.3) ? 2 : 1);
      const cut = bytes.subarray(0, random.chance(0.3) ? random.between(0, 12) : random.between(0, bytes.length));
      const where = `seed ${seed}, ${contentEncoding}, ${cut.length} of ${bytes.length}`;
      const got = await decoded(
        pieces(cut, () => random.between(1, 500)),
        contentEncoding,
      );
      assert.ok(got.equals(plain.subarray(0, got.length)), where);
      const whole = await decodeContent(cut, contentEncoding, 1 << 30);
      assert.ok(whole.equals(plain.subarray(0, whole.length)), `${where}, whole`);
    }
  });

  test('most of a body that is cut comes out', async () => {
    const plain = new Random(5).bytes(50_000);
    for (const [name, list] of Object.entries(encoders))
      for (const encode of list) {
        const bytes = encode(plain, new Random(1));
        const cut = bytes.subarray(0, bytes.length * 0.9);
        assert.ok(
          (
            await decoded(
              pieces(cut, () => 700),
              name,
            )
          ).length > 30_000,
          name,
        );
        assert.ok((await decodeContent(cut, name, 1 << 30)).length > 30_000, `${name}, whole`);
      }
  });

  test('garbage, at once or later, is ERR_DECODE and nothing else', async () => {
    for (const [name, list] of Object.entries(encoders)) {
      if (name === 'identity') continue;
      const isDamage = (error: unknown) => error instanceof CaptureError && error.code === 'ERR_DECODE';
      const garbage = Buffer.from('\x07<html>this is not compressed at all</html>'.repeat(20));
      await assert.rejects(
        decoded(
          pieces(garbage, () => 1),
          name,
        ),
        isDamage,
        name,
      );
      for (const encode of list)
        for (let seed = 1; seed <= 10; seed++) {
          const random = new Random(seed);
          const bytes = Buffer.from(encode(random.bytes(2000), random));
          for (let i = 0; i < 20; i++) bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
          await decoded(
            pieces(bytes, () => random.between(1, 100)),
            name,
          ).catch((error) => assert.ok(isDamage(error), `${name}: ${error}`));
        }
    }
  });

  test('what chunks before the damage decoded to comes out first', async () => {
    const plain = new Random(2).bytes(30_000);
    const bytes = Buffer.concat([zlib.gzipSync(plain), Buffer.from('this is no further member')]);
    const read: Buffer[] = [];
    await assert.rejects(
      async () => {
        for await (const part of decodeChunks(
          pieces(bytes, () => 100),
          ['gzip'],
        ))
          read.push(part);
      },
      { code: 'ERR_DECODE' },
    );
    const got = Buffer.concat(read);
    assert.ok(got.length > plain.length - 100, `${got.length}`);
    assert.ok(got.equals(plain.subarray(0, got.length)));
  });

  test('each chunk is decoded before the next is asked for', async () => {
    const flush = [
      ['gzip', zlib.createGzip(), zlib.constants.Z_SYNC_FLUSH],
      ['deflate', zlib.createDeflate(), zlib.constants.Z_SYNC_FLUSH],
      ['br', zlib.createBrotliCompress(), zlib.constants.BROTLI_OPERATION_FLUSH],
    ] as const;
    for (const [name, encoder, kind] of flush) {
      async function* source() {
        for (const word of ['first', 'second', 'third']) {
          encoder.write(word);
          await new Promise<void>((resolve) => encoder.flush(kind, resolve));
          yield encoder.read() as Buffer;
          assert.equal(seen.at(-1), word, name);
        }
      }
      const seen: string[] = [];
      for await (const part of decodeChunks(source(), [name])) seen.push(part.toString());
      assert.deepEqual(seen, ['first', 'second', 'third']);
    }
  });

  test('no more is decoded than is read', async () => {
    const bombs: [string, Buffer][] = [
      ['gzip', zlib.gzipSync(Buffer.alloc(200 << 20))],
      [
        'br',
        zlib.brotliCompressSync(Buffer.alloc(200 << 20), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
      ],
      [
        'zstd',
        zstdFrame(
          Array.from({ length: 1600 }, () => ({ byte: 0, times: 128 << 10 })),
          { window: 0x38 },
        ),
      ],
    ];
    for (const [name, bomb] of bombs) {
      const before = process.memoryUsage().rss;
      let parts = 0;
      for await (const _ of decodeChunks(
        pieces(bomb, () => 1 << 20),
        parseContentEncoding(name),
      ))
        if (++parts === 20) break;
      assert.ok(process.memoryUsage().rss - before < 100 << 20, name);
    }
  });
});

const multipart = 'multipart/form-data; boundary=XbX';
const part = (head: string, body: string | Buffer) =>
  Buffer.concat([Buffer.from(`--XbX\r\n${head}\r\n\r\n`), Buffer.from(body as string), Buffer.from('\r\n')]);
const form = (...parts: Buffer[]) => Buffer.concat([...parts, Buffer.from('--XbX--\r\n')]);

suite('forms', () => {
  test('urlencoded', async () => {
    const type = 'application/x-www-form-urlencoded';
    const fields = await parseFormData(Buffer.from('a=1&b=x+y%20%C3%BC&a=2&empty=&=nameless&c'), type);
    assert.deepEqual(
      [...fields],
      [
        ['a', '1'],
        ['b', 'x y ü'],
        ['a', '2'],
        ['empty', ''],
        ['', 'nameless'],
        ['c', ''],
      ],
    );
    assert.deepEqual([...(await parseFormData(Buffer.alloc(0), type))], []);
    assert.equal((await parseFormData(Buffer.from('a=1'), `${type};charset=UTF-8`)).get('a'), '1');
  });

  test('multipart with a file', async () => {
    const file = new Random(1).bytes(5000);
    const fields = await parseFormData(
      form(
        part('Content-Disposition: form-data; name="text"', 'line\r\nline'),
        part('content-disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: application/x', file),
        part('Content-Disposition: form-data; name="empty"; filename=""\r\nContent-Type: application/octet-stream', ''),
      ),
      multipart,
    );
    assert.equal(fields.get('text'), 'line\r\nline');
    const got = fields.get('file') as File;
    assert.equal(got.name, 'a.bin');
    assert.equal(got.type, 'application/x');
    assert.deepEqual(Buffer.from(await got.arrayBuffer()), file);
    assert.equal((fields.get('empty') as File).size, 0);
  });

  test('a charset does not count: it is UTF-8', async () => {
    const fields = await parseFormData(Buffer.from('a=%E9'), 'application/x-www-form-urlencoded; charset=iso-8859-1');
    assert.equal(fields.get('a'), '\ufffd');
  });

  test('what the runtime does not read is ERR_DECODE or read, never something else', async () => {
    const whole = form(part('Content-Disposition: form-data; name="a"', 'v')).toString();
    for (const odd of [`before\r\n${whole}`, `${whole}behind`, whole.replaceAll('\r\n', '\n')]) {
      const read = await parseFormData(Buffer.from(odd), multipart).then(
        (fields) => fields.get('a'),
        (error: CaptureError) => error.code,
      );
      assert.ok(read === 'v' || read === 'ERR_DECODE', `${JSON.stringify(odd)}: ${read}`);
    }
  });

  test('names with quotes and in UTF-8', async () => {
    const fields = await parseFormData(
      form(
        part('Content-Disposition: form-data; name="a%22b"', 'quote'),
        part('Content-Disposition: form-data; name="grün"; filename="übung 日本.txt"', 'x'),
      ),
      'multipart/form-data; boundary="XbX"',
    );
    assert.equal(fields.get('a"b'), 'quote');
    assert.equal((fields.get('grün') as File).name, 'übung 日本.txt');
  });

  test('without a part', async () => {
    assert.deepEqual([...(await parseFormData(Buffer.from('--XbX--\r\n'), multipart))], []);
  });

  test('what is no form is ERR_DECODE', async () => {
    const good = form(part('Content-Disposition: form-data; name="a"', 'b'));
    for (const [bytes, type] of [
      [good, null],
      [good, ''],
      [good, 'text/plain'],
      [good, 'multipart/form-data'],
      [good, 'multipart/form-data; boundary=other'],
      [good, 'multipart/form-data; boundary=\0\n'],
      [good, 'nonsense\u0000'],
      [good.subarray(0, 40), multipart],
      [Buffer.alloc(0), multipart],
      [form(part('Content-Disposition: attachment; name="a"', 'b')), multipart],
      [form(part('X: y', 'b')), multipart],
    ] as const)
      await assert.rejects(parseFormData(bytes, type), { code: 'ERR_DECODE', name: 'CaptureError' }, String(type));
  });

  test('damaged ones are ERR_DECODE or a form, nothing else', async () => {
    const good = form(
      part('Content-Disposition: form-data; name="text"', 'line\r\nline'),
      part('Content-Disposition: form-data; name="f"; filename="a"\r\nContent-Type: application/x', 'y'),
    );
    for (let seed = 1; seed <= 500; seed++) {
      const random = new Random(seed);
      const bytes = Buffer.from(good.subarray(0, random.chance(0.3) ? random.between(0, good.length) : good.length));
      for (let i = random.between(0, 5); i > 0 && bytes.length > 0; i--)
        bytes[random.between(0, bytes.length - 1)] = random.chance(0.5) ? random.between(0, 255) : 0x2d;
      await within(parseFormData(bytes, multipart), `seed ${seed}`, 2000).then(
        (fields) => assert.ok(fields instanceof FormData),
        (error) => assert.equal(error.code, 'ERR_DECODE', `seed ${seed}: ${error}`),
      );
    }
  });
});
