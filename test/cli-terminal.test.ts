import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteBuffer } from '../lib/cli/byte-buffer.js';
import { ConsolePrinter } from '../lib/cli/printers/console.js';
import { JsonPrinter } from '../lib/cli/printers/json.js';
import { RawPrinter } from '../lib/cli/printers/raw.js';
import { run } from '../lib/cli/run.js';
import {
  appendPlain,
  colorsFor,
  sanitizeJson,
  sanitizeLine,
  sanitizeText,
  sizeOf,
  type Terminal,
  wantsColor,
} from '../lib/cli/terminal.js';
import { fakeMessage, MemoryOutput, pcapOf } from './cli-support.js';
import { temporaryFile } from './support/environment.js';

/** Everything that a terminal could act upon, but line feed and tab. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the subject
const dangerous = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]/u;

test('control characters become visible escapes', () => {
  assert.equal(sanitizeText('a\x1b[31mred\x07\x7f'), 'a\\x1b[31mred\\x07\\x7f');
  assert.equal(sanitizeText('C1 \x9b31m, bidi \u202eevil\u2069'), 'C1 \\x9b31m, bidi \\u202eevil\\u2069');
  assert.equal(sanitizeText('tag \u{e0041}'), 'tag \\u{e0041}');
  assert.equal(sanitizeText('one\r\ntwo\rthree\n\tfour'), 'one\ntwo\\rthree\n\tfour');
  assert.equal(sanitizeText('Grüße, 世界, 👩‍💻'), 'Grüße, 世界, 👩‍💻');
  assert.equal(sanitizeLine('one\r\ntwo\tthree'), 'one\\r\\ntwo\\tthree');
  assert.equal(
    sanitizeText('a\0b', (escaped) => `<${escaped}>`),
    'a<\\x00>b',
  );
});

test('property: the fast way for plain bytes gives what the careful one gives, or nothing', () => {
  const text = fc
    .array(fc.constantFrom(...'abc~ \t\n\r\x1f\x7f\x80', '\r\n', 'plain text '), { maxLength: 30 })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (source) => {
      const to = new ByteBuffer(8);
      to.ascii('x');
      const appended = appendPlain(to, Buffer.from(source, 'latin1'));
      const careful = sanitizeText(source);
      assert.equal(to.toString(), appended ? `x${careful}` : 'x');
      assert.equal(appended, careful === source.replaceAll('\r\n', '\n'));
    }),
    { numRuns: 1000 },
  );
});

test('sanitizing JSON does not change its value', () => {
  const value = { body: '\x7f \x9b31m \u202e \u{e0041} \ud800 plain "quoted" \\ \n' };
  const line = sanitizeJson(JSON.stringify(value));
  assert.ok(!dangerous.test(line), line);
  assert.deepEqual(JSON.parse(line), value);
});

const bytes = fc.uint8Array({ maxLength: 300 });
const hostileText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\r', '\r\n', '\x1b]0;x\x07', '\x9b', '\u202e', '\ufeff', '\x7f', '\0'),
    ),
    { maxLength: 20 },
  )
  .map((parts) => new Uint8Array(Buffer.from(parts.join(''))));
const contentType = fc.constantFrom(
  'text/plain',
  'text/html; charset=iso-8859-1',
  'text/x; charset=utf-16le',
  'application/octet-stream',
  'image/png',
);

test('property: the console never shows a control byte from the wire', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(bytes, hostileText),
      fc.oneof(bytes, hostileText),
      contentType,
      fc.boolean(),
      async (field, body, type, color) => {
        const output = new MemoryOutput();
        const head = Buffer.concat([
          Buffer.from(`GET /\x1b[2J HTTP/1.1\r\nContent-Type: ${type}\r\nX-Evil: `, 'latin1'),
          field,
          Buffer.from('\r\n\r\n'),
        ]);
        const message = fakeMessage({
          head,
          body,
          trailers: [[Buffer.from(field).toString('latin1'), Buffer.from(body).toString('latin1')]],
        });
        const printer = new ConsolePrinter(output, { color });
        await printer.print(message);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: the printer's own colours
        const shown = color ? output.text.replace(/\x1b\[\d+m/g, '') : output.text;
        assert.ok(!dangerous.test(shown), JSON.stringify(shown));
      },
    ),
    { numRuns: 300 },
  );
});

test('property: JSON and raw output on a terminal hold no control byte either', () => {
  fc.assert(
    fc.property(fc.oneof(bytes, hostileText), (body) => {
      const output = new MemoryOutput();
      const head = Buffer.concat([Buffer.from('GET / HTTP/1.1\r\nX: '), body, Buffer.from('\r\n\r\n')]);
      new RawPrinter(output, { terminal: true }).print(fakeMessage({ head, body }));
      const text = Buffer.from(body).toString();
      new JsonPrinter(output, { terminal: true }).print({ toJSON: () => ({ body: text }) } as never);
      assert.ok(!dangerous.test(output.text), JSON.stringify(output.text));
      const line = output.text.trimEnd().split('\n').at(-1) ?? '';
      assert.deepEqual(JSON.parse(line), { body: text });
    }),
    { numRuns: 300 },
  );
});

test('colours: the flag and NO_COLOR win, then FORCE_COLOR, then the terminal', () => {
  const tty = { isTTY: true };
  assert.equal(wantsColor(true, tty, {}), true);
  assert.equal(wantsColor(true, {}, {}), false);
  assert.equal(wantsColor(false, tty, { FORCE_COLOR: '1' }), false);
  assert.equal(wantsColor(true, tty, { NO_COLOR: '1' }), false);
  assert.equal(wantsColor(true, tty, { NO_COLOR: '' }), true);
  assert.equal(wantsColor(true, {}, { FORCE_COLOR: '1' }), true);
  assert.equal(wantsColor(true, {}, { FORCE_COLOR: '1', NO_COLOR: '1' }), false);
  assert.equal(wantsColor(true, tty, { FORCE_COLOR: '0' }), false);
  assert.equal(wantsColor(true, tty, { TERM: 'dumb' }), false);
  assert.equal(colorsFor(false).red('x'), 'x');
});

test('a terminal that does not tell its size has the usual one', async () => {
  const sizes = [
    { isTTY: true, columns: 100, rows: 30 },
    { isTTY: true, columns: 0, rows: 0 },
    { isTTY: false, columns: undefined },
  ].map((stream) => sizeOf(stream as unknown as NodeJS.WriteStream));
  assert.deepEqual(sizes, [{ columns: 100, rows: 30 }, { columns: 80, rows: 24 }, undefined]);

  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 0, rows: 0 });
  const terminal = { stdin: process.stdin, stdout, stderr: new PassThrough().resume(), env: {} } as unknown as Terminal;
  const exchange = { request: 'GET /a HTTP/1.1\r\n\r\n', response: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' };
  const file = temporaryFile(pcapOf([[exchange]]));
  assert.equal(await run(['-r', file, '--summary', '--exchanges'], terminal), 0);
  assert.match(String(stdout.read()), /^.{80,115}\ncount .*\n.* GET 10\.0\.0\.2:8000\/a\n$/);
});
