/** Processes and network namespaces of a test's own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { skip, top, within } from './environment.js';

const program = path.join(top, 'test/support/programs/http-process.mjs');

/** What test/support/programs/http-process.mjs does. */
export type Act =
  | { act: 'listen'; host?: string; port?: number }
  | { act: 'get'; port: number; path?: string; host?: string; keep?: boolean }
  | { act: 'child'; inner: Act & { id: number } }
  | { act: 'share' }
  | { act: 'pid' };

/** A process that does over HTTP what it is told to. */
export class HttpProcess {
  readonly #child: ChildProcess;
  #lastId = 0;

  /** @param wrapper put before the command; it must become the command, so that the pid is that of the program */
  static async start(wrapper: readonly string[] = [], node = process.execPath): Promise<HttpProcess> {
    const [command = node, ...rest] = [...wrapper, node, program];
    const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const started = new HttpProcess(child);
    await started.do({ act: 'pid' });
    return started;
  }

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  async do<T = number>(act: Act): Promise<T> {
    const id = ++this.#lastId;
    this.#child.send({ id, ...act });
    const [answer] = await within(once(this.#child, 'message'), `${act.act} by ${this.pid}`);
    if (answer.error) throw new Error(answer.error);
    return answer.result;
  }

  /** As do(), by a process that this one has started. */
  async inChild<T = number>(act: Act): Promise<T> {
    return this.do<T>({ act: 'child', inner: { id: 0, ...act } });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.disconnect();
    await within(exit, 'exit');
  }
}

/** For the `skip` option of tests that make network namespaces: false when they can run. Says SKIP aloud otherwise. */
export function skipUnlessNamespaces(): string | false {
  const tried = process.platform === 'linux' && spawnSync('unshare', ['-n', 'true']).status === 0;
  return tried ? false : skip('making network namespaces is not permitted here');
}

let namespaces = 0;

export interface Namespace {
  readonly name: string;
  /** Put before a command that is to run in it. */
  readonly wrapper: string[];
  /** Name of the interface that connect() makes on this side. */
  readonly outside: string;
  /** Makes a pair of interfaces, with these addresses. */
  connect(outside: string, inside: string): void;
  remove(): void;
}

/** A network namespace with a loopback interface; remove() it. */
export function addNamespace(): Namespace {
  const number = namespaces++;
  const name = `flowtap-${process.pid}-${number}`;
  const outside = `ft${process.pid}-${number}`;
  ip('netns', 'add', name);
  ip('-n', name, 'link', 'set', 'lo', 'up');
  return {
    name,
    wrapper: ['ip', 'netns', 'exec', name],
    outside,
    connect(outsideAddress, insideAddress) {
      ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      ip('addr', 'add', `${outsideAddress}/30`, 'dev', outside);
      ip('link', 'set', outside, 'up');
      ip('-n', name, 'addr', 'add', `${insideAddress}/30`, 'dev', 'eth0');
      ip('-n', name, 'link', 'set', 'eth0', 'up');
    },
    remove() {
      // The interfaces go with it, as soon as nobody is in it.
      ip('netns', 'del', name);
    },
  };
}

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}
