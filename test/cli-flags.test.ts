import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../lib/cli/exit.js';
import { type CaptureFlags, parseCommandLine } from '../lib/cli/flags.js';

function flagsOf(...args: string[]): CaptureFlags {
  const invocation = parseCommandLine(args, '1.2.3');
  assert.ok(invocation.command === 'capture');
  return invocation.flags;
}

function usageError(...args: string[]): string {
  try {
    parseCommandLine(args, '1.2.3');
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  assert.fail(`${args.join(' ')} was accepted`);
}

test('without arguments everything has its default', () => {
  assert.deepEqual(flagsOf(), {
    interfaces: [],
    workers: undefined,
    read: undefined,
    readSeveral: undefined,
    pid: undefined,
    process: undefined,
    netns: undefined,
    showProcess: false,
    user: undefined,
    ports: [],
    promiscuous: false,
    expression: '',
    selection: {
      where: [],
      kind: undefined,
      methods: [],
      hosts: [],
      paths: [],
      statuses: [],
      headers: [],
      grep: undefined,
      exchange: false,
    },
    explain: false,
    count: undefined,
    outputs: {
      console: true,
      json: false,
      raw: false,
      exchanges: false,
      summary: false,
      curl: false,
      har: undefined,
      write: undefined,
      force: false,
    },
    rotation: { rotation: undefined, compression: undefined, maxFiles: undefined },
    tcpflow: { print: undefined, write: undefined, finish: [] },
    redaction: { redact: undefined, headers: [], query: [], fields: [] },
    body: true,
    maxBodyBytes: undefined,
    digest: false,
    color: true,
    stats: false,
  });
});

test('every option is understood, in its long and its short form', () => {
  assert.deepEqual(flagsOf('-i', 'lo').interfaces, ['lo']);
  assert.deepEqual(flagsOf('--interface=eth0', '-i', 'lo').interfaces, ['eth0', 'lo']);
  assert.equal(flagsOf('--workers', '2').workers, 2);
  assert.equal(flagsOf('-r', 'a.pcap').read, 'a.pcap');
  assert.equal(flagsOf('--read', '-').read, '-');
  assert.equal(flagsOf('--process', 'ruby').process, 'ruby');
  assert.equal(flagsOf('--pid', '1355').pid, 1355);
  for (const place of ['blue', '/run/netns/blue', './1355']) assert.equal(flagsOf('--netns', place).netns, place);
  assert.equal(flagsOf('--netns', '1355').netns, 1355);
  assert.equal(flagsOf('--show-process').showProcess, true);
  assert.equal(flagsOf('--user', 'nobody').user, 'nobody');
  assert.deepEqual(flagsOf('-p', '80', '--port', '8080').ports, [80, 8080]);
  assert.deepEqual(flagsOf('-p80,8080', '-p', '80').ports, [80, 8080]);
  assert.equal(flagsOf('-n', '10').count, 10);
  assert.equal(flagsOf('--count', '1').count, 1);
  assert.equal(flagsOf('--no-body').body, false);
  assert.equal(flagsOf('--digest').digest, true);
  assert.equal(flagsOf('--no-color').color, false);
  assert.equal(flagsOf('--stats').stats, true);
});

test('the console is an output when it is the only one, or asked for', () => {
  const named = (...args: string[]) =>
    Object.entries(flagsOf(...args).outputs).flatMap(([name, value]) => (value ? [name] : []));
  assert.deepEqual(named(), ['console']);
  for (const output of ['json', 'raw', 'exchanges', 'summary', 'curl']) {
    assert.deepEqual(named(`--${output}`), [output]);
    assert.deepEqual(named(`--${output}`, '-c'), ['console', output]);
  }
  assert.deepEqual(named('--har', 'a.har', '--exchanges', '--summary'), ['exchanges', 'summary', 'har']);
  assert.equal(flagsOf('--har', 'a.har').outputs.har, 'a.har');
  assert.deepEqual(named('--force'), ['console', 'force']);
});

test('conditions, one or several', () => {
  const { selection } = flagsOf(
    ...[
      '--method',
      'GET,HEAD',
      '--method',
      'PUT',
      '--host',
      'a,b',
      '--path',
      '/a,b',
      '--path',
      '/c',
      '--kind',
      'request',
    ],
    ...['--status', '4XX,503', '--status', '500..502', '--header', 'x-a', '--header', 'Cookie=a=b*', '--header', 'e='],
    ...['--grep', 'a/b', '--ignore-case', '--where', 'conflict', '--where', 'interim', '--exchange'],
  );
  assert.deepEqual(selection, {
    where: ['conflict', 'interim'],
    kind: 'request',
    methods: ['GET', 'HEAD', 'PUT'],
    hosts: ['a', 'b'],
    paths: ['/a,b', '/c'],
    statuses: ['4xx', '503', '500..502'],
    headers: [
      { name: 'x-a', value: undefined },
      { name: 'Cookie', value: 'a=b*' },
      { name: 'e', value: '' },
    ],
    grep: /a\/b/i,
    exchange: true,
  });
  assert.match(usageError('--status', '40'), /a status is 404, 4xx or 500\.\.504/);
  assert.match(usageError('--grep', '('), /'--grep <REGEX>' argument '\(' is invalid: Invalid regular expression/);
  assert.match(usageError('--kind', 'both'), /it is request or response/);
  assert.match(usageError('--header', '=x'), /a header is NAME or NAME=GLOB/);
  assert.match(usageError('--method', 'GET,'), /a name is empty/);
  assert.match(usageError('--where', ''), /it is empty/);
});

test('redaction: naming what is secret asks for it', () => {
  const redaction = (...args: string[]) => flagsOf(...args).redaction;
  assert.equal(redaction('--redact').redact, true);
  assert.equal(redaction('--no-redact').redact, false);
  assert.deepEqual(
    redaction('--redact-header', 'X-A,X-B', '--redact-query', 'q', '--redact-field', 'f', '--redact-field', 'g'),
    { redact: true, headers: ['X-A', 'X-B'], query: ['q'], fields: ['f', 'g'] },
  );
  assert.match(usageError('--no-redact', '--redact-field', 'f'), /--no-redact excludes/);
});

test('sizes have binary units', () => {
  for (const [text, bytes] of Object.entries({
    '0': 0,
    '65536': 65536,
    '64k': 65536,
    '64K': 65536,
    '8m': 8388608,
    '1g': 1073741824,
    '2MiB': 2097152,
    '3kb': 3072,
  })) {
    assert.equal(flagsOf('--max-body', text).maxBodyBytes, bytes, text);
  }
  for (const text of ['', 'x', '-1', '1.5m', '8t', '99999999999999999999', '9007199254740993k']) {
    assert.match(usageError(`--max-body=${text}`), /--max-body|size/, text);
  }
});

test('the words behind the options are the BPF expression', () => {
  assert.equal(
    flagsOf('-p', '80', 'host', '10.0.0.1', 'and', 'not', 'port', '22').expression,
    'host 10.0.0.1 and not port 22',
  );
  assert.equal(flagsOf('host 10.0.0.1').expression, 'host 10.0.0.1');
  assert.equal(flagsOf('tcp[13] & 2 != 0', '-n', '3').expression, 'tcp[13] & 2 != 0');
  assert.equal(flagsOf('--', '-x').expression, '-x');
});

test('the first word can be a command', () => {
  for (const command of ['listeners', 'interfaces'] as const) {
    assert.deepEqual(parseCommandLine([command], '1.2.3'), { command, flags: { json: false } });
    assert.deepEqual(parseCommandLine([command, '--json'], '1.2.3'), { command, flags: { json: true } });
    const help = parseCommandLine([command, '--help'], '1.2.3');
    assert.ok(help.command === 'text');
    assert.match(help.text, new RegExp(`^Usage: flowtap ${command} \\[--json\\]\n`));
    assert.match(usageError(command, '--jsn'), /unknown option '--jsn' \(Did you mean --json\?\)/);
    assert.match(usageError(command, 'x'), /too many arguments/);
    assert.match(usageError('-p', '80', command), new RegExp(`${command} stands before the options`));
  }
  assert.equal(flagsOf('listener').expression, 'listener');
});

test('whose traffic: one place, and live', () => {
  assert.match(usageError('--process', 'a', '--pid', '1'), /--process and --pid exclude each other/);
  assert.match(usageError('--process', 'a', '--netns', 'b'), /exclude each other: .* its own namespace/);
  assert.match(usageError('--pid', '1', '--netns', 'b'), /exclude each other: .* its own namespace/);
  for (const place of [['--process', 'a'], ['--pid', '1'], ['--netns', 'b'], ['--show-process']])
    assert.match(usageError(...place, '-r', 'x.pcap'), /exclude each other: a capture file does not tell of processes/);
  assert.match(usageError('--process', 'a', '--process', 'b'), /there can be one only/);
  for (const pid of ['0', 'x', '-1', '2147483648', '1e3'])
    assert.match(usageError(`--pid=${pid}`), /number of a process/);
  assert.match(usageError('--netns=0'), /number of a process/);
  assert.match(usageError('--netns='), /it is empty/);
  assert.match(usageError('--user', ''), /it is empty/);
});

test('usage errors are one line that says what is wrong', () => {
  assert.match(usageError('-p', 'http'), /'-p' argument 'http' is invalid: a port is a number from 1 to 65535/);
  for (const port of ['0', '65536', '80,', '-80', '8e1', ''])
    assert.match(usageError(`--port=${port}`), /port is a number/, port);
  for (const count of ['0', '-1', 'all', '1.5', ''])
    assert.match(usageError(`--count=${count}`), /a count is a number from 1 on/, count);
  assert.match(usageError('--jsn'), /unknown option '--jsn' \(Did you mean --json\?\)/);
  assert.match(usageError('-r'), /'-r'.* argument missing/);
  assert.match(usageError('-i', 'lo', '-r', 'x'), /exclude each other/);
  assert.match(usageError('--json', '--raw'), /exclude each other/);
  for (const args of [['--jsn'], ['-p', 'x'], ['-r'], ['-i', 'lo', '-r', 'x']])
    assert.doesNotMatch(usageError(...args), /\n/);
});

test('what one flag leaves nothing to do for another is no error', () => {
  for (const args of [
    ['--no-body', '--max-body', '1k'],
    ['--no-body', '--digest'],
    ['--raw', '--digest'],
  ])
    assert.ok(flagsOf(...args), args.join(' '));
});

test('help names every option, examples, permissions and exit codes; version is the version', () => {
  const help = parseCommandLine(['--help'], '1.2.3');
  assert.ok(help.command === 'text');
  for (const word of [
    ...[
      '--interface',
      '--read',
      '--port',
      '--workers',
      '--count',
      ...['--method', '--host', '--path', '--status', '--header', '--kind', '--grep', '--ignore-case', '--where'],
      ...['--exchange', '--explain', '--console', '--exchanges', '--summary', '--curl', '--har', '--force'],
      ...['--redact', '--no-redact', '--redact-header', '--redact-query', '--redact-field'],
      '--json',
      '--raw',
      '--no-body',
      '--max-body',
      '--digest',
      '--no-color',
      '--stats',
    ],
    ...[
      '--version',
      '--help',
      'Usage: flowtap [options] [BPF expression]',
      ...['--process', '--pid', '--netns', '--show-process', '--user'],
      ...['flowtap listeners', 'flowtap interfaces'],
      'Examples:',
      'Permissions:',
      'setcap',
      'Exit codes:',
      'NO_COLOR',
    ],
  ]) {
    assert.ok(help.text.includes(word), word);
  }
  // The line to type is as long as its paths are.
  const lines = help.text.split('\n').filter((line) => !/: sudo |--cap-add/.test(line));
  for (const line of lines) assert.ok(line.length <= 120, line);
  assert.deepEqual(parseCommandLine(['--version'], '1.2.3'), { command: 'text', text: 'flowtap 1.2.3\n' });
  assert.deepEqual(parseCommandLine(['-V'], '1.2.3'), { command: 'text', text: 'flowtap 1.2.3\n' });
  assert.equal(parseCommandLine(['-h'], '1.2.3').command, 'text');
});
