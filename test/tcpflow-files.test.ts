/** Flow files beside those of the real tcpflow: the same but for what docs/tcpflow.md explains. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { capture, FlowFileWriter, flows } from '../lib/index.js';
import { flowtapHere } from './cli-support.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation } from './support/conversation.js';
import { skip, temporaryFile, temporaryFolder, top } from './support/environment.js';
import { type Framing, flag, type Segment } from './support/frame.js';
import { request, response } from './support/http.js';
import { mangle } from './support/network.js';
import {
  compare,
  type Difference,
  type Files,
  filesOf,
  type ReportedFlows,
  reportedFlows,
  skipUnlessTcpflow,
  tcpflow,
  tcpflowFolder,
} from './support/tcpflow.js';
import { traffic } from './support/traffic.js';

const noTcpflow = skipUnlessTcpflow();

interface Written {
  files: Files;
  incomplete: Set<string>;
  reported: ReportedFlows;
}

async function flowtap(file: string, template?: string): Promise<Written> {
  const folder = temporaryFolder();
  const writer = new FlowFileWriter(folder, { template });
  const incomplete = new Set<string>();
  try {
    for await (const message of capture({ stream: writer.packets(flows({ file }).batches()) })) {
      await writer.writeBody(message);
    }
  } catch {
    // A damaged file: what came before the damage counts.
  }
  await writer.end();
  const report = readFileSync(path.join(folder, 'report.xml'), 'utf8');
  for (const [, name] of report.matchAll(/<filename>([^<]*)<\/filename><filesize>\d+<\/filesize><comment>/g)) {
    incomplete.add(path.relative(folder, name as string));
  }
  return { files: filesOf(folder), incomplete, reported: reportedFlows(folder) };
}

async function differences(file: string): Promise<Difference[]> {
  const { files, incomplete } = await flowtap(file);
  return compare(files, tcpflow(['-e', 'http', '-r', file]), incomplete);
}

const noPadding: Framing = { link: 'ethernet', pad: false };

function fileOf(segments: readonly Segment[], framing: Framing = { link: 'ethernet' }): string {
  return temporaryFile(pcap(toPackets(segments, framing)));
}

suite('made captures', { skip: noTcpflow }, () => {
  const made = { plain: true, conversations: 4 };
  const flowsOf: [name: string, file: () => string][] = [
    ['conversations', () => fileOf(traffic({ ...made, seed: 1 }).segments)],
    ['IPv6', () => fileOf(traffic({ ...made, seed: 2, v6: true }).segments)],
    ['VLAN', () => fileOf(traffic({ ...made, seed: 3 }).segments, { link: 'ethernet', vlans: [42] })],
    [
      'out of order, sent again',
      () => {
        const { segments } = traffic({ ...made, seed: 4 });
        return fileOf(mangle(segments, { seed: 5, reorder: 0.05, retransmit: 0.05, duplicate: 0.05 }), noPadding);
      },
    ],
  ];
  for (const [name, file] of flowsOf) {
    test(`flows: ${name}`, async () => {
      const found = (await differences(file())).filter((one) => !one.name.includes('-HTTPBODY-'));
      assert.deepEqual(
        found.filter(({ reason }) => reason !== 'padding'),
        [],
      );
    });
  }

  const inReports: [name: string, file: () => string][] = [
    ['conversations', () => fileOf(traffic({ ...made, seed: 1 }).segments, noPadding)],
    ['IPv6', () => fileOf(traffic({ ...made, seed: 2, v6: true }).segments, noPadding)],
    ['no link header with addresses', () => fileOf(traffic({ ...made, seed: 2 }).segments, { link: 'null' })],
    [
      'sent again, overtaken',
      () => {
        const { segments } = traffic({ ...made, seed: 4 });
        const mangled = mangle(segments, { seed: 6, reorder: 0.05, retransmit: 0.05, duplicate: 0.05 });
        return fileOf(mangled, noPadding);
      },
    ],
    [
      'bytes from before the beginning',
      () => {
        const conversation = new Conversation().handshake();
        conversation.exchange(request(), response({ body: 'hello' }));
        conversation.segment(0, flag.ack, Buffer.from('early'), { used: -20 });
        return fileOf(conversation.close(1).segments, noPadding);
      },
    ],
    [
      'begun before the capture, ended by a RST',
      () => {
        const conversation = new Conversation().handshake();
        conversation.exchange(request(), response({ body: 'hello' }));
        conversation.exchange(request(), response({ body: 'again' }));
        conversation.segment(0, flag.rst | flag.ack);
        return fileOf(conversation.segments.slice(3), noPadding);
      },
    ],
  ];
  for (const [name, file] of inReports) {
    test(`reports: ${name}`, async () => {
      const capture = file();
      const ours = (await flowtap(capture)).reported;
      const theirs = reportedFlows(tcpflowFolder(['-r', capture]));
      assert.ok(theirs.size > 0);
      if (name.startsWith('no link')) {
        // It takes what else is there for addresses.
        for (const told of theirs.values()) {
          delete told.mac_daddr;
          delete told.mac_saddr;
        }
      }
      assert.deepEqual([...ours].sort(), [...theirs].sort());
    });
  }

  test('times of the bytes (-I)', async () => {
    const file = fileOf(traffic({ ...made, seed: 1 }).segments, noPadding);
    const folder = temporaryFolder();
    const writer = new FlowFileWriter(folder, { index: true });
    for await (const batch of flows({ file }).batches()) writer.write(batch);
    await writer.end();
    const indexes = (files: Files) =>
      [...files].filter(([name]) => name.endsWith('.findx')).map(([name, bytes]) => [name, bytes.toString()]);
    assert.deepEqual(indexes(filesOf(folder)), indexes(tcpflow(['-I', '-r', file])));
    assert.ok(indexes(filesOf(folder)).length > 0);
  });

  test('files that only finish connections (-R)', async () => {
    const { segments } = traffic({ ...made, seed: 8 });
    const packets = toPackets(segments, noPadding);
    const half = Math.floor(packets.length / 3);
    const [before, after] = [packets.slice(0, half), packets.slice(half)].map((part) => temporaryFile(pcap(part)));
    const args = ['-r', before as string, '-R', after as string];
    const folder = temporaryFolder();
    const { code, stderr } = await flowtapHere([...args, '--tcp', '-o', folder]);
    assert.equal(code, 0, stderr);
    assert.deepEqual([...filesOf(folder)], [...tcpflow(args)]);
  });

  test('templates with Ethernet addresses', async () => {
    const file = fileOf(traffic({ seed: 1, plain: true }).segments, noPadding);
    const template = '%E/%e/%A.%a-%B.%b%c';
    const flows = [...(await flowtap(file, template)).files.keys()].filter((name) => !name.includes('-HTTPBODY-'));
    assert.ok(
      flows.every((name) => /^02:00:00:00:00:0[12]\/02:00:00:00:00:0[12]\//.test(name)),
      flows.join(),
    );
    assert.deepEqual(flows.sort(), [...tcpflow(['-r', file, '-T', template]).keys()].sort());
  });

  test('bodies', async () => {
    const conversation = new Conversation().handshake();
    const html: [string, string][] = [['Content-Type', 'text/html']];
    const body = 'hello '.repeat(500);
    conversation.exchange(request(), response({ body, headers: html }));
    conversation.exchange(request(), response({ body, headers: html, chunked: [7, 900] }));
    conversation.exchange(request(), response({ status: 304 }));
    for (const chunked of [undefined, true] as const) {
      conversation.exchange(request(), response({ body, headers: html, coding: 'gzip', ...(chunked && { chunked }) }));
    }
    conversation.exchange(request(), response({ status: 100 }), response({ body, headers: html, untilClose: true }));
    const file = fileOf(conversation.close(1).segments, noPadding);
    assert.deepEqual(await differences(file), []);
    assert.equal((await flowtap(file)).files.size, 2 + 5);
  });

  test('bodies that only one of them has', async () => {
    const conversation = new Conversation().handshake();
    const json: [string, string][] = [['Content-Type', 'application/json; charset=utf-8']];
    conversation.exchange(
      request({ method: 'POST', body: '{}', headers: json }),
      response({ body: '[]', headers: json }),
    );
    conversation.exchange(request(), response({ body: 'hello', coding: 'br' }));
    const found = await differences(fileOf(conversation.close().segments, noPadding));
    assert.deepEqual(
      found.map(({ name, reason }) => [name.replace(/^.*-HTTPBODY-/, ''), reason]),
      [
        ['002', undefined],
        ['001.json', 'request body'],
      ],
    );
  });

  test('templates', async () => {
    const file = fileOf(traffic({ seed: 1, plain: true }).segments, { link: 'ethernet', vlans: [42], pad: false });
    for (const template of [
      '%A.%a-%B.%b%V%v%C%c',
      '%T_%t-%A-%a%c',
      '%A/%a/%B/%b%c',
      'x%#',
      '100%%%a%c',
      '%S_%A_%K%M%G',
    ]) {
      const { files } = await flowtap(file, template);
      const theirs = tcpflow(['-r', file, '-T', template]);
      const flowsOnly = [...files.keys()].filter((name) => !name.includes('-HTTPBODY-'));
      assert.deepEqual(flowsOnly.sort(), [...theirs.keys()].sort(), template);
    }
  });
});

suite('real captures', { skip: noTcpflow }, () => {
  const folder = path.resolve(top, '../shared/corpus/pcaps');
  const explained: Record<string, string> = JSON.parse(
    readFileSync(path.join(top, 'test/tcpflow-differences.json'), 'utf8'),
  );
  if (!existsSync(folder)) {
    test('corpus', { skip: skip('the corpus of captures is not here') }, () => {});
    return;
  }
  for (const name of readdirSync(folder).sort()) {
    test(name, async () => {
      const found = (await differences(path.join(folder, name))).filter(({ reason }) => reason === undefined);
      if (explained[name] === undefined) assert.deepEqual(found, []);
      else assert.notDeepEqual(found, [], 'there is nothing to explain any more');
    });
  }
});
