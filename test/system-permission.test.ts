import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { permissionAdvice, waysToPermit } from '../lib/system/permission-advice.js';
import { mayHaveCapabilities, type PermissionFacts, permissionFacts } from '../lib/system/permission-facts.js';

const all = 0x1ffffffffffn;
const without = (...numbers: number[]) => numbers.reduce((bits, number) => bits & ~(1n << BigInt(number)), all);
const netRaw = 13;
const sysPtrace = 19;

function facts(of: Partial<PermissionFacts>): PermissionFacts {
  return {
    platform: 'linux',
    wholeMachine: true,
    bounding: all,
    noNewPrivileges: false,
    container: false,
    sudo: true,
    program: '/usr/bin/node',
    fileCapabilities: true,
    command: ['/usr/bin/node', '/usr/local/bin/flowtap', '-p', '8000', 'host 10.1.2.3'],
    ...of,
  };
}

suite('what permits it', () => {
  const sudo = "sudo /usr/bin/node /usr/local/bin/flowtap -p 8000 'host 10.1.2.3'";

  test('is sudo with the same command line, or setcap with the executable', () => {
    assert.equal(
      permissionAdvice('capture', facts({})),
      `Run it as root: ${sudo}; or give this Node.js the capabilities, once: sudo setcap cap_net_raw=eip /usr/bin/node`,
    );
  });

  test('is more for namespaces and for sockets of others', () => {
    const setcap = (deed: Parameters<typeof waysToPermit>[0]) => waysToPermit(deed, facts({}))[1]?.split(' setcap ')[1];
    assert.equal(setcap('enterNamespace'), 'cap_net_raw,cap_sys_admin,cap_sys_ptrace=eip /usr/bin/node');
    assert.equal(setcap('seeSockets'), 'cap_net_raw,cap_dac_read_search,cap_sys_ptrace=eip /usr/bin/node');
  });

  test('can be pasted, whatever is in the paths', () => {
    const [asRoot, setcap] = waysToPermit(
      'capture',
      facts({ program: "/opt/it's node/node", command: ["/opt/it's node/node", '-e', 'a\nb'] }),
    );
    assert.equal(asRoot, "run it as root: sudo '/opt/it'\\''s node/node' -e $'a\\nb'");
    assert.ok(setcap?.endsWith("=eip '/opt/it'\\''s node/node'"), setcap);
  });

  test('asks for no capability beyond, which may be one that cannot be had and would keep the program from starting', () => {
    const [, setcap] = waysToPermit('capture', facts({ bounding: 1n << BigInt(netRaw) }));
    assert.match(setcap ?? '', /setcap cap_net_raw=eip /);
  });

  test('is to be found outside, where nothing inside helps', () => {
    assert.equal(
      permissionAdvice('capture', facts({ container: true, bounding: without(netRaw) })),
      'Start the container as root with CAP_NET_RAW (docker run --user 0 --cap-add=NET_RAW; Kubernetes: securityContext.capabilities.add: [NET_RAW]); sudo and setcap do not help in here',
    );
    assert.match(permissionAdvice('capture', facts({ noNewPrivileges: true })), /^Start it as root with CAP_NET_RAW; /);
    assert.match(permissionAdvice('capture', facts({ wholeMachine: false })), /outside of this user namespace/);
    assert.match(
      permissionAdvice('seeSockets', facts({ container: true, bounding: without(sysPtrace) })),
      /--cap-add=NET_RAW --cap-add=DAC_READ_SEARCH --cap-add=SYS_PTRACE/,
    );
  });

  test('without sudo is said in other words', () => {
    assert.match(
      permissionAdvice('capture', facts({ sudo: false, container: true })),
      /^Run it as root in the container \(docker exec --user 0\); .*, once, as root: setcap cap_net_raw/,
    );
    assert.match(permissionAdvice('capture', facts({ sudo: false })), /^Run it as root: \/usr\/bin\/node /);
  });

  test('is not setcap, where that has no effect', () => {
    assert.deepEqual(waysToPermit('capture', facts({ fileCapabilities: false })), [`run it as root: ${sudo}`]);
  });

  test('is read access to the devices on macOS', () => {
    assert.match(
      permissionAdvice('capture', facts({ platform: 'darwin' })),
      /^Run it as root: sudo .*; or .*\/dev\/bpf/,
    );
  });
});

test('mounts decide whether a file can have capabilities', () => {
  const mounts = [
    '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard',
    '28 27 0:25 / /home ro,nodev shared:1 - ext4 /dev/vdb rw',
    '29 27 0:26 / /home/my\\040tools rw,nosuid - tmpfs tmpfs rw',
    '30 27 0:27 / /snap rw - squashfs /dev/loop0 ro',
    '31 27 0:28 / /net rw - nfs4 server:/ rw',
    '32 27 0:29 / /opt rw,nosuid - ext4 /dev/vdc rw',
    '33 32 0:30 / /opt rw - ext4 /dev/vdd rw',
  ].join('\n');
  for (const [file, may] of [
    ['/usr/bin/node', true],
    ['/homes/node', true],
    ['/home/node', false],
    ['/home/my tools/node', false],
    ['/snap/node', false],
    ['/net/node', false],
    ['/opt/node', true],
  ] as const)
    assert.equal(mayHaveCapabilities(mounts, file), may, file);
  assert.equal(mayHaveCapabilities('', '/usr/bin/node'), true);
});

test('the facts of this process', () => {
  const found = permissionFacts();
  assert.equal(found.command[0], found.program);
  assert.deepEqual(found.command.slice(-process.argv.length + 1), process.argv.slice(1));
  if (process.platform === 'linux') assert.ok(found.bounding >= 0n && found.program.startsWith('/'));
});
