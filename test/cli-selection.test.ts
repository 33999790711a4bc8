/** The flags that say which messages are wanted, on a file. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseCommandLine } from '../lib/cli/flags.js';
import { wantedOf } from '../lib/cli/selection.js';
import { flowtap, flowtapHere, pcapOf } from './cli-support.js';
import { temporaryFile } from './support/environment.js';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const capture = temporaryFile(
  pcapOf([
    [
      {
        request: 'GET /api/me HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer tired\r\n\r\n',
        response: ok.replace('200', '401'),
      },
      {
        request: 'POST /api/it*em HTTP/1.1\r\nHost: b.test:8000\r\nContent-Length: 5\r\n\r\nhello',
        response: ok.replace('200', '503'),
      },
      { request: 'GET /?q="\\ HTTP/1.1\r\nHost: a.test\r\nX-Odd*: "\\\r\n\r\n', response: ok },
    ],
  ]),
);

/** Ids of what is printed: requests are 1, 3 and 5, their responses 2, 4 and 6. */
async function ids(...args: string[]): Promise<number[]> {
  const { code, stdout, stderr } = await flowtapHere(['-r', capture, '--json', ...args]);
  assert.equal(code, 0, stderr);
  const lines = stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  return lines.map((line) =>
    line.kind === 'request' ? starts.indexOf(line.target) * 2 + 1 : statuses.indexOf(line.status) * 2 + 2,
  );
}
const starts = ['/api/me', '/api/it*em', '/?q="\\'];
const statuses = [401, 503, 200];

function wanted(...args: string[]) {
  const invocation = parseCommandLine(args, '0');
  assert.ok(invocation.command === 'capture');
  return wantedOf(invocation.flags);
}

suite('each flag selects messages', () => {
  const cases: [args: string[], ids: number[]][] = [
    [
      ['--method', 'get'],
      [1, 5],
    ],
    [['--method', 'PUT,POST'], [3]],
    [
      ['--host', 'a.test'],
      [1, 5],
    ],
    [
      ['--host', 'b*,a*'],
      [1, 3, 5],
    ],
    [
      ['--path', '/api/*'],
      [1, 3],
    ],
    [['--path', '/api/it\\*em'], [3]],
    [['--path', '/'], [5]],
    [
      ['--path', '/', '--path', '/api/me'],
      [1, 5],
    ],
    [['--status', '401'], [2]],
    [
      ['--status', '4xx,5xx'],
      [2, 4],
    ],
    [['--status', '500..599'], [4]],
    [
      ['--status', '200,500..599'],
      [4, 6],
    ],
    [['--header', 'authorization'], [1]],
    [['--header', 'Authorization=Bearer *'], [1]],
    [['--header', 'Authorization=Basic *'], []],
    [['--header', 'x-odd*="\\'], [5]],
    [['--header', 'host', '--header', 'content-length=5'], [3]],
    [
      ['--kind', 'response'],
      [2, 4, 6],
    ],
    [
      ['--grep', 'hel+o|Bearer'],
      [1, 3],
    ],
    [['--grep', 'BEARER'], []],
    [['--grep', 'BEARER', '--ignore-case'], [1]],
    [['--grep', 'o', '--no-body', '--status', '200'], [6]],
    [
      ['--where', 'status >= 500 or method == GET', '--kind', 'response'],
      [2, 4, 6],
    ],
    [['--where', 'bodyLength > 2'], [3]],
    [['--where', 'bodyLength > 2', '--where', 'status exists'], []],
  ];
  for (const [args, expected] of cases) {
    test(args.join(' '), async () => assert.deepEqual(await ids(...args), expected));
  }
});

suite('the other side', () => {
  const cases: [args: string[], ids: number[]][] = [
    [
      ['--status', '401', '--exchange'],
      [1, 2],
    ],
    [
      ['--grep', 'hello', '--exchange'],
      [3, 4],
    ],
    // Both sides are named.
    [
      ['--method', 'GET', '--status', '401'],
      [1, 2],
    ],
    [
      ['--where', 'method == POST and status >= 500'],
      [3, 4],
    ],
    [
      ['--where', 'wait >= 0s and path == /'],
      [5, 6],
    ],
    // One side of an exchange that the other one selects.
    [['--status', '401', '--kind', 'request'], [1]],
    [
      ['--method', 'GET', '--kind', 'response'],
      [2, 6],
    ],
    [['--exchange', '--kind', 'request', '--status', '5xx'], [3]],
  ];
  for (const [args, expected] of cases) {
    test(args.join(' '), async () => assert.deepEqual(await ids(...args), expected));
  }

  test('an output of exchanges needs it, and so do commands for what was answered', () => {
    assert.equal(wanted('--status', '401').scope, 'message');
    for (const output of ['--exchanges', '--summary', '--har=x', '--curl']) {
      assert.equal(wanted('--status', '401', output).scope, 'exchange', output);
    }
    assert.equal(wanted('--method', 'GET', '--curl').scope, 'message');
  });
});

test('that a request was not asked for is no riddle', async () => {
  assert.match((await flowtapHere(['-r', capture, '--status', '401'])).stdout, /^\S+ {2}\S+ <- \S+ {2}#\d+\n/);
});

test('what did not match is counted', async () => {
  const { stderr } = await flowtap(['-r', capture, '--status', '404', '--grep', 'x']);
  assert.match(
    stderr,
    /every TCP port, where status == 404 and \(head ~ \/x\/ or body ~ \/x\/\)\n.*\nflowtap: 0 messages [^\n]*\nflowtap: 6 messages did not match\n$/,
  );
});

test('matches are highlighted in colours, in head and decoded body', async () => {
  const colored = (regex: string) => flowtapHere(['-r', capture, '--grep', regex], { FORCE_COLOR: '1' });
  assert.ok((await colored('hello')).stdout.includes('\n\x1b[7mhello\x1b[27m\n'));
  const { stdout } = await colored('ation: Bear');
  assert.ok(stdout.includes('\x1b[36mAuthoriz\x1b[7mation:\x1b[39m Bear\x1b[27mer tired'), JSON.stringify(stdout));
  assert.ok(!(await flowtap(['-r', capture, '--grep', 'hello'])).stdout.includes('\x1b'));
});

test('a mistake in an expression is shown with a caret; exit code 2', async () => {
  const { code, stdout, stderr } = await flowtap([
    '-r',
    capture,
    '--where',
    'interim',
    '--where',
    'method == POST an path == x',
  ]);
  assert.deepEqual([code, stdout], [2, '']);
  assert.equal(
    stderr,
    `flowtap: --where: Expected 'and', 'or' or the end; found 'an' (at character 16 of the expression)
  method == POST an path == x
                 ^~
Try 'flowtap --help'.
`,
  );
  const control = await flowtap(['-r', capture, '--where', 'path == \x1b[2J']);
  assert.equal(control.code, 2);
  assert.ok(!control.stderr.includes('\x1b'));
});

test('what can never be is a mistake', async () => {
  for (const never of ['response.method == GET', 'request.status == 200']) {
    const { code, stderr } = await flowtapHere(['-r', capture, '--where', never]);
    assert.equal(code, 2, stderr);
  }
});

test('an expression about bodies needs them', async () => {
  const { code, stderr } = await flowtapHere(['-r', capture, '--where', 'response.body exists', '--no-body']);
  assert.equal(code, 2);
  assert.match(stderr, /^flowtap: --no-body keeps no bodies, but --where looks at them\n/);
  assert.equal((await flowtapHere(['-r', capture, '--where', 'bodyLength > 0', '--no-body'])).code, 0);
  const long = await flowtapHere(['--where', `path == ${'a'.repeat(70_000)}`]);
  assert.deepEqual([long.code, long.stderr.length < 1000], [2, true], long.stderr.slice(0, 200));
});

test('--explain says what is decided where, and reads nothing', async () => {
  const { code, stdout, stderr } = await flowtap(['-r', '/nowhere', '--explain', '--method', 'POST', '--grep', 'x']);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(
    stdout,
    `expression               method == POST and (head ~ /x/ or body ~ /x/)
native, on the head      method == POST
JavaScript, on the head  head ~ /x/
JavaScript, at the end   body ~ /x/
matches                  requests
shown                    messages: each by itself
`,
  );
  assert.match(
    (await flowtapHere(['--explain', '--exchange'])).stdout,
    /^expression +everything\n(?:.*\n)*shown +exchanges: /,
  );
  assert.equal((await flowtapHere(['--explain', '--where', 'nonsense'])).code, 2);
});
