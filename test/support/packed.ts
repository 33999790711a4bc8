/** The package as npm packs it, and projects of strangers that install it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { which } from '../../scripts/lib/system.mjs';
import { temporaryFolder, top } from './environment.js';

export const manifest = JSON.parse(readFileSync(path.join(top, 'package.json'), 'utf8'));

const room = temporaryFolder();
const ownFolder = () => mkdtempSync(path.join(room, 'packed-'));

const platform = `${process.platform}-${process.arch}`;
/** The binary for this platform, as `npm run prebuild` names it. */
export const binary = `prebuilds/${platform}/flowtap.${existsSync('/etc/alpine-release') ? 'musl' : 'glibc'}.node`;

/** Why the package cannot be tested, for the `skip` option. `npm test` makes the binary before it comes to the tests. */
export const noBinary: string | false = existsSync(path.join(top, binary)) ? false : `no ${binary}: npm run prebuild`;

export interface Packed {
  tarball: string;
  size: number;
  unpackedSize: number;
  files: { path: string; size: number }[];
}

/** Packs a folder, with what is built already. */
export function pack(folder = top): Packed {
  const target = ownFolder();
  const [packed] = JSON.parse(
    npm(['pack', '--ignore-scripts', '--json', '--pack-destination', target], { cwd: folder }).stdout,
  );
  return { ...packed, tarball: path.join(target, packed.filename) };
}

let packedOnce: Packed | undefined;

/** This package. */
export function packed(): Packed {
  packedOnce ??= pack();
  return packedOnce;
}

/** This package as it is for a platform that no binary fits. */
export function packedWithoutBinary(): Packed {
  const folder = ownFolder();
  const { status, stderr } = spawnSync('tar', ['-xzf', packed().tarball, '-C', folder], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  rmSync(path.join(folder, 'package/prebuilds'), { recursive: true });
  return pack(path.join(folder, 'package'));
}

/** Each package that flowtap needs at run time, as a file to install, so that no registry is asked. */
function packedDependencies(): Record<string, string> {
  const lock: Record<string, { dev?: boolean; devOptional?: boolean }> = JSON.parse(
    readFileSync(path.join(top, 'package-lock.json'), 'utf8'),
  ).packages;
  const folders = Object.entries(lock)
    .filter(([folder, { dev, devOptional }]) => folder !== '' && !dev && !devOptional)
    .map(([folder]) => `./${folder}`);
  const target = ownFolder();
  const list: { name: string; filename: string }[] = JSON.parse(
    npm(['pack', '--ignore-scripts', '--json', '--pack-destination', target, ...folders], { cwd: top }).stdout,
  );
  return Object.fromEntries(list.map(({ name, filename }) => [name, `file:${path.join(target, filename)}`]));
}

let dependencies: Record<string, string> | undefined;

/** An empty project that depends on the package; nothing is installed in it yet. */
export function project({ tarball }: Packed): string {
  dependencies ??= packedDependencies();
  const folder = ownFolder();
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({
      name: 'stranger',
      private: true,
      type: 'module',
      dependencies: { flowtap: `file:${tarball}` },
      overrides: dependencies,
    }),
  );
  return folder;
}

interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

interface RunOptions {
  cwd: string;
  /** Stands before the command: see `Bare`. */
  env?: NodeJS.ProcessEnv;
}

/** npm with nothing of this machine's user, off line; it must succeed. */
export function npm(args: string[], options: RunOptions): Ran {
  const ran = run('npm', args, options);
  assert.equal(ran.status, 0, `npm ${args.join(' ')}\n${ran.stdout}${ran.stderr}`);
  return ran;
}

/** Runs a program with an environment that knows nothing of this checkout. */
export function run(command: string, args: string[], { cwd, env }: RunOptions): Ran {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...plainEnv(), ...env },
    timeout: 580_000,
    maxBuffer: 1 << 28,
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

let home: string | undefined;

function plainEnv(): NodeJS.ProcessEnv {
  home ??= ownFolder();
  return {
    PATH: process.env.PATH,
    HOME: home,
    LANG: 'C.UTF-8',
    npm_config_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
  };
}

/** A machine without compilers, headers and libpcap. */
export class Bare {
  readonly #path: string;
  readonly #hides = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/usr/include']).status === 0;

  constructor() {
    const folder = ownFolder();
    for (const [name, file] of Object.entries({
      node: process.execPath,
      npm: which('npm'),
      npx: which('npx'),
      sh: '/bin/sh',
      env: which('env'),
    }))
      symlinkSync(realpathSync(file as string), path.join(folder, name));
    this.#path = folder;
  }

  /** Whether the files themselves are hidden, or only nothing in PATH finds them. */
  get hides(): boolean {
    return this.#hides;
  }

  run(command: string, args: string[], { cwd }: RunOptions): Ran {
    const program = path.join(this.#path, command);
    const env = { PATH: this.#path };
    if (!this.#hides) return run(program, args, { cwd, env });
    return run('/usr/bin/unshare', ['-m', '/bin/sh', '-c', hide, 'sh', program, ...args], { cwd, env });
  }
}

/** Covers files in a mount namespace of its own. */
const hide = `
for file in /usr/include /usr/local/include /usr/lib/gcc /usr/lib/llvm-* /usr/lib/*/pkgconfig /usr/share/pkgconfig \
  /usr/lib/libpcap* /usr/lib/*/libpcap* /usr/bin/*g++* /usr/bin/*gcc* /usr/bin/*clang* /usr/bin/cc /usr/bin/c++
do
  if [ -d "$file" ]; then /bin/mount -t tmpfs none "$file"
  elif [ -e "$file" ]; then /bin/mount --bind /dev/null "$file"
  fi || exit 99
done
exec "$@"`;
