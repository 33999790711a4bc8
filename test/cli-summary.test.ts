import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommandLine } from '../lib/cli/flags.js';
import { describeSecrets } from '../lib/cli/secrets.js';
import { describeSource, formatStats, summarize, Tally } from '../lib/cli/summary.js';
import type { CaptureStats } from '../lib/index.js';
import { fakeMessage } from './cli-support.js';

const zeroes = () => new Proxy({}, { get: () => 0 });

function statsOf(groups: Record<string, Record<string, number>>): CaptureStats {
  const stats: Record<string, object> = {};
  for (const group of ['packets', 'decode', 'tcp', 'http', 'delivery', 'write'])
    stats[group] = Object.assign(Object.create(zeroes()), groups[group]);
  return stats as unknown as CaptureStats;
}

function flagsOf(...args: string[]) {
  const invocation = parseCommandLine(args, '0');
  assert.ok(invocation.command === 'capture');
  return invocation.flags;
}

function lines(args: string[], groups: Record<string, Record<string, number>>, tally = new Tally()): string[] {
  return summarize(flagsOf(...args), tally, statsOf(groups));
}

test('the start says where packets come from and what is selected', () => {
  const info = { interface: 'any', linkType: 'LINUX_SLL2' };
  assert.equal(describeSource(flagsOf('-p', '8000'), info), 'listening on any (Linux cooked v2), port 8000');
  assert.equal(
    describeSource(flagsOf('-p', '1,2,3', 'host', 'a\x1b'), info),
    'listening on any (Linux cooked v2), ports 1, 2 and 3, filter "host a\\x1b"',
  );
  assert.equal(
    describeSource(flagsOf(), { interface: 'x0', linkType: 'ODD' }),
    'listening on x0 (ODD), every TCP port',
  );
  assert.equal(
    describeSource(flagsOf('-r', 'a.pcap'), { interface: '', linkType: 'EN10MB' }),
    'reading a.pcap, every TCP port',
  );
  for (const [flags, place] of [
    [['--pid', '1355'], 'for process 1355'],
    [['--process', 'a\x1bb'], 'for processes named a\\x1bb'],
    [['--netns', 'blue'], 'in the network namespace blue'],
    [['--netns', '1355'], 'in the network namespace of process 1355'],
  ] as const)
    assert.equal(
      describeSource(flagsOf(...flags, '-p', '80'), info),
      `listening on any (Linux cooked v2) ${place}, port 80`,
    );
  assert.equal(describeSource(flagsOf('-r', '-'), undefined), 'reading standard input, every TCP port');
  assert.equal(
    describeSource(flagsOf('-r', '-', '-p', '1'), undefined, 'path == "\x1b"'),
    'reading standard input, port 1, where path == "\\x1b"',
  );
});

test('the end says what was seen and what could not be read', () => {
  const tally = new Tally();
  tally.add(fakeMessage({ head: 'GET / HTTP/1.1\r\n\r\n' }));
  tally.add(fakeMessage({ kind: 'response', head: 'HTTP/1.1 200 OK\r\n\r\n', integrity: 'gap' }));
  assert.deepEqual(
    lines(
      [],
      {
        packets: {
          received: 1200,
          decoded: 1190,
          kernelDropped: 3,
          interfaceDropped: 1,
          truncated: 4,
          unsupported: 1,
          malformed: 2,
        },
        tcp: { segments: 1190, gaps: 2, missingBytes: 1448 },
        http: { connections: 3, tlsConnections: 12, http2Connections: 3, messagesNotSelected: 500 },
        delivery: { messagesDropped: 7, messagesNotMatched: 1000 },
      },
      tally,
    ),
    [
      '2 messages (1 request, 1 response), 1,200 packets',
      '1,500 messages did not match',
      '1 message not complete',
      '12 TLS and 3 HTTP/2 connections: not decoded',
      '1,448 bytes missing in 2 gaps',
      '4 packets cut off by the snap length',
      '1 packet of link types or encapsulations that are not supported',
      '2 malformed packets',
      'dropped before they could be read: 3 packets by the kernel and 1 packet by the interface',
      '7 messages dropped because the output was too slow',
    ],
  );
});

test('what raw output cannot say with a message is said at the end', () => {
  const tally = new Tally();
  tally.add(fakeMessage({ head: 'GET / HTTP/1.1\r\n\r\n', integrity: 'gap' }));
  tally.add(fakeMessage({ head: 'GET / HTTP/1.1\r\n\r\n', bodyTruncated: true }));
  assert.deepEqual(
    lines(['--raw'], { packets: { received: 2, decoded: 2 }, tcp: { segments: 2 } }, tally).slice(1, 3),
    ['1 message not complete: cut off at the first missing byte', '1 body cut by --max-body'],
  );
});

test('whether secrets are in what is written is said', () => {
  const said = (...args: string[]) => describeSecrets(flagsOf(...args));
  for (const output of ['--console', '--json', '--raw', '--exchanges', '--curl']) {
    assert.equal(said(output), 'secrets are shown as captured; --redact masks them');
    assert.equal(said(output, '--redact'), 'secrets are masked');
  }
  assert.equal(said('--summary'), undefined);
  assert.equal(said('--har', 'a\x1b'), 'secrets are masked in a\\x1b; --no-redact leaves them');
  assert.equal(said('--har', 'a', '--no-redact', '--summary'), 'secrets are in a as captured');
  assert.equal(
    said('--har', 'a', '-c'),
    'secrets are masked in a, but shown here as captured; --redact masks them everywhere',
  );
  assert.equal(said('--har', 'a', '-c', '--no-redact'), 'secrets are shown here and in a as captured');
  assert.equal(said('--har', 'a', '-c', '--redact'), 'secrets are masked');
});

test('when nothing was seen it says why', () => {
  const hint = (args: string[], groups: Record<string, Record<string, number>>): string | undefined =>
    lines(args, groups).at(-1);
  assert.equal(hint([], {}), 'no packets were seen');
  assert.equal(
    hint(['-i', 'eth0', '-p', '80'], {}),
    'no packets that match were seen; -i any listens on every interface',
  );
  assert.equal(hint(['-r', 'x'], {}), 'there are no packets in it');
  assert.equal(
    hint(['-r', 'x', 'host', 'y'], { packets: { filteredOut: 12 } }),
    'the filter matched none of 12 packets',
  );
  assert.equal(hint([], { packets: { received: 5, notTcp: 5 } }), 'none of the packets carried TCP');
  assert.equal(
    hint(['-p', '80,81'], { packets: { received: 5, decoded: 5 }, tcp: { notSelected: 5 } }),
    '5 TCP packets, but none of port 80 or 81',
  );
  const busy = { packets: { received: 5, decoded: 5 }, tcp: { segments: 5, payloadBytes: 9 } };
  assert.equal(hint([], { ...busy, tcp: { segments: 5 } }), 'connections without data: nothing was said on them');
  assert.equal(hint([], { ...busy, http: { tlsConnections: 1 } }), 'no plain HTTP/1 was seen beside them');
  assert.equal(lines([], { ...busy, http: { tlsConnections: 1 } }).at(-2), '1 TLS connection: not decoded');
  assert.equal(
    lines([], { ...busy, http: { connections: 1, tlsConnections: 1, http2Connections: 2 } }).at(-1),
    '1 TLS connection and 2 HTTP/2 connections: not decoded',
  );
  assert.equal(hint([], { ...busy, http: { otherConnections: 2 } }), '2 connections carried something else than HTTP');
});

test('--stats lists every counter', () => {
  assert.deepEqual(formatStats({ packets: { received: 1234 }, tcp: { gaps: 1 } } as unknown as CaptureStats), [
    'packets.received  1,234',
    'tcp.gaps              1',
  ]);
});
