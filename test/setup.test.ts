/** What set-up makes of systems that lack something: nothing here is installed or removed. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  compilesCxx20,
  findMissing,
  findNodeDir,
  findPeers,
  installWithApt,
  obstacleTo,
  planInstall,
  type System,
} from '../scripts/lib/system.mjs';

const all = ['compiler', 'make', 'python', 'libpcap', 'nodeHeaders'] as const;

/** A system with these programs and files, on which no command succeeds but those named. */
function system({
  programs = [] as string[],
  files = [] as string[],
  commands = [] as string[],
  ...rest
}: Partial<System> & { programs?: string[]; files?: string[]; commands?: string[] } = {}): System {
  return {
    env: {},
    platform: 'linux',
    execPath: '/opt/node/bin/node',
    nodeVersion: '20.19.0',
    isRoot: () => false,
    exists: (path) => files.includes(path),
    which: (program) => (programs.includes(program) ? `/usr/bin/${program}` : undefined),
    succeeds: (command, args) => commands.includes([command, ...args].join(' ')),
    ...rest,
  };
}

describe('finding what is missing', () => {
  test('what the benchmarks compare with', () => {
    const found = findPeers(system({ programs: ['tcpflow', 'wrk'], files: ['/usr/include/tins/tins.h'] }));
    assert.deepEqual(
      found.map(({ debian }) => debian),
      ['tshark', 'tcpdump', 'httpry', 'nginx'],
    );
  });

  test('an empty machine lacks everything, in the order asked', () => {
    assert.deepEqual(findMissing([...all], system()), [...all]);
  });

  test('a complete machine lacks nothing', () => {
    const complete = system({
      programs: ['g++', 'make', 'python3'],
      files: ['/usr/include/pcap/pcap.h', '/opt/node/include/node/node.h', '/opt/node/include/node/common.gypi'],
    });
    assert.deepEqual(findMissing([...all], complete), []);
  });

  test('headers are found through CPATH, pkg-config and the compiler', () => {
    const missing = (options: Parameters<typeof system>[0]) => findMissing(['libpcap'], system(options));
    assert.deepEqual(missing({ env: { CPATH: '/a:/b' }, files: ['/b/pcap/pcap.h'] }), []);
    assert.deepEqual(missing({ programs: ['pkg-config'], commands: ['pkg-config --exists libpcap'] }), []);
    assert.deepEqual(missing({ programs: ['clang++'], commands: ['/usr/bin/clang++ -fsyntax-only -x c++ -'] }), []);
    assert.deepEqual(missing({ programs: ['clang++', 'pkg-config'] }), ['libpcap']);
  });

  test('CXX names the compiler', () => {
    assert.deepEqual(findMissing(['compiler'], system({ env: { CXX: 'g++-13 -m64' }, programs: ['g++'] })), [
      'compiler',
    ]);
    assert.deepEqual(findMissing(['compiler'], system({ env: { CXX: 'g++-13 -m64' }, programs: ['g++-13'] })), []);
  });

  test('an old compiler is told apart from none', () => {
    assert.equal(compilesCxx20(system({ programs: ['g++'] })), false);
    assert.equal(
      compilesCxx20(system({ programs: ['g++'], commands: ['/usr/bin/g++ -std=gnu++20 -fsyntax-only -x c++ -'] })),
      true,
    );
  });

  test('npm_config_nodedir wins over the headers beside Node', () => {
    const files = ['/opt/node/include/node/node.h', '/opt/node/include/node/common.gypi'];
    assert.equal(findNodeDir(system({ files })), '/opt/node');
    assert.equal(findNodeDir(system({ files, env: { npm_config_nodedir: '/src/node' } })), '/src/node');
    assert.equal(findNodeDir(system({ files: files.slice(0, 1) })), undefined);
  });
});

describe('what keeps the addon from being built', () => {
  const libpcap = ['/usr/include/pcap/pcap.h'];
  const programs = ['g++', 'make', 'python3', 'dnf'];
  const knows20 = ['/usr/bin/g++ -std=gnu++20 -fsyntax-only -x c++ -'];
  const needs = ['compiler', 'make', 'python', 'libpcap'] as const;

  test('nothing', () => {
    assert.equal(obstacleTo([...needs], system({ programs, files: libpcap, commands: knows20 })), undefined);
  });

  test('what is missing, with the line that installs it', () => {
    assert.equal(
      obstacleTo([...needs], system({ programs, commands: knows20 })),
      "flowtap needs libpcap's headers. Install with: sudo dnf install -y libpcap-devel",
    );
  });

  test('a compiler that is too old', () => {
    assert.match(
      obstacleTo([...needs], system({ programs, files: libpcap })) ?? '',
      /^flowtap needs a compiler that knows C\+\+20/,
    );
  });
});

describe('planning the installation', () => {
  test('root with apt-get installs without asking', () => {
    const plan = planInstall(['libpcap', 'make'], system({ programs: ['apt-get'], isRoot: () => true }));
    assert.deepEqual(plan.prefix, []);
    assert.deepEqual(plan.packages, ['libpcap-dev', 'make']);
  });

  test('sudo is used only when it asks for no password', () => {
    const programs = ['apt-get', 'sudo'];
    assert.deepEqual(planInstall(['libpcap'], system({ programs, commands: ['sudo -n true'] })).prefix, ['sudo', '-n']);
    const plan = planInstall(['libpcap'], system({ programs }));
    assert.equal(plan.prefix, undefined);
    assert.equal(plan.sentence, "flowtap needs libpcap's headers. Install with: sudo apt-get install -y libpcap-dev");
  });

  for (const [manager, command] of [
    ['dnf', 'dnf install -y libpcap-devel'],
    ['apk', 'apk add libpcap-dev'],
    ['brew', 'brew install libpcap'],
  ] as const)
    test(`${manager} is left to the user, with the exact command`, () => {
      const plan = planInstall(['libpcap'], system({ programs: [manager], isRoot: () => true }));
      assert.equal(plan.prefix, undefined);
      assert.equal(plan.sentence, `flowtap needs libpcap's headers. Install with: ${command}`);
    });

  test('without a known package manager there is still a sentence', () => {
    assert.match(
      planInstall(['libpcap', 'make'], system()).sentence,
      /needs libpcap's headers, make\. Install with: your/,
    );
    assert.match(planInstall(['compiler'], system({ platform: 'darwin' })).sentence, /xcode-select --install/);
  });
});

describe('apt-get', () => {
  const runs: string[] = [];
  const recorder = (code: (command: string) => number) => async (command: string, args: string[]) => {
    const line = [command, ...args].join(' ');
    runs.push(/ (update|install) .*|update$/.exec(line)?.[0].trim() ?? line);
    return code(line);
  };

  test('never asks', async () => {
    let line = '';
    await installWithApt(['sudo', '-n'], ['x-dev'], async (command, args) => {
      line = [command, ...args].join(' ');
      return 0;
    });
    assert.match(
      line,
      /^sudo -n env DEBIAN_FRONTEND=noninteractive apt-get .* install -y --no-install-recommends x-dev$/,
    );
  });

  test('lists that are too old are refreshed', async () => {
    runs.length = 0;
    let installs = 0;
    const tryRun = recorder((line) => (line.includes(' install ') && installs++ === 0 ? 100 : 0));
    assert.equal(await installWithApt([], ['x-dev'], tryRun, true), true);
    assert.deepEqual(
      runs.map((line) => line.split(' ')[0]),
      ['install', 'update', 'install'],
    );
  });

  test('lists that are not there are fetched first', async () => {
    runs.length = 0;
    assert.equal(
      await installWithApt(
        [],
        ['x-dev'],
        recorder(() => 0),
        false,
      ),
      true,
    );
    assert.deepEqual(
      runs.map((line) => line.split(' ')[0]),
      ['update', 'install'],
    );
  });

  test('gives up when that does not help', async () => {
    assert.equal(
      await installWithApt(
        [],
        ['x-dev'],
        recorder(() => 100),
        true,
      ),
      false,
    );
  });
});
