/** What decides how this program can be permitted something. */
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { textOf } from './proc.js';

export interface PermissionFacts {
  readonly platform: NodeJS.Platform;
  /** Root is that of the machine, not of a user namespace. */
  readonly wholeMachine: boolean;
  /** What a program can gain here at all, a bit a capability (capabilities(7)). */
  readonly bounding: bigint;
  /** Neither sudo nor capabilities of files have an effect. */
  readonly noNewPrivileges: boolean;
  readonly container: boolean;
  /** There is sudo. */
  readonly sudo: boolean;
  /** The executable of Node.js. */
  readonly program: string;
  /** It can be given capabilities. */
  readonly fileCapabilities: boolean;
  /** The words that run this program again. */
  readonly command: readonly string[];
}

export function permissionFacts(): PermissionFacts {
  const status = textOf('/proc/self/status') ?? '';
  const map = textOf('/proc/self/uid_map');
  const program = realPath(process.execPath);
  return {
    platform: process.platform,
    wholeMachine: map === undefined || /^\s*0\s+0\s+4294967295\s*$/.test(map),
    bounding: BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? 'ffffffffffffffff'}`),
    noNewPrivileges: /^NoNewPrivs:\s*1$/m.test(status),
    container:
      ['/.dockerenv', '/run/.containerenv', '/var/run/secrets/kubernetes.io'].some((file) => existsSync(file)) ||
      process.env.KUBERNETES_SERVICE_HOST !== undefined,
    sudo: (process.env.PATH ?? '').split(path.delimiter).some((folder) => isExecutable(path.join(folder, 'sudo'))),
    program,
    fileCapabilities: mayHaveCapabilities(textOf('/proc/self/mountinfo') ?? '', program),
    command: [program, ...process.execArgv, ...process.argv.slice(1)],
  };
}

/** File systems without extended attributes in which capabilities are kept, or whose attributes the kernel does not trust. */
const withoutAttributes = /^(?:9p|cifs|exfat|fuse.*|iso9660|msdos|nfs.*|smb3|vfat|virtiofs)$/;

/** @param mounts /proc/self/mountinfo, see proc(5) */
export function mayHaveCapabilities(mounts: string, file: string): boolean {
  let longest = '';
  let may = true;
  for (const line of mounts.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , , escaped = '', options = ''] = before.split(' ');
    const point = escaped.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    const holds = point === '/' ? file.startsWith('/') : file.startsWith(`${point}/`);
    // The last one hides the ones before.
    if (!holds || point.length < longest.length) continue;
    longest = point;
    const [type = '', , superOptions = ''] = after.split(' ');
    const flags = [...options.split(','), ...superOptions.split(',')];
    may = !withoutAttributes.test(type) && !flags.includes('nosuid') && !flags.includes('ro');
  }
  return may;
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
