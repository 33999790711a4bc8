// @ts-check
// libpcap for linking it into the prebuilt addon: from a pinned source, checked by its digest, without what drags in further libraries.
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackages } from './install-packages.mjs';
import { hashOf } from './stamps.mjs';
import { cacheDir, StepError } from './steps.mjs';
import { compilerEnv, which } from './system.mjs';

/** @typedef {import('./steps.mjs').Steps} Steps */

/** Debian hands on the very archive of the project that makes libpcap, so that one digest fits both. */
export const source = {
  version: '1.10.5',
  sha256: '84fa89ac6d303028c1c5b754abff77224f45eca0a94eb1a34ff0aa9ceece3925',
  upstream: 'https://www.tcpdump.org/release/libpcap-1.10.5.tar.xz',
  debian: { suite: 'trixie', file: 'libpcap_1.10.5.orig.tar.xz' },
};

/** Network interfaces alone, of this machine. */
const configuration = [
  ...['shared', 'remote', 'usb', 'bluetooth', 'dbus', 'rdma', 'netmap'].map((name) => `--disable-${name}`),
  ...['libnl', 'dag', 'snf', 'septel', 'turbocap', 'dpdk'].map((name) => `--without-${name}`),
];

/** Small enough to be no burden, and part of no other object's interface. */
const cflags = '-O2 -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections';

/** Names what is made: by the source and how it is compiled. */
export const key = hashOf([], [source.sha256, ...configuration, cflags, process.platform, process.arch]).slice(0, 12);

/** What must be there to compile it. @type {import('./system.mjs').Need[]} */
const needs = ['compiler', 'make', 'flex', 'bison', 'xz'];

/**
 * @param {Steps} steps
 * @returns {Promise<string>} a folder with include/, lib/libpcap.a and LICENSE
 */
export async function staticLibpcap(steps) {
  const folder = join(cacheDir, `libpcap-${source.version}-${key}`);
  if (existsSync(folder)) return folder;
  await installPackages(steps, needs);
  const work = mkdtempSync(join(tmpdir(), 'flowtap-libpcap-'));
  try {
    const archive = await steps.step(`fetching libpcap ${source.version}`, () => fetchArchive(steps, work));
    await steps.step(`compiling libpcap ${source.version}`, () => compile(steps, archive, work, folder));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/**
 * The archive of the pinned source: the one that FLOWTAP_LIBPCAP_SOURCE names, that of an earlier run, Debian's, or the project's own.
 * @param {Steps} steps
 * @param {string} work
 */
export async function fetchArchive(steps, work) {
  const given = process.env.FLOWTAP_LIBPCAP_SOURCE;
  if (given) {
    const digest = digestOf(given);
    if (digest === source.sha256) return given;
    throw new StepError(
      `${given} is not libpcap ${source.version}: its SHA-256 digest is ${digest}, not ${source.sha256}.`,
    );
  }
  const kept = join(cacheDir, `libpcap-${source.version}.tar.xz`);
  if (existsSync(kept) && digestOf(kept) === source.sha256) return kept;
  for (const fetcher of [fetchFromDebian, fetchFromUpstream]) {
    const archive = await fetcher(steps, work);
    if (!archive || digestOf(archive) !== source.sha256) continue;
    copyFileSync(archive, kept);
    return kept;
  }
  throw new StepError(
    `The source of libpcap ${source.version} with the SHA-256 digest ${source.sha256} could not be fetched. Get ${source.upstream} and name the file: FLOWTAP_LIBPCAP_SOURCE=FILE npm run prebuild`,
  );
}

/**
 * With lists and configuration of its own: nothing of the machine's is changed or needed, not even its keys, because the digest decides.
 * @param {Steps} steps
 * @param {string} work
 */
async function fetchFromDebian(steps, work) {
  if (!which('apt-get')) return undefined;
  mkdirSync(join(work, 'lists/partial'), { recursive: true });
  mkdirSync(join(work, 'cache/archives/partial'), { recursive: true });
  const list = join(work, 'sources.list');
  writeFileSync(list, `deb-src [trusted=yes] http://deb.debian.org/debian ${source.debian.suite} main\n`);
  const options = {
    'Dir::Etc::sourcelist': list,
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'APT::Sandbox::User': '',
  };
  const apt = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await steps.tryRun('apt-get', [...apt, 'update'], { cwd: work });
  await steps.tryRun('apt-get', [...apt, 'source', '--download-only', '--tar-only', 'libpcap'], { cwd: work });
  const file = join(work, source.debian.file);
  return existsSync(file) ? file : undefined;
}

/** @param {Steps} steps @param {string} work */
async function fetchFromUpstream(steps, work) {
  const file = join(work, 'libpcap.tar.xz');
  try {
    const response = await fetch(source.upstream, { signal: AbortSignal.timeout(60_000) });
    if (!response.ok) return undefined;
    writeFileSync(file, Buffer.from(await response.arrayBuffer()));
    return file;
  } catch (error) {
    steps.note(`${source.upstream}: ${/** @type {Error} */ (error).message}`);
    return undefined;
  }
}

/**
 * @param {Steps} steps
 * @param {string} archive
 * @param {string} work
 * @param {string} folder
 */
async function compile(steps, archive, work, folder) {
  await steps.run('tar', ['-xJf', archive, '-C', work]);
  const cwd = join(work, `libpcap-${source.version}`);
  const env = { ...compilerEnv(), CFLAGS: cflags };
  await steps.run('./configure', configuration, { cwd, env });
  await steps.run('make', ['-j', String(availableParallelism()), 'libpcap.a'], { cwd, env });
  // Whole or not at all.
  const made = `${folder}.${process.pid}`;
  mkdirSync(join(made, 'lib'), { recursive: true });
  mkdirSync(join(made, 'include'));
  copyFileSync(join(cwd, 'libpcap.a'), join(made, 'lib/libpcap.a'));
  copyFileSync(join(cwd, 'LICENSE'), join(made, 'LICENSE'));
  copyFileSync(join(cwd, 'pcap.h'), join(made, 'include/pcap.h'));
  cpSync(join(cwd, 'pcap'), join(made, 'include/pcap'), { recursive: true });
  renameSync(made, folder);
}

/** @param {string} file */
function digestOf(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
