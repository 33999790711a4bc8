/** Reading and writing expressions. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CaptureError } from '../lib/errors.js';
import { caret, ExpressionError } from '../lib/match/expression-error.js';
import { type FieldName, fieldOf, fields } from '../lib/match/fields.js';
import { parse } from '../lib/match/parser.js';
import { print } from '../lib/match/printer.js';

const canonical: [source: string, printed: string][] = [
  [
    'method == POST and path ~ "^/api/" and status >= 500 and header.authorization exists',
    'method == POST and path ~ /^\\/api\\// and status >= 500 and header.authorization exists',
  ],
  ['request', 'kind == request'],
  ['!response', 'not kind == response'],
  ['conflict && !interim || suspicious', '(conflict and not interim) or suspicious'],
  ['conflict OR NOT (interim AND suspicious)', 'conflict or not (interim and suspicious)'],
  ['(conflict and interim) and suspicious', 'conflict and interim and suspicious'],
  ['not not conflict', 'not not conflict'],
  ['response.interim', 'response.interim'],
  ['suspicious exists', 'suspicious'],
  ['suspicious in {obs-fold, "bare-lf"}', 'suspicious in {obs-fold, bare-lf}'],
  ['status==4XX', 'status == 4xx'],
  ['status in {400..499}', 'status == 4xx'],
  ['status in {200, 5xx, 301..303}', 'status in {200, 5xx, 301..303}'],
  ['status not in {200..204}', 'status not in {200..204}'],
  ['status not in {200}', 'status != 200'],
  ['server.port in {80, 8000..8999}', 'server.port in {80, 8000..8999}'],
  ['bodySize > 10kb', 'bodyLength > 10KB'],
  ['bodyLength in {1024B..1.5MiB}', 'bodyLength in {1KiB..1536KiB}'],
  ['bodyLength == 0', 'bodyLength == 0'],
  ['duration > 0.2s and wait <= 90s', 'duration > 200ms and wait <= 90s'],
  ['duration < 60s', 'duration < 1min'],
  ['httpVersion >= 1.1', 'httpVersion >= 1.1'],
  ['client.address == 10.1.2.3/8', 'client.address == 10.0.0.0/8'],
  ['address in {::1, 2001:DB8:0::/32, 192.0.2.1/32}', 'address in {::1, 2001:db8::/32, 192.0.2.1}'],
  ['address == ::ffff:10.0.0.1', 'address == ::ffff:10.0.0.1'],
  ['address != 0.0.0.0/0', 'address != 0.0.0.0/0'],
  ['header.Content-Type == application/json', 'header.content-type == application/json'],
  ['request.header["Odd Name"] != \'it"s\'', 'request.header["odd name"] != "it\\"s"'],
  ['header["x-a"] exists', 'header.x-a exists'],
  ['trailer.a.b contains "*\\*"', 'trailer.a.b contains "*\\*"'],
  ['path == "/a\\n\\u{7f}\\u{20ac}"', 'path == "/a\\n\\u{7f}€"'],
  ['path == ""', 'path == ""'],
  ['path == "and"', 'path == "and"'],
  ['path == "*"', 'path == *'],
  ['path ~ "\\d\\"\\\\"', 'path ~ /\\d"\\\\/'],
  ["path !~ 'a/b'", 'path !~ /a\\/b/'],
  ['path ~ /[/]\\/x/mi', 'path ~ /[/]\\/x/im'],
  ['body~/a b/', 'body ~ /a b/'],
  ['integrity in {gap, aborted}', 'integrity in {gap, aborted}'],
];

for (const [source, printed] of canonical) {
  test(`${source} is ${printed}`, () => {
    assert.equal(print(parse(source)), printed);
    assert.deepEqual(parse(printed), parse(source));
  });
}

/** The caret stands under the first character that is wrong. */
const mistakes: [source: string, marks: string, message: RegExp][] = [
  ['', '^', /^Expected a condition.*; the expression ends here \(at character 1 /],
  ['method POST', '       ^~~~', /Expected an operator behind method: == != in contains ~ !~ exists; found 'POST'/],
  ['method == POST an path == /a', '               ^~', /Expected 'and', 'or' or the end; found 'an'/],
  ['method == and', '          ^~~', /Expected text \(text that is a keyword needs quotes\); found 'and'/],
  ['methd == GET', '^~~~~', /no field 'methd'; did you mean 'method'\?/],
  ['frobnicate == 1', '^~~~~~~~~~', /no field 'frobnicate'; the fields are kind, method/],
  ['status = 1', '       ^', /Unexpected '='; did you mean ==\?/],
  ['conflict & interim', '         ^', /did you mean &&\?/],
  ['path == /a=b', '          ^', /Unexpected '='/],
  ['path == a\\b', '         ^', /text with it needs quotes/],
  ['status == 2000', '          ^~~~', /Expected a status code or class, such as 404 or 4xx; found '2000'/],
  ['status > 4xx', '         ^~~', /Expected a status code, such as 404/],
  ['status == 200..299', '          ^~~~~~~~', /ranges stand in sets/],
  ['status in {299..200}', '           ^~~~~~~~', /Expected a status code/],
  ['status in {}', '           ^', /Expected a status code/],
  ['status in {200 204}', '               ^~~', /Expected ',' or '}'/],
  ['status in 200', '          ^~~', /Expected '{'/],
  ['status not == 200', '           ^~', /Expected 'in'/],
  ['status ~ "2"', '       ^', /an operator behind status: == != < <= > >= in exists/],
  ['path < a', '     ^', /an operator behind path/],
  ['port == 70000', '        ^~~~~', /a port from 0 to 65535/],
  ['duration > 200', '           ^~~', /a duration with its unit/],
  ['bodyLength > 10 KB', '                ^~', /'and', 'or' or the end/],
  ['bodyLength > 10XB', '             ^~~~', /a number of bytes/],
  ['client.address == 10.0.0', '                  ^~~~~~', /IPv4 or IPv6 address or prefix/],
  ['client.address == 10.0.0.0/33', '                  ^~~~~~~~~~~', /IPv4 or IPv6 address or prefix/],
  ['integrity == gaps', '             ^~~~', /one of complete, gap, truncated, aborted/],
  ['conflict == true', '         ^~', /conflict is a condition by itself/],
  ['path ~ ^/api', '       ^~~~~', /a regular expression, in quotes or between slashes/],
  ['path ~ "("', '       ^~~', /Invalid regular expression/],
  ['path ~ /a/g', '       ^~~~', /Flags of a regular expression can be/],
  ['path ~ /a', '       ^~', /Expected \/ at the end/],
  ['path == "a', '        ^~', /Expected " at the end/],
  ['path == "\\d"', '         ^~', /Unknown escape/],
  ['path == "\\u{110000}"', '         ^~', /Unknown escape/],
  ['(conflict', '         ^', /Expected 'and', 'or' or '\)'; the expression ends here/],
  ['conflict)', '        ^', /Expected 'and', 'or' or the end; found '\)'/],
  ['header exists', '       ^~~~~~', /name of a header field, such as header.content-type/],
  ['header. exists', '^~~~~~~', /name of a header field in printable ASCII/],
  ['header["ü"] exists', '^~~~~~~~~~', /name of a header field in printable ASCII/],
  ['response.method == GET', '^~~~~~~~~~~~~~~', /Method|method is a field of requests, a response has none/],
  ['request.port == 80', '^~~~~~~~~~~~', /port is the same for both sides/i],
  ['response.wait > 1s', '^~~~~~~~~~~~~', /wait belongs to the exchange/i],
];

for (const [source, marks, message] of mistakes) {
  test(`${JSON.stringify(source)} is told what is wrong and where`, () => {
    assert.throws(
      () => parse(source),
      (error) => {
        assert.ok(error instanceof ExpressionError && error instanceof CaptureError);
        assert.equal(error.code, 'ERR_OPTION');
        assert.equal(error.name, 'CaptureError');
        assert.match(error.message, message);
        assert.equal(
          caret(source, error)
            .split('\n')[1]
            ?.replace(/(?<=\^~*) +$/, ''),
          marks,
        );
        return true;
      },
    );
  });
}

function mistakeIn(source: string): ExpressionError {
  try {
    parse(source);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
  }
  assert.fail('there is no mistake');
}

test('caret shows the line that is wrong, in sight and without what a terminal would obey', () => {
  const lines = 'method == GET\nand\tpath = /a\nor conflict';
  assert.equal(caret(lines, mistakeIn(lines)), 'and path = /a\n         ^');
  const long = `path == ${'a'.repeat(500)} x ${'b'.repeat(500)}`;
  const [line = '', marks = ''] = caret(long, mistakeIn(long)).split('\n');
  assert.ok(line.length <= 100);
  assert.equal(line[marks.indexOf('^')], 'x');
  const hostile = 'path == "\u001b[2J\u202e" x';
  assert.equal(caret(hostile, mistakeIn(hostile)), 'path == "?[2J?" x\n                ^');
});

test('the page about expressions has every field', () => {
  const page = readFileSync(new URL('../docs/expressions.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([\w.]+?)(?:\.NAME)?` \| (\w+) \| (\w+) \| (head|end) \|(.*)\|$/gm)];
  assert.deepEqual(
    rows.map((row) => row.slice(1, 5)),
    (Object.keys(fields) as FieldName[]).map((name) => [
      name,
      fieldOf(name).type,
      fieldOf(name).of,
      fieldOf(name).known,
    ]),
  );
  for (const [, name, , , , remark = ''] of rows) {
    assert.equal(/in any case/.test(remark), Boolean(fieldOf(name as FieldName).caseless || name === 'header'), name);
  }
});

test('the examples of the page about expressions parse', () => {
  const page = readFileSync(new URL('../docs/expressions.md', import.meta.url), 'utf8');
  const [, examples = ''] = /```\n([^`]*)```/.exec(page) ?? [];
  const lines = examples.trim().split('\n');
  assert.ok(lines.length >= 3);
  for (const line of lines) parse(line);
});
