/** The rules about which part may know which other part. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('..', import.meta.url));

/** In the order of the pipeline. `pipeline` is the two files of that name beside the folders. */
const order = [
  'source',
  'decode',
  'tcp',
  'stream',
  'http1',
  'http',
  'delivery',
  'text',
  'recording',
  'pipeline',
  'session',
  'addon',
];

/** Beside its own files and the interface of the stage just before, a stage may include these. */
const everyone = ['stats.h', 'byte_buffer.h'];
const more: Record<string, { files: string[]; because: string }> = {
  http: {
    files: ['stream/protocol_handler.h', 'tcp/stream_listener.h'],
    because: 'it is what the stream stage hands bytes to; http1 stands between them as a parser that knows neither',
  },
  delivery: {
    files: ['tcp/stream_listener.h'],
    because: 'flows are delivered as reassembly tells of them, without any protocol in between',
  },
  recording: {
    files: [
      'source/packet.h',
      'source/packet_source.h',
      'tcp/stream_listener.h',
      'stream/protocol_switch.h',
      'http/message_sink.h',
    ],
    because: 'it keeps packets as they came, and looks on while connections and messages pass',
  },
  pipeline: { files: order.slice(0, order.indexOf('pipeline')), because: 'it wires the stages' },
  session: {
    files: ['delivery/mailbox.h', 'source/packet_source.h'],
    because: 'it runs a source and guards the mailbox between the threads',
  },
  addon: {
    files: [
      'source/sources.h',
      'source/packet_source.h',
      'source/byte_queue.h',
      'source/interfaces.h',
      'source/link_type.h',
      'delivery/record.h',
      'delivery/flow_record.h',
      'text/text_writer.h',
      'delivery/batch.h',
      'decode/address_text.h',
    ],
    because: 'it turns options into sources, names link types, exports the record layouts and the writer of lines',
  },
};

const native = path.join(top, 'native');

interface Include {
  file: string;
  stage: string;
  header: string;
  system: boolean;
}

function stageOf(file: string): string {
  const [first = '', second] = file.split('/');
  return second === undefined ? first.replace(/\.(h|cc)$/, '') : first;
}

function includes(): Include[] {
  return readdirSync(native, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(h|cc)$/.test(file) && !/^(test|fuzz)\//.test(file))
    .flatMap((file) =>
      [...readFileSync(path.join(native, file), 'utf8').matchAll(/^\s*#\s*include\s*([<"])([^>"]+)[>"]/gm)].map(
        (match) => ({
          file,
          stage: stageOf(file),
          header: match[2] as string,
          system: match[1] === '<',
        }),
      ),
    );
}

suite('native', () => {
  const all = includes();

  test('there is something to look at', () => {
    for (const stage of order)
      assert.ok(
        all.some((one) => one.stage === stage),
        stage,
      );
  });

  test('every file belongs to a stage', () => {
    const stages = new Set([...order, ...everyone.map(stageOf)]);
    assert.deepEqual(
      [...new Set(all.map((one) => one.stage))].filter((stage) => !stages.has(stage)),
      [],
    );
  });

  test('a stage includes only itself and the stage just before', () => {
    const wrong = all.filter(({ file, stage, header, system }) => {
      if (system) return false;
      const target = stageOf(header);
      // A header is named from native/ on, so that the rule can be seen.
      if (!existsSync(path.join(native, header))) return true;
      if (everyone.includes(header)) return false;
      if (everyone.includes(file)) return true;
      const before = order[order.indexOf(stage) - 1];
      const extra = more[stage]?.files ?? [];
      return !(target === stage || target === before || extra.includes(header) || extra.includes(target));
    });
    assert.deepEqual(
      wrong.map((one) => `native/${one.file} includes ${one.header}`),
      [],
    );
  });

  test('every exception is in use', () => {
    for (const [stage, { files }] of Object.entries(more))
      for (const one of files)
        assert.ok(
          all.some(
            (include) => include.stage === stage && (include.header === one || stageOf(include.header) === one),
          ) || stage === 'pipeline',
          `${stage} does not include ${one}: strike it from the list`,
        );
  });

  const owned: [string, RegExp, string][] = [
    ['libpcap', /^(pcap\.h|pcap\/.*|pcap-.*)$/, 'source'],
    ['Node-API', /^(napi\.h|node_api\.h|js_native_api.*|uv\.h|v8\.h|node\.h)$/, 'addon'],
  ];
  for (const [name, pattern, owner] of owned)
    test(`only ${owner} sees ${name}`, () => {
      const users = all.filter((one) => pattern.test(one.header));
      assert.ok(users.length > 0, 'nobody does: is the pattern right?');
      assert.deepEqual(
        users.filter((one) => one.stage !== owner).map((one) => `native/${one.file}`),
        [],
      );
    });
});

suite('lib', () => {
  const lib = path.join(top, 'lib');
  const imports = readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      [
        ...readFileSync(path.join(lib, file), 'utf8').matchAll(
          /(?:^|[\s;}])(?:from|import|require\()\s*\(?\s*'([^']+)'/gm,
        ),
      ].map((match) => {
        const target = match[1] as string;
        const resolved = target.startsWith('.')
          ? path.posix.normalize(path.posix.join(path.posix.dirname(file), target))
          : target;
        return { file, target, resolved };
      }),
    );

  test('there is something to look at', () => {
    assert.ok(imports.some((one) => one.file.startsWith('cli/')));
    assert.ok(imports.some((one) => one.file === 'index.ts'));
  });

  test('the command uses the public entry, and the one that is for it', () => {
    // The public entry loads the addon, but the help page, which tells of permissions too, is shown where there is none.
    const withoutAddon = ['package.js', 'system/permission-advice.js', 'system/permission-facts.js'];
    const wrong = imports.filter(
      ({ file, target, resolved }) =>
        file.startsWith('cli/') &&
        target.startsWith('.') &&
        ![...withoutAddon, 'index.js', 'command-entry.js'].includes(resolved) &&
        !resolved.startsWith('cli/'),
    );
    assert.deepEqual(
      wrong.map((one) => `lib/${one.file} imports ${one.target}`),
      [],
    );
  });

  test('the library does not know the command', () => {
    assert.deepEqual(
      imports
        .filter(({ file, resolved }) => !file.startsWith('cli/') && resolved.startsWith('cli/'))
        .map((one) => `lib/${one.file}`),
      [],
    );
  });

  test('packages that are imported are dependencies', () => {
    const { dependencies, optionalDependencies } = JSON.parse(readFileSync(path.join(top, 'package.json'), 'utf8'));
    const known = { ...dependencies, ...optionalDependencies };
    const packages = imports.filter(({ target }) => !target.startsWith('.') && !target.startsWith('node:'));
    const names = packages.map(({ target }) =>
      target.startsWith('@') ? target.split('/', 2).join('/') : (target.split('/')[0] as string),
    );
    assert.deepEqual(
      names.filter((name) => !(name in known)),
      [],
    );
  });

  test('one file knows the record layout, one loads the addon', () => {
    const users = (pattern: RegExp) =>
      readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter(
        (file) => file.endsWith('.ts') && pattern.test(readFileSync(path.join(lib, file), 'utf8')),
      );
    assert.deepEqual(users(/\brecordLayout\b/).sort(), ['batch.ts', 'layout.ts']);
    assert.deepEqual(users(/node-gyp-build|\.node['"]/), ['native.ts']);
  });
});

suite('the two builds', () => {
  const gyp = JSON.parse(readFileSync(path.join(top, 'binding.gyp'), 'utf8').replace(/^\s*#.*$/gm, '')).targets[0];
  const cmake = readFileSync(path.join(native, 'CMakeLists.txt'), 'utf8').replace(/#.*$/gm, '');
  const variables = new Map(
    [...cmake.matchAll(/\bset\(\s*(\w+)\s+([^)]*)\)/g)].map((match) => [match[1], match[2] as string]),
  );
  const expand = (text: string) => text.replace(/\$\{(\w+)\}/g, (_, name) => variables.get(name) ?? '');

  test('agree on the C++ standard', () => {
    const cmakeStandard = /CMAKE_CXX_STANDARD\s+(\d+)/.exec(cmake)?.[1];
    assert.ok(cmakeStandard);
    const flags: string[] = gyp.cflags_cc;
    const gypStandards = flags.map((flag) => /^-std=(?:gnu|c)\+\+(\d+)$/.exec(flag)?.[1]).filter(Boolean);
    assert.deepEqual(gypStandards, [cmakeStandard]);
    const mac = JSON.stringify(gyp.conditions ?? []);
    assert.deepEqual(
      [...mac.matchAll(/"CLANG_CXX_LANGUAGE_STANDARD":"(?:gnu|c)\+\+(\d+)"/g)].map((match) => match[1]),
      [cmakeStandard],
    );
  });

  test('agree on the defines', () => {
    const ofCmake = [
      ...cmake.matchAll(/(?:add_compile_definitions|add_definitions|target_compile_definitions)\s*\(([^)]*)\)/g),
    ]
      .flatMap((match) => expand(match[1] as string).split(/\s+/))
      .map((word) => word.replace(/^-D/, '').replace(/^"|"$/g, ''))
      .filter((word) => /^[A-Z][A-Z0-9_]*(=.*)?$/.test(word) && !/^(PRIVATE|PUBLIC|INTERFACE)$|^DOCTEST_/.test(word));
    assert.ok(ofCmake.length > 0);
    assert.deepEqual([...new Set(ofCmake)].sort(), [...(gyp.defines as string[])].sort());
  });

  test('take the same sources', () => {
    const sources = execFileSync(process.execPath, ['scripts/native-sources.mjs'], { cwd: top, encoding: 'utf8' })
      .trim()
      .split('\n');
    assert.deepEqual(gyp.sources, ['<!@(node scripts/native-sources.mjs)']);
    const onDisk = readdirSync(native, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.cc') && !/^(test|fuzz)\//.test(file))
      .map((file) => `native/${file}`);
    assert.deepEqual([...sources].sort(), onDisk.sort());
    const stages = variables.get('FLOWTAP_STAGES')?.trim().split(/\s+/) ?? [];
    assert.deepEqual([...stages, 'addon'], order);
    const folders = [
      ...new Set(sources.map((file) => path.posix.dirname(file).replace(/^native\/?/, '') || 'pipeline')),
    ];
    assert.deepEqual(folders, order);
    for (const file of sources.filter((one) => path.posix.dirname(one) === 'native'))
      assert.ok(
        cmake.includes(path.posix.basename(file)) || /GLOB\s+\w+\s+(CONFIGURE_DEPENDS\s+)?\*\.cc/.test(cmake),
        `CMake leaves out ${file}`,
      );
  });
});
