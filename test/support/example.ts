/** The programs in examples/, run by plain Node from dist/, as whoever copies them runs them. */
import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { get } from 'node:http';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { skip, top, within } from './environment.js';
import { serve } from './loopback.js';

export interface ExampleOptions {
  env?: Record<string, string>;
  cwd?: string;
}

/** A program that is running. It is killed with the test. */
export class Example {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  stdout = '';
  stderr = '';
  readonly #closed: Promise<[number | null, NodeJS.Signals | null]>;
  #wake: (() => void) | undefined;
  #over = false;

  constructor(t: TestContext, name: string, args: readonly string[], { env = {}, cwd = top }: ExampleOptions = {}) {
    assert.ok(existsSync(path.join(top, 'dist/index.js')), 'dist/ is not there: npm run build:ts');
    this.child = spawn(process.execPath, [path.join(top, 'examples', `${name}.mjs`), ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.after(() => this.child.kill('SIGKILL'));
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      this.stdout += text;
      this.#wake?.();
    });
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
      this.#wake?.();
    });
    this.#closed = once(this.child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    void this.#closed.then(() => {
      this.#over = true;
      this.#wake?.();
    });
  }

  /** Resolves when what it has said is enough; fails when it ends before. */
  async said(enough: (example: this) => boolean): Promise<void> {
    const wait = async () => {
      while (!enough(this)) {
        if (this.#over) assert.fail(`it ended before: ${this.stdout}\n${this.stderr}`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    };
    await within(wait(), 'what it should say');
  }

  /** Resolves when it captures. */
  reading(): Promise<void> {
    return this.said(({ stderr }) => /^Reading .*\n/m.test(stderr));
  }

  /** Ctrl-C. */
  interrupt(): void {
    this.child.kill('SIGINT');
  }

  /** Its exit code; fails when a signal has ended it. */
  async end(): Promise<number | null> {
    const [code, signal] = await within(this.#closed, 'the end');
    assert.equal(signal, null, this.stderr);
    return code;
  }
}

/** Runs a program that ends by itself, and well, and gives its lines. */
export async function runExample(
  t: TestContext,
  name: string,
  args: readonly string[],
  options?: ExampleOptions,
): Promise<string[]> {
  const example = new Example(t, name, args, options);
  const code = await example.end();
  assert.equal(code, 0, example.stderr);
  return linesOf(example.stdout);
}

export function linesOf(text: string): string[] {
  return text.split('\n').slice(0, -1);
}

/** For the `skip` option of tests that run a program which may not be installed. Says SKIP aloud where it is not. */
export function skipWithout(program: string, from = program): string | false {
  const found = (process.env.PATH ?? '').split(path.delimiter).some((folder) => existsSync(path.join(folder, program)));
  return found ? false : skip(`${program} is not installed (apt-get install ${from})`);
}

/** A server on loopback, and a client with a new connection for each request. */
export async function startTraffic(t: TestContext, answer: Parameters<typeof serve>[0]) {
  const server = await serve(answer);
  t.after(() => server.close());
  return {
    port: server.port,
    /** Resolves when the whole answer is there. */
    async ask(path: string, headers: Record<string, string> = {}): Promise<void> {
      const request = get({ host: '127.0.0.1', port: server.port, path, headers, agent: false });
      const [response] = await within(once(request, 'response'), `GET ${path}`);
      await buffer(response);
    },
  };
}
