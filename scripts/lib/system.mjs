// @ts-check
// What the build needs from the system: how it is found, and what installs it where it is missing.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** @typedef {'compiler' | 'make' | 'python' | 'libpcap' | 'nodeHeaders' | 'cmake' | 'doctest' | 'curl' | 'ninja' | 'flex' | 'bison' | 'xz'} Need */
/** @typedef {'apt-get' | 'dnf' | 'apk' | 'pacman' | 'zypper' | 'brew'} Manager */

/**
 * The system as the checks see it; tests put their own in its place.
 * @typedef {object} System
 * @property {NodeJS.ProcessEnv} env
 * @property {NodeJS.Platform} platform
 * @property {string} execPath of Node
 * @property {string} nodeVersion
 * @property {() => boolean} isRoot
 * @property {(path: string) => boolean} exists
 * @property {(program: string) => string | undefined} which
 * @property {(command: string, args: string[], input?: string) => boolean} succeeds
 */

/** @type {System} */
export const thisSystem = {
  env: process.env,
  platform: process.platform,
  execPath: process.execPath,
  nodeVersion: process.versions.node,
  isRoot: () => process.getuid?.() === 0,
  exists: existsSync,
  which,
  succeeds: (command, args, input = '') =>
    spawnSync(command, args, { input, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0,
};

/** @type {Record<Need, string>} */
export const names = {
  compiler: 'a C++20 compiler (g++ 11 or clang 14, or newer)',
  make: 'make',
  python: 'python3 (node-gyp runs on it)',
  libpcap: "libpcap's headers",
  nodeHeaders: "Node's C++ headers",
  cmake: 'cmake',
  doctest: 'doctest',
  curl: 'curl',
  ninja: 'ninja',
  flex: 'flex',
  bison: 'bison',
  xz: 'xz',
};

/** @type {Record<Manager, Partial<Record<Need, string>>>} */
const packages = {
  'apt-get': {
    compiler: 'g++',
    make: 'make',
    python: 'python3',
    libpcap: 'libpcap-dev',
    nodeHeaders: 'libnode-dev',
    cmake: 'cmake',
    doctest: 'doctest-dev',
    curl: 'curl',
    ninja: 'ninja-build',
    flex: 'flex',
    bison: 'bison',
    xz: 'xz-utils',
  },
  dnf: {
    compiler: 'gcc-c++',
    make: 'make',
    python: 'python3',
    libpcap: 'libpcap-devel',
    nodeHeaders: 'nodejs-devel',
    cmake: 'cmake',
    doctest: 'doctest-devel',
    curl: 'curl',
    ninja: 'ninja-build',
    flex: 'flex',
    bison: 'bison',
    xz: 'xz',
  },
  apk: {
    compiler: 'g++',
    make: 'make',
    python: 'python3',
    libpcap: 'libpcap-dev',
    nodeHeaders: 'nodejs-dev',
    cmake: 'cmake',
    doctest: 'doctest-dev',
    curl: 'curl',
    ninja: 'ninja',
    flex: 'flex',
    bison: 'bison',
    xz: 'xz',
  },
  pacman: {
    compiler: 'gcc',
    make: 'make',
    python: 'python',
    libpcap: 'libpcap',
    cmake: 'cmake',
    doctest: 'doctest',
    curl: 'curl',
    ninja: 'ninja',
    flex: 'flex',
    bison: 'bison',
    xz: 'xz',
  },
  zypper: {
    compiler: 'gcc-c++',
    make: 'make',
    python: 'python3',
    libpcap: 'libpcap-devel',
    cmake: 'cmake',
    doctest: 'doctest-devel',
    curl: 'curl',
    ninja: 'ninja',
    flex: 'flex',
    bison: 'bison',
    xz: 'xz',
  },
  brew: { libpcap: 'libpcap', cmake: 'cmake', doctest: 'doctest', curl: 'curl', ninja: 'ninja', python: 'python3' },
};

/** @type {Record<Manager, string[]>} */
const installCommands = {
  'apt-get': ['apt-get', 'install', '-y'],
  dnf: ['dnf', 'install', '-y'],
  apk: ['apk', 'add'],
  pacman: ['pacman', '-S', '--needed'],
  zypper: ['zypper', 'install', '-y'],
  brew: ['brew', 'install'],
};

const managers = /** @type {Manager[]} */ (Object.keys(packages));

/**
 * The first of `needs` to the last that the system lacks.
 * @param {Need[]} needs
 * @param {System} [system]
 * @returns {Need[]}
 */
export function findMissing(needs, system = thisSystem) {
  return needs.filter((need) => !checks[need](system));
}

/** @type {Record<Need, (system: System) => boolean>} */
const checks = {
  compiler: (system) => findCompiler(system) !== undefined,
  make: ({ env, which }) => which(env.MAKE || 'make') !== undefined,
  python: ({ env, which }) => Boolean(env.PYTHON || env.npm_config_python || which('python3')),
  libpcap: (system) => hasHeader('pcap/pcap.h', system, 'libpcap'),
  nodeHeaders: (system) => findNodeDir(system) !== undefined,
  cmake: ({ which }) => which('cmake') !== undefined,
  doctest: (system) => hasHeader('doctest/doctest.h', system),
  curl: ({ which }) => which('curl') !== undefined,
  ninja: ({ which }) => which('ninja') !== undefined,
  flex: ({ which }) => which('flex') !== undefined,
  bison: ({ which }) => which('bison') !== undefined,
  xz: ({ which }) => which('xz') !== undefined,
};

/**
 * What the benchmarks run beside flowtap, and its Debian packages.
 * @type {{ name: string, debian: string, isThere: (system: System) => boolean }[]}
 */
const peers = [
  ...['tcpflow', 'tshark', 'tcpdump', 'httpry', 'nginx', 'wrk'].map((name) => ({
    name,
    debian: name,
    /** @param {System} system */
    isThere: ({ which }) => which(name) !== undefined,
  })),
  { name: 'libtins', debian: 'libtins-dev', isThere: (system) => hasHeader('tins/tins.h', system, 'libtins') },
];

/** Those of them that the system lacks. @param {System} [system] */
export function findPeers(system = thisSystem) {
  return peers.filter(({ isThere }) => !isThere(system));
}

/**
 * The C++ compiler that node-gyp's makefiles and CMake will use.
 * @param {System} system
 */
export function findCompiler({ env, which }) {
  const named = env.CXX?.trim().split(/\s+/)[0];
  return named ? which(named) : (which('g++') ?? which('c++') ?? which('clang++'));
}

/**
 * Whether the compiler takes C++20. False also when there is no compiler.
 * @param {System} [system]
 */
export function compilesCxx20(system = thisSystem) {
  const compiler = findCompiler(system);
  const probe = '#include <concepts>\n#include <span>\nstatic_assert(std::integral<int>); std::span<int> s;\n';
  return (
    compiler !== undefined && system.succeeds(compiler, ['-std=gnu++20', '-fsyntax-only', '-x', 'c++', '-'], probe)
  );
}

/** gyp's makefiles call g++ unless told otherwise; a machine may have clang alone. @param {System} [system] */
export function compilerEnv({ env, which } = thisSystem) {
  return env.CXX || which('g++') || !which('clang++') ? {} : { CC: 'clang', CXX: 'clang++' };
}

/**
 * Why what needs `needs` cannot be built, in a sentence that says what to do; undefined when it can.
 * @param {Need[]} needs
 * @param {System} [system]
 */
export function obstacleTo(needs, system = thisSystem) {
  const missing = findMissing(needs, system);
  if (missing.length > 0) return planInstall(missing, system).sentence;
  if (!needs.includes('compiler') || compilesCxx20(system)) return undefined;
  return 'flowtap needs a compiler that knows C++20 (g++ 11 or clang 14, or newer). Install one, and name it if it is not the default one: CXX=g++-12';
}

/** What compiling the addon takes, where headers of Node can be had. @type {Need[]} */
export const forAddon = ['compiler', 'make', 'python', 'libpcap'];

/**
 * Looks where compilers look, cheapest first.
 * @param {string} header
 * @param {System} system
 * @param {string} [pkgConfigName]
 */
function hasHeader(header, system, pkgConfigName) {
  const { env, exists, which, succeeds } = system;
  const listed = [env.CPATH, env.CPLUS_INCLUDE_PATH].flatMap((list) => list?.split(delimiter) ?? []).filter(Boolean);
  if ([...listed, '/usr/include', '/usr/local/include'].some((dir) => exists(join(dir, header)))) return true;
  if (pkgConfigName && which('pkg-config') && succeeds('pkg-config', ['--exists', pkgConfigName])) return true;
  const compiler = findCompiler(system);
  return compiler !== undefined && succeeds(compiler, ['-fsyntax-only', '-x', 'c++', '-'], `#include <${header}>\n`);
}

/**
 * The folder that holds include/node/node.h of the running Node: npm_config_nodedir, beside the executable, or what node-gyp has already kept.
 * @param {System} [system]
 */
export function findNodeDir({ env, execPath, exists, nodeVersion, platform } = thisSystem) {
  if (env.npm_config_nodedir) return env.npm_config_nodedir;
  const cache =
    platform === 'darwin' ? join(homedir(), 'Library/Caches') : env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const real = exists(execPath) ? realpathSync(execPath) : execPath;
  const candidates = [dirname(dirname(real)), dirname(dirname(execPath)), join(cache, 'node-gyp', nodeVersion)];
  return candidates.find(
    (dir) => exists(join(dir, 'include/node/node.h')) && exists(join(dir, 'include/node/common.gypi')),
  );
}

/**
 * How to get what is missing.
 * @param {Need[]} missing
 * @param {System} [system]
 * @returns {{ packages: string[], prefix: string[] | undefined, sentence: string }} `prefix`: what must stand before apt-get so that it
 *   installs without asking; undefined where only the user can install. `sentence` tells the user what to do.
 */
export function planInstall(missing, system = thisSystem) {
  const { isRoot, platform, succeeds, which } = system;
  const what = missing.map((need) => names[need]).join(', ');
  const manager = managers.find((name) => which(name));
  const wanted = missing.map((need) => (manager ? packages[manager][need] : undefined));
  if (!manager || wanted.includes(undefined)) {
    const how =
      platform === 'darwin' && missing.some((need) => need === 'compiler' || need === 'make')
        ? 'xcode-select --install'
        : missing.includes('nodeHeaders')
          ? 'npm_config_nodedir=DIR npm start, DIR being a Node installation that holds include/node'
          : "your system's package manager";
    return { packages: [], prefix: undefined, sentence: `flowtap needs ${what}. Install with: ${how}` };
  }
  const list = /** @type {string[]} */ (wanted);
  const asRoot = isRoot() || manager === 'brew' ? [] : ['sudo'];
  const sentence = `flowtap needs ${what}. Install with: ${[...asRoot, ...installCommands[manager], ...list].join(' ')}`;
  // Anything else than apt-get is left to the user: these are not our machines to change by guesswork.
  if (manager !== 'apt-get') return { packages: list, prefix: undefined, sentence };
  if (isRoot()) return { packages: list, prefix: [], sentence };
  if (which('sudo') && succeeds('sudo', ['-n', 'true'])) return { packages: list, prefix: ['sudo', '-n'], sentence };
  return { packages: list, prefix: undefined, sentence };
}

/**
 * Installs with apt-get, never asking; refreshes the package lists first when there are none, or when they turn out to be too old.
 * @param {string[]} prefix
 * @param {string[]} list
 * @param {(command: string, args: string[]) => Promise<number | string>} tryRun
 * @param {boolean} [hasLists]
 */
export async function installWithApt(prefix, list, tryRun, hasLists = hasAptLists()) {
  const apt = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=300'];
  const [command = '', ...args] = apt;
  const install = () => tryRun(command, [...args, 'install', '-y', '--no-install-recommends', ...list]);
  if (hasLists && (await install()) === 0) return true;
  await tryRun(command, [...args, 'update']);
  return (await install()) === 0;
}

function hasAptLists() {
  try {
    return readdirSync('/var/lib/apt/lists').some((name) => name.includes('_Packages'));
  } catch {
    return false;
  }
}

/** @param {string} program @returns {string | undefined} */
export function which(program) {
  for (const dir of program.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter)) {
    const path = dir ? join(dir, program) : program;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here
    }
  }
  return undefined;
}
