import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { decodedBody } from '../lib/flow-files/body-bytes.js';
import { type NamedFlow, NameTemplate } from '../lib/flow-files/file-name.js';
import { extensionOf } from '../lib/flow-files/media-type-extension.js';
import { escapeXml } from '../lib/flow-files/xml.js';
import { capture, type FlowFileOptions, FlowFileWriter, flows, type Message } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation, interleave } from './support/conversation.js';
import { collect, temporaryFile, temporaryFolder } from './support/environment.js';
import { type Framing, flag, type Segment } from './support/frame.js';
import { request, response } from './support/http.js';
import { mangle } from './support/network.js';
import { traffic } from './support/traffic.js';

function fileOf(segments: readonly Segment[], framing: Framing = { link: 'ethernet' }): string {
  return temporaryFile(pcap(toPackets(segments, framing), { nanoseconds: true }));
}

interface Written {
  folder: string;
  files: Map<string, Buffer>;
  report: string;
  errors: string[];
  writer: FlowFileWriter;
  messages: Message[];
}

function read(folder: string): Map<string, Buffer> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    lstatSync(path.join(folder, name)).isFile(),
  );
  return new Map(names.sort().map((name) => [name, readFileSync(path.join(folder, name))]));
}

/** Flow files, bodies and report of a capture file. */
async function write(file: string, options: FlowFileOptions = {}, folder = temporaryFolder()): Promise<Written> {
  const errors: string[] = [];
  const writer = new FlowFileWriter(folder, { onError: ({ message }) => errors.push(message), ...options });
  const messages: Message[] = [];
  const tap = flows({ file });
  for await (const message of capture({ stream: writer.packets(tap.batches()) })) {
    messages.push(message);
    await writer.writeBody(message);
  }
  await writer.end();
  const files = read(folder);
  const report = files.get('report.xml')?.toString() ?? '';
  files.delete('report.xml');
  return { folder, files, report, errors, writer, messages };
}

const client = '100.100.102.033.47106-100.100.102.017.08000';
const server = '100.100.102.017.08000-100.100.102.033.47106';

suite('names', () => {
  const flow: NamedFlow = {
    source: { address: '127.0.0.1', port: 4001 },
    destination: { address: '2001:db8::7', port: 80 },
    vlan: undefined,
    link: undefined,
    startTime: 1_668_229_140_999_999_999n,
    number: 12_345_678_901,
    session: 7,
  };

  const cases: [template: string, repeat: number, vlan: number | undefined, name: string][] = [
    ['%A.%a-%B.%b%V%v%C%c', 0, undefined, '127.000.000.001.04001-2001:db8::7.00080'],
    ['%A.%a-%B.%b%V%v%C%c', 2, 201, '127.000.000.001.04001-2001:db8::7.00080--201c2'],
    ['%T_%t%c', 0, undefined, '2022-11-12T04:59:00Z_1668229140'],
    ['%G/%M/%K/%N%c', 0, undefined, '012/345/678/901'],
    ['%S-%#%c', 3, undefined, '00000000000000000007-33'],
    ['100%%c', 1, undefined, '100%cc1'],
    ['fixed', 0, undefined, 'fixed'],
    ['fixed', 1, undefined, 'fixedc1'],
    ['%V%vx%c', 0, 5, '--5x'],
  ];
  for (const [template, repeat, vlan, name] of cases) {
    test(`${template} becomes ${name}`, () => {
      assert.equal(new NameTemplate(template).format({ ...flow, vlan }, repeat), name);
    });
  }

  for (const template of [
    '',
    '/x%c',
    '../x%c',
    'a/../../x%c',
    './x',
    'a//b%c',
    'dir/',
    '%c',
    '.%c',
    'a/.%V%v./%c',
    'x%',
    '%Q',
    'a\0b',
  ]) {
    test(`${JSON.stringify(template)} is refused`, () => {
      assert.throws(() => new NameTemplate(template), { code: 'ERR_OPTION' });
    });
  }

  test('a part of a path that is empty only sometimes is refused', () => {
    assert.throws(() => new NameTemplate('a/%V%v/b%c'), { code: 'ERR_OPTION' });
    assert.throws(() => new NameTemplate('a/.%C%c./b'), { code: 'ERR_OPTION' });
    assert.equal(new NameTemplate('a/x%V%v/b%c').format(flow, 0), 'a/x/b');
  });
});

suite('extensions', () => {
  for (const [type, extension] of [
    ['application/json; charset=utf-8', '.json'],
    ['TEXT/HTML', '.html'],
    ['application/problem+json', '.json'],
    ['application/x-../../etc', ''],
    ['constructor', ''],
    [null, ''],
  ] as const) {
    test(`${type}: '${extension}'`, () => assert.equal(extensionOf(type), extension));
  }
});

test('XML holds whatever text there is', () => {
  assert.equal(
    escapeXml(`<a b="c" d='e'>&\0\x1b\ud800\t\n😀`),
    '&#60;a b=&#34;c&#34; d=&#39;e&#39;&#62;&#38;\ufffd\ufffd\ufffd&#9;&#10;😀',
  );
});

suite('flow files', () => {
  test('a file a direction, bodies beside them, and a report', async () => {
    const conversation = new Conversation().handshake();
    conversation.exchange(
      request({ method: 'POST', target: '/in', headers: [['Content-Type', 'application/json']], body: '{"a":1}' }),
      response({ status: 100 }),
      response({
        headers: [['Content-Type', 'text/html; charset=utf-8']],
        body: '<p>hello</p>',
        coding: 'gzip',
        chunked: [5],
      }),
    );
    conversation.exchange(request({ method: 'HEAD' }), response({ toHead: true, body: 'not sent' }));
    conversation.exchange(request(), response({ status: 304 }));
    conversation.exchange(request(), response({ headers: [['Content-Type', 'text/plain']], body: 'last' }));
    conversation.close();
    const { folder, files, report, errors } = await write(fileOf(conversation.segments), { digest: 'md5' });
    assert.deepEqual(errors, []);
    assert.deepEqual([...files.keys()].sort(), [
      server,
      `${server}-HTTPBODY-002.html`,
      `${server}-HTTPBODY-005.txt`,
      client,
      `${client}-HTTPBODY-001.json`,
    ]);
    const sent = conversation.streams.map((parts) => Buffer.concat(parts)) as [Buffer, Buffer];
    assert.deepEqual(files.get(client), sent[0]);
    assert.deepEqual(files.get(server), sent[1]);
    assert.equal(files.get(`${client}-HTTPBODY-001.json`)?.toString(), '{"a":1}');
    assert.equal(files.get(`${server}-HTTPBODY-002.html`)?.toString(), '<p>hello</p>');

    const md5 = createHash('md5').update(sent[1]).digest('hex');
    assert.ok(report.includes(`<filename>${path.join(folder, server)}</filename>`));
    assert.ok(report.includes(`<hashdigest type='MD5'>${md5}</hashdigest>`));
    assert.match(
      report,
      /<tcpflow startime='2022-11-12T04:59:00\.\d{6}Z' endtime='[^']+' mac_daddr='[^']+' mac_saddr='[^']+' family='2' src_ipn='100.100.102.17'/,
    );
    const offset = Number(/file_offset='(\d+)'><fileobject><filename>[^<]*HTTPBODY-005/.exec(report)?.[1]);
    assert.equal(sent[1].subarray(offset).toString(), 'last');
    assert.match(report, /<total_flows>2<\/total_flows>/);
    assert.match(report, /^<\?xml version='1.0' encoding='UTF-8'\?>\n<dfxml [\s\S]*<\/dfxml>\n$/);
  });

  test('time of modification is that of the last packet', async () => {
    const conversation = new Conversation().handshake().send(0, Buffer.from('hello')).close();
    const { folder } = await write(fileOf(conversation.segments));
    assert.equal(statSync(path.join(folder, client)).mtime.toISOString().slice(0, 19), '2022-11-12T04:59:00');
  });

  test('names of IPv6, of VLANs and of repeats', async () => {
    const again = (at: bigint) => {
      const one = new Conversation({ startNs: 1_668_229_140_000_000_000n + at, isn: [Number(at) + 7, 99] });
      return one
        .handshake()
        .send(0, Buffer.from(`at ${at}`))
        .close();
    };
    const v6 = new Conversation({ server: { address: '2001:db8::66:17' } })
      .handshake()
      .send(1, Buffer.from('six'))
      .close();
    const segments = interleave([again(0n), again(10_000_000_000n), again(20_000_000_000n), v6]);
    const { files } = await write(fileOf(segments, { link: 'ethernet', vlans: [120] }));
    assert.deepEqual([...files].map(([name, bytes]) => `${name} ${bytes}`).sort(), [
      `${client}--120 at 0`,
      `${client}--120c1 at 10000000000`,
      `${client}--120c2 at 20000000000`,
      '2001:db8::66:17.08000-2001:db8::66:33.47106--120 six',
    ]);
  });

  test('the same addresses in two VLANs at once stay apart, bodies too', async () => {
    const make = (body: string) => new Conversation().handshake().exchange(request(), response({ body })).close();
    const packets = [10, 20].map((vlan) =>
      toPackets(make(`in VLAN ${vlan}`).segments, { link: 'ethernet', vlans: [vlan] }),
    ) as [ReturnType<typeof toPackets>, ReturnType<typeof toPackets>];
    const both = packets[0].flatMap((packet, i) => [packet, packets[1][i] as (typeof packets)[0][0]]);
    const { files } = await write(temporaryFile(pcap(both, { nanoseconds: true })));
    assert.equal(files.get(`${server}--10-HTTPBODY-001`)?.toString(), 'in VLAN 10');
    assert.equal(files.get(`${server}--20-HTTPBODY-001`)?.toString(), 'in VLAN 20');
  });

  test('a gap is a hole, listed, and not spliced over', async () => {
    const conversation = new Conversation({ mss: 10 })
      .handshake()
      .send(0, Buffer.from('0123456789abcdefghijXYZ'))
      .close();
    const lost = conversation.segments.filter(({ payload }) => payload.toString() !== 'abcdefghij');
    const { files, report, writer } = await write(fileOf(lost), { digest: 'sha256' });
    const bytes = Buffer.from(`0123456789${'\0'.repeat(10)}XYZ`);
    assert.deepEqual(files.get(client), bytes);
    assert.match(report, /<byte_run file_offset='10' len='10' fill='0' cause='lost'\/>/);
    assert.match(report, /holes='1'/);
    assert.ok(report.includes(createHash('sha256').update(bytes).digest('hex')));
    assert.equal(writer.totals.missingBytes, 10);
  });

  test('a large gap begins a new file', async () => {
    const conversation = new Conversation({ mss: 10 })
      .handshake()
      .send(0, Buffer.from('0123456789abcdefghijXYZ'))
      .close();
    const lost = conversation.segments.filter(({ payload }) => payload.toString() !== 'abcdefghij');
    const { files } = await write(fileOf(lost), { newFileAfterGap: 10 });
    assert.deepEqual([...files].map(([name, bytes]) => `${name} ${bytes}`).sort(), [
      `${client} 0123456789`,
      `${client}c1 XYZ`,
    ]);
  });

  test('retransmissions, reordering and keep-alive bytes are not in a file', async () => {
    const { conversations, segments } = traffic({ seed: 8, conversations: 6 });
    const file = fileOf(mangle(segments, { seed: 9, reorder: 0.1, retransmit: 0.1, overlap: 0.1, duplicate: 0.1 }));
    const { files } = await write(file, { maxOpenFiles: 1 });
    for (const { ends, streams } of conversations) {
      const name = ends.map(({ address, port }) =>
        new NameTemplate('%A.%a').format({ source: { address, port } } as NamedFlow, 0),
      );
      assert.deepEqual(files.get(`${name[0]}-${name[1]}`), Buffer.concat(streams[0]));
      assert.deepEqual(files.get(`${name[1]}-${name[0]}`), Buffer.concat(streams[1]));
    }
  });

  test('keep-alive garbage and padding', async () => {
    const conversation = new Conversation().handshake().send(0, Buffer.from('hi')).keepAlive(0, true).close();
    const { files } = await write(fileOf(conversation.segments));
    assert.deepEqual(
      [...files].map(([name, bytes]) => `${name} ${bytes}`),
      [`${client} hi`],
    );
  });

  test('no more than maxFileBytes', async () => {
    const conversation = new Conversation({ mss: 10 })
      .handshake()
      .send(0, Buffer.from('0123456789abcdefghijXYZ'))
      .close();
    const { files, report, writer } = await write(fileOf(conversation.segments), { maxFileBytes: 15 });
    assert.equal(files.get(client)?.toString(), '0123456789abcde');
    assert.equal(writer.totals.cutBytes, 8);
    assert.match(report, /<bytes_cut>8</);
  });

  test('only a report', async () => {
    const conversation = new Conversation()
      .handshake()
      .exchange(request(), response({ body: 'x' }))
      .close();
    const report = path.join(temporaryFolder(), 'only.xml');
    const { files } = await write(fileOf(conversation.segments), { files: false, report });
    assert.deepEqual([...files], []);
    assert.match(readFileSync(report, 'utf8'), /<filesize>\d\d+<[\s\S]*<total_flows>2</);
    assert.doesNotMatch(readFileSync(report, 'utf8'), /<filename>/);
  });

  test('is whole before the end', async () => {
    const folder = temporaryFolder();
    const writer = new FlowFileWriter(folder);
    assert.match(readFileSync(path.join(folder, 'report.xml'), 'utf8'), /<\/dfxml>\n$/);
    await writer.end();
  });
});

suite('files that exist', () => {
  const file = () => fileOf(new Conversation().handshake().send(0, Buffer.from('new')).close().segments);

  test('are not overwritten', async () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, client), 'old');
    const { files } = await write(file(), {}, folder);
    assert.deepEqual([...files].map(([name, bytes]) => `${name} ${bytes}`).sort(), [
      `${client} old`,
      `${client}c1 new`,
    ]);
  });

  test('are replaced when asked, those of the run are not', async () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, client), 'old and longer');
    writeFileSync(path.join(folder, 'report.xml'), 'old');
    await new Promise((resolve) => setTimeout(resolve, 120));
    const again = [0n, 10_000_000_000n].map((at) =>
      new Conversation({ startNs: 1_668_229_140_000_000_000n + at, isn: [Number(at) + 7, 99] })
        .handshake()
        .send(0, Buffer.from(`${at}`))
        .close(),
    );
    const { files } = await write(fileOf(interleave(again)), { force: true }, folder);
    assert.deepEqual([...files].map(([name, bytes]) => `${name} ${bytes}`).sort(), [
      `${client} 0`,
      `${client}c1 10000000000`,
    ]);
  });

  test('a report is not either', () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, 'report.xml'), 'old');
    assert.throws(() => new FlowFileWriter(folder), { code: 'ERR_FILE', message: /report.xml: it exists/ });
    assert.equal(readFileSync(path.join(folder, 'report.xml'), 'utf8'), 'old');
  });

  test('links are not followed', async () => {
    const folder = temporaryFolder();
    const elsewhere = path.join(temporaryFolder(), 'elsewhere');
    symlinkSync(elsewhere, path.join(folder, client));
    const { files } = await write(file(), { force: true }, folder);
    assert.equal(files.get(`${client}c1`)?.toString(), 'new');
    assert.throws(() => readFileSync(elsewhere), { code: 'ENOENT' });
  });

  test('links to folders are not followed either, but that of the output is', async () => {
    const elsewhere = temporaryFolder();
    const folder = path.join(temporaryFolder(), 'link');
    symlinkSync(temporaryFolder(), folder);
    mkdirSync(path.join(folder, 'a'));
    symlinkSync(elsewhere, path.join(folder, 'a', '100.100.102.033'));
    const { errors, report, writer } = await write(file(), { template: 'a/%A/b/%a', force: true }, folder);
    assert.deepEqual(readdirSync(elsewhere), []);
    assert.match(errors.join(), /^Cannot write .*100\.100\.102\.033: .*symbolic link/);
    assert.equal(writer.totals.failed, 1);
    assert.match(report, /<error>/);
  });

  test('a link where the report shall be is not followed', async () => {
    const folder = temporaryFolder();
    const elsewhere = temporaryFile(Buffer.from('old'));
    symlinkSync(elsewhere, path.join(folder, 'report.xml'));
    for (const force of [false, true]) {
      assert.throws(() => new FlowFileWriter(folder, { force }), { code: 'ERR_FILE' });
    }
    assert.equal(readFileSync(elsewhere, 'utf8'), 'old');
  });

  test('are also those with the suffix of finished files', async () => {
    const folder = temporaryFolder();
    const options: FlowFileOptions = {
      report: false,
      finishedSuffix: '.done',
      onFinished: async (name) => {
        assert.throws(() => lstatSync(`${name}.done`), { code: 'ENOENT' });
        renameSync(name, `${name}.done`);
        return `${name}.done`;
      },
    };
    for (let run = 0; run < 3; run++) assert.deepEqual((await write(file(), options, folder)).errors, []);
    assert.deepEqual(readdirSync(folder).sort(), [`${client}.done`, `${client}c1.done`, `${client}c2.done`]);
  });
});

suite('descriptors', () => {
  const many = Array.from({ length: 40 }, (_, i) =>
    new Conversation({ client: { port: 1000 + i } })
      .handshake()
      .exchange(request(), response({ body: `body ${i}` }))
      .close(),
  );
  const openIn = (folder: string): string[] =>
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        const target = readlinkSync(`/proc/self/fd/${fd}`);
        return target.startsWith(folder) ? [target] : [];
      } catch {
        return [];
      }
    });

  test('of what is finished are closed', { skip: process.platform !== 'linux' && 'needs /proc' }, async () => {
    const folder = temporaryFolder();
    const openWhenFinished: string[] = [];
    const { writer } = await write(
      fileOf(interleave(many)),
      {
        onFinished: async (name) => {
          openWhenFinished.push(...openIn(name));
          return name;
        },
      },
      folder,
    );
    assert.equal(writer.totals.bodies, many.length);
    assert.deepEqual(openIn(folder), []);
    assert.deepEqual(openWhenFinished, []);
  });
});

test('a file that cannot be written is told once, and nothing else is lost', async () => {
  const make = (port: number) =>
    new Conversation({ client: { port } })
      .handshake()
      .send(0, Buffer.from(`port ${port}`))
      .close();
  const folder = temporaryFolder();
  for (const port of ['00001', '00003']) {
    // A file where a folder should be.
    writeFileSync(path.join(folder, port), '');
  }
  const { files, errors, writer, report } = await write(
    fileOf(interleave([make(1), make(2), make(3)])),
    { template: '%a/x' },
    folder,
  );
  assert.equal(files.get('00002/x')?.toString(), 'port 2');
  assert.equal(errors.length, 1);
  assert.match(errors[0] as string, /^Cannot write .*00001/);
  assert.equal(writer.totals.failed, 2);
  assert.equal(report.match(/<error>/g)?.length, 2);
});

suite('the packets of flow events', () => {
  /** What a message is, without what depends on when it was captured. */
  const essence = async (message: Message) => ({
    kind: message.kind,
    connection: { ...message.connection, id: 0 },
    head: message.head.toString('latin1'),
    body: (message.body as Buffer).toString('latin1'),
    bodyLength: message.bodyLength,
    missingBytes: message.missingBytes,
    integrity: message.integrity,
  });
  const byEssence = async (messages: readonly Message[]) =>
    (await Promise.all(messages.map(essence))).map((one) => JSON.stringify(one)).sort();

  for (const seed of [1, 2, 3, 4]) {
    for (const v6 of [false, true]) {
      test(`give the same messages, seed ${seed}, ${v6 ? 'IPv6' : 'IPv4'}`, async () => {
        const { segments } = traffic({ seed, v6, wrap: seed % 2 === 0 });
        const hit = mangle(segments, { seed, reorder: 0.05, retransmit: 0.05, lose: seed > 2 ? 0.01 : 0 });
        const file = fileOf(hit);
        const { messages, writer } = await write(file);
        const bodies = await Promise.all(messages.map(decodedBody));
        assert.equal(writer.totals.bodies, bodies.filter(({ bytes }) => bytes.length > 0).length);
        const direct = await collect(capture({ file }));
        assert.ok(direct.length > 50);
        assert.deepEqual(await byEssence(messages), await byEssence(direct));
      });
    }
  }

  test('no body is lost where many short connections follow each other', async () => {
    const short = Array.from({ length: 300 }, (_, i) =>
      new Conversation({ client: { port: 1000 + i }, startNs: 1_668_229_140_000_000_000n + BigInt(i) * 1_000_000n })
        .handshake()
        .exchange(request(), response({ body: `body ${i}` }))
        .close(),
    );
    const { files } = await write(fileOf(interleave(short)));
    short.forEach((_, i) => {
      const name = `100.100.102.017.08000-100.100.102.033.${String(1000 + i).padStart(5, '0')}-HTTPBODY-001`;
      assert.equal(files.get(name)?.toString(), `body ${i}`);
    });
  });

  test('what the snap length cut off is known as such', async () => {
    const conversation = new Conversation()
      .handshake()
      .exchange(request(), response({ body: 'x'.repeat(1000) }))
      .close();
    const packets = toPackets(conversation.segments, { link: 'ethernet' });
    const file = temporaryFile(pcap(packets, { nanoseconds: true, snaplen: 200 }));
    const { messages } = await write(file);
    assert.deepEqual(await byEssence(messages), await byEssence(await collect(capture({ file }))));
  });

  test('of a connection that is seen from its middle on', async () => {
    const conversation = new Conversation()
      .withoutHandshake()
      .exchange(request(), response({ body: 'x' }))
      .reset(1);
    const file = fileOf(conversation.segments);
    const { messages, files } = await write(file);
    assert.equal(messages.length, 2);
    assert.equal(files.get(`${server}-HTTPBODY-001`)?.toString(), 'x');
  });

  test('of one that never said anything', async () => {
    const silent = new Conversation({ client: { port: 1 } });
    silent.segment(0, flag.syn);
    const { files, report } = await write(fileOf(silent.segments));
    assert.deepEqual([...files], []);
    assert.match(report, /<total_connections>1<[\s\S]*<total_flows>0</);
  });
});

test('wrong options', async () => {
  const make = (options: unknown) => () => new FlowFileWriter(temporaryFolder(), options as FlowFileOptions);
  for (const options of [
    { templat: 'x' },
    { template: '../x' },
    { digest: 'crc' },
    { maxOpenFiles: 0 },
    { maxFileBytes: -1 },
  ]) {
    assert.throws(make(options), { code: 'ERR_OPTION' }, JSON.stringify(options));
  }
  const folder = path.join(temporaryFolder(), 'file');
  writeFileSync(folder, '');
  for (const wrong of [folder, path.join(folder, 'deep')]) {
    assert.throws(() => new FlowFileWriter(wrong), { code: 'ERR_FILE', message: /not a (folder|directory)/ });
  }
  mkdirSync(`${folder}s`);
  for (const deep of ['deep/down', 'to/../there/']) await new FlowFileWriter(`${folder}s/${deep}`).end();
  assert.deepEqual(readdirSync(`${folder}s`).sort(), ['deep', 'there', 'to']);
});
