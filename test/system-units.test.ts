import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOfKey, isWildcard, keyOfProc, keyOfText, textOfKey } from '../lib/system/address-key.js';
import { containerIdOf } from '../lib/system/container-id.js';
import { networkNamespacePath } from '../lib/system/network-namespace.js';
import { argumentsOf, openSocketsOf, statOf } from '../lib/system/proc.js';
import { nameOf, programOf } from '../lib/system/process-info.js';

const id = '0123456789abcdef'.repeat(4);
const other = 'fedcba9876543210'.repeat(4);

const cgroups: [what: string, cgroup: string, expected: string | undefined][] = [
  ['Docker, version 1', `12:pids:/docker/${id}\n11:cpu,cpuacct:/docker/${id}\n`, id],
  ['Docker with systemd, version 2', `0::/system.slice/docker-${id}.scope\n`, id],
  ['Docker, version 2', `0::/docker/${id}\n`, id],
  ['containerd of Kubernetes', `0::/kubepods.slice/kubepods-pod1_2.slice/cri-containerd-${id}.scope\n`, id],
  ['Kubernetes with cgroupfs', `5:memory:/kubepods/besteffort/pod0a1b-2c/${id}\n`, id],
  [
    'containerd, an older way',
    `1:name=systemd:/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:${id}\n`,
    id,
  ],
  ['CRI-O', `0::/kubepods.slice/crio-${id}.scope\n`, id],
  ['CRI-O with its own subgroup', `0::/kubepods.slice/crio-${id}.scope/container\n`, id],
  ['Podman', `0::/machine.slice/libpod-${id}.scope/container\n`, id],
  ['Podman without root', `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope\n`, id],
  ['one in another', `0::/docker/${other}/docker/${id}\n`, id],
  ['the controllers of version 1 without it first', `3:rdma:/\n2:cpu:/docker/${id}\n`, id],
  ['what looks after a container of CRI-O', `0::/kubepods.slice/crio-conmon-${id}.scope\n`, undefined],
  ['what looks after one of Podman', `0::/machine.slice/libpod-conmon-${id}.scope\n`, undefined],
  ['no container', '0::/user.slice/user-1000.slice/session-2.scope\n', undefined],
  ['inside of a container', '0::/\n', undefined],
  ['too long a number', `0::/docker/${id}00\n`, undefined],
  ['nothing', '', undefined],
];

for (const [what, cgroup, expected] of cgroups)
  test(`container id: ${what}`, () => assert.equal(containerIdOf(cgroup), expected));

test('addresses are the same from text, from /proc and from bytes', () => {
  const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  for (const [text, key, proc] of [
    ['127.0.0.1', '7f000001', '0100007F'],
    ['0.0.0.0', '00000000', '00000000'],
    ['::', '0'.repeat(32), '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`, '00000000000000000000000001000000'],
    ['2001:db8::12:3456', '20010db8000000000000000000123456', 'B80D0120000000000000000056341200'],
    ['fe80::1:2:3:4', 'fe800000000000000001000200030004', '000080FE000000000200010004000300'],
  ] as const) {
    assert.equal(keyOfText(text), key, text);
    assert.equal(textOfKey(key), text);
    if (little) assert.equal(keyOfProc(proc), key, text);
    assert.equal(bytesOfKey(key).length, 16);
  }
  assert.equal(keyOfText('::ffff:192.0.2.1'), keyOfText('192.0.2.1'));
  if (little) assert.equal(keyOfProc('0000000000000000FFFF00000100007F'), '7f000001');
  assert.ok(isWildcard('00000000') && isWildcard('0'.repeat(32)) && !isWildcard('7f000001'));
});

test('a name is longer than the kernel keeps it where the command line tells', () => {
  const stat = (name: string) => ({ name, parent: 1, startTicks: '1' });
  assert.equal(nameOf(stat('unattended-upgr'), ['/usr/bin/unattended-upgrades', '--x']), 'unattended-upgrades');
  assert.equal(nameOf(stat('unattended-upgr'), ['/usr/bin/python3']), 'unattended-upgr');
  assert.equal(nameOf(stat('ruby'), ['ruby-3.2', 'app.rb']), 'ruby');
  assert.equal(programOf(['/usr/local/bin/puma: worker']), 'puma: worker');
  assert.equal(programOf([]), '');
});

test('network namespaces are named by process, by name and by path', () => {
  assert.equal(networkNamespacePath(1355), '/proc/1355/ns/net');
  assert.equal(networkNamespacePath('blue'), '/run/netns/blue');
  assert.equal(networkNamespacePath('/run/docker/netns/1'), '/run/docker/netns/1');
});

test('a process is read from /proc', { skip: process.platform !== 'linux' }, () => {
  const stat = statOf(process.pid);
  assert.equal(stat?.parent, process.ppid);
  assert.match(stat?.startTicks ?? '', /^\d+$/);
  assert.equal(argumentsOf(process.pid)[0], process.argv0);
  assert.ok(openSocketsOf(process.pid) instanceof Map);
  assert.equal(statOf(2 ** 22 + 1), undefined);
  assert.equal(openSocketsOf(2 ** 22 + 1), undefined);
});
