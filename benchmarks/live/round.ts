/** One tool beside one load, from its start to its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cost } from '../child.js';
import { endWithUs } from '../programs.js';
import type { Load, Served } from './load.js';
import type { Seen, Tool } from './tools.js';

export interface Round {
  served: Served;
  seen: Seen;
  cpuSeconds: number;
  /** Of those that were served. Undefined where the tool does not tell. */
  missedRequests: number | undefined;
  missedResponses: number | undefined;
  /** What is wrong with it, '' if nothing is. */
  failure: string;
}

const startMs = 20_000;
const drainMs = 10_000;
const endMs = 20_000;
/** A tool may say that it captures a moment before it does. */
const settleMs = 200;

/** Runs the tool, has the load run beside it, waits until the tool has read what there was, and ends it. */
export async function runRound(tool: Tool, load: Load, seconds: number, measureChild: string): Promise<Round> {
  const folder = mkdtempSync(join(tmpdir(), 'flowtap-live-'));
  try {
    const running = await RunningTool.start(tool, load.port, folder, measureChild);
    try {
      await sleep(settleMs);
      const served = await load.run(seconds);
      await running.drain();
      return judge(tool, load, served, await running.stop());
    } finally {
      await running.kill();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Plan {
  rounds: number;
  /** Of load, for each tool in each round. */
  seconds: number;
  measureChild: string;
}

/** The tools take turns, so that what else the machine does meets all of them. Those of a round stand at the same place of the lists. */
export async function runRounds(tools: readonly Tool[], load: Load, plan: Plan): Promise<Map<Tool, Round[]>> {
  const results = new Map<Tool, Round[]>(tools.map((tool) => [tool, []]));
  for (let round = 0; round < plan.rounds; round++) {
    for (const [tool, rounds] of results) {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[Kround ${round + 1} of ${plan.rounds}: ${tool.title}`);
      rounds.push(await runRound(tool, load, plan.seconds, plan.measureChild));
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  return results;
}

function judge(tool: Tool, load: Load, served: Served, { seen, cost }: { seen: Seen; cost: Cost }): Round {
  const { requests, responses } = seen;
  const missedRequests = requests === undefined ? undefined : Math.max(0, served.requests - requests);
  const missedResponses = responses === undefined ? undefined : Math.max(0, served.responses - responses);
  const failures: string[] = [];
  if (tool.isOurs) {
    const mostRequests = served.requests + load.connections;
    if (requests !== undefined && requests > mostRequests)
      failures.push(`${requests} requests instead of ${served.requests} to ${mostRequests}`);
    if (responses !== undefined && responses > mostRequests)
      failures.push(`${responses} responses instead of ${served.responses} to ${mostRequests}`);
    const told = (seen.kernelDropped ?? 0) + (seen.messagesDropped ?? 0);
    const missed = (missedRequests ?? 0) + (missedResponses ?? 0);
    if (missed > 0 && told === 0) failures.push(`missed ${missed} messages and told nobody`);
  }
  return {
    served,
    seen,
    cpuSeconds: seen.cpuSeconds ?? cost.cpuSeconds,
    missedRequests,
    missedResponses,
    failure: failures.join('; '),
  };
}

class RunningTool {
  static async start(tool: Tool, port: number, folder: string, measureChild: string): Promise<RunningTool> {
    const running = new RunningTool(tool, port, folder, measureChild);
    try {
      await running.#ready();
      return running;
    } catch (error) {
      await running.kill();
      throw error;
    }
  }

  readonly #tool: Tool;
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly #output: string;
  readonly #cost: string;
  #errors = '';

  private constructor(tool: Tool, port: number, folder: string, measureChild: string) {
    this.#tool = tool;
    this.#output = join(folder, 'output');
    this.#cost = join(folder, 'cost.json');
    const descriptor = openSync(this.#output, 'w');
    this.#child = spawn(measureChild, [this.#cost, tool.program, ...tool.arguments(port)], {
      cwd: folder,
      stdio: ['ignore', descriptor, 'pipe'],
    });
    closeSync(descriptor);
    endWithUs(this.#child);
    this.#exit = once(this.#child, 'close');
    this.#exit.catch(() => {});
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      if (this.#errors.length < 65_536) this.#errors += chunk;
    });
  }

  async #ready(): Promise<void> {
    const giveUp = performance.now() + startMs;
    while (!this.#tool.ready.test(this.#errors)) {
      if (this.#ended || performance.now() > giveUp) throw this.#failed('does not capture');
      await sleep(20);
    }
  }

  /** Returns when the tool has nothing more to do, or takes very long. */
  async drain(): Promise<void> {
    const giveUp = performance.now() + drainMs;
    let before = -1;
    while (performance.now() < giveUp && !this.#ended) {
      const now = ticksBelow(this.#child.pid);
      if (now === before) return;
      before = now;
      await sleep(250);
    }
  }

  async stop(): Promise<{ seen: Seen; cost: Cost }> {
    if (this.#ended) throw this.#failed('ended by itself');
    this.#child.kill('SIGINT');
    if (!(await this.#endsWithin(endMs))) throw this.#failed('does not end');
    if (this.#tool.isOurs && this.#child.exitCode !== 0) throw this.#failed(`ended with ${this.#child.exitCode}`);
    const cost: Cost = JSON.parse(readFileSync(this.#cost, 'utf8'));
    return { seen: this.#tool.seen(this.#output, this.#errors), cost };
  }

  /** For whatever went wrong: nothing is left running. */
  async kill(): Promise<void> {
    if (this.#ended) return;
    this.#child.kill('SIGTERM');
    if (await this.#endsWithin(endMs)) return;
    for (const pid of childrenOf(this.#child.pid)) process.kill(pid, 'SIGKILL');
    await this.#endsWithin(endMs);
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #endsWithin(ms: number): Promise<boolean> {
    const abort = new AbortController();
    const late = sleep(ms, false, { signal: abort.signal }).catch(() => false);
    const ended = await Promise.race([this.#exit.then(() => true), late]);
    abort.abort();
    return ended;
  }

  #failed(what: string): Error {
    return new Error(`${this.#tool.title} ${what}: ${this.#errors.trim().slice(-2000)}`);
  }
}

function childrenOf(pid: number | undefined): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Processor time of the process and of all that it started and that still run, in clock ticks. */
function ticksBelow(pid: number | undefined): number {
  let ticks = 0;
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ');
    ticks = Number(fields[11]) + Number(fields[12]);
  } catch {
    // It has just ended.
  }
  return childrenOf(pid).reduce((sum, child) => sum + ticksBelow(child), ticks);
}
