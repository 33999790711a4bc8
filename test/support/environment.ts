/** What tests need of the machine: whether capture is permitted, temporary folders, child processes with a time limit. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CaptureError, capture, type Tap } from '../../lib/index.js';

export const top = fileURLToPath(new URL('../..', import.meta.url));
export const loopback = process.platform === 'darwin' ? 'lo0' : 'lo';

const said = new Set<string>();

/** Says aloud that something is not tested, and gives the reason for the test's `skip` option. */
export function skip(reason: string): string {
  if (!said.has(reason)) process.stderr.write(`SKIP: ${reason}\n`);
  said.add(reason);
  return reason;
}

/** The kernel itself says that this process may open a packet socket. */
function hasNetRaw(): boolean {
  try {
    const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
    // Inside of a user namespace the capability may not reach the network.
    const wholeMachine = /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'));
    return wholeMachine && (BigInt(`0x${effective}`) & (1n << 13n)) !== 0n;
  } catch {
    return false;
  }
}

/** Undefined when live capture is permitted, else why not. Anything but a missing permission or interface is thrown. */
async function whyNoLiveCapture(): Promise<string | undefined> {
  const tap = capture({ interface: loopback });
  try {
    await tap.ready;
    return undefined;
  } catch (error) {
    if (!(error instanceof CaptureError) || !['ERR_PERMISSION', 'ERR_NO_INTERFACE'].includes(error.code) || hasNetRaw())
      throw error;
    return error.message;
  } finally {
    await tap.close();
  }
}

let live: Promise<string | undefined> | undefined;

/** For the `skip` option of live tests: false when they can run. Says SKIP aloud otherwise. */
export async function skipUnlessLive(): Promise<string | false> {
  live ??= whyNoLiveCapture();
  const reason = await live;
  return reason === undefined ? false : skip(`live capture is not permitted here: ${reason}`);
}

/** A folder of its own for a test, removed when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'flowtap-test-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let files = 0;
let folder: string | undefined;

/** Writes a capture file that is there until the process ends. */
export function temporaryFile(bytes: Uint8Array, name = 'capture.pcap'): string {
  folder ??= temporaryFolder();
  const file = path.join(folder, `${files++}-${name}`);
  writeFileSync(file, bytes);
  return file;
}

/** All messages until the end. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const one of source) list.push(one);
  return list;
}

/** Fails with `what` when the promise takes longer. The limit only has to end what hangs, on the busiest machine. */
export async function within<T>(promise: PromiseLike<T>, what: string, ms = 30_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface ChildOptions {
  args?: string[];
  /** Default 60 000. */
  timeoutMs?: number;
  env?: Record<string, string>;
  /** Put before the command, such as ['setpriv', '--bounding-set', '-all']. */
  wrapper?: string[];
  nodeOptions?: string[];
}

export interface ChildResult {
  code: number | null;
  /** Set when it crashed, or was killed because of the time limit. */
  signal: NodeJS.Signals | null;
  timedOut: boolean;
  stdout: string;
  stderr: string;
}

/** Runs a program of test/support/programs in a process of its own. */
export async function runProgram(name: string, options: ChildOptions = {}): Promise<ChildResult> {
  const program = path.join(top, 'test/support/programs', `${name}.ts`);
  const { args = [], timeoutMs = 60_000, wrapper = [], nodeOptions = [] } = options;
  const command = [...wrapper, process.execPath, '--import', 'tsx', ...nodeOptions, program, ...args];
  const child = spawn(command[0] as string, command.slice(1), {
    cwd: top,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  let stdout = '';
  let stderr = '';
  let timedOut = false;
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  return { code, signal, timedOut, stdout, stderr };
}

/** A tap that is capturing. */
export async function opened(options: Parameters<typeof capture>[0]): Promise<Tap> {
  const tap = capture(options);
  await within(tap.ready, 'ready');
  return tap;
}
