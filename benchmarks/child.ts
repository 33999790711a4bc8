/** Runs the programs that are measured, each in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Command {
  program: string;
  arguments: string[];
  /** Sees standard output; without it the output goes to /dev/null. */
  onOutput?: (chunk: Buffer) => void;
}

export interface Cost {
  /** User and system time, all threads. */
  cpuSeconds: number;
  wallSeconds: number;
  peakKiB: number;
}

/** Gives what the child wrote to standard error, the first of it; rejects unless its exit code is 0. */
async function run(command: Command, folder?: string): Promise<string> {
  const child: ChildProcess = spawn(command.program, command.arguments, {
    cwd: folder,
    stdio: ['ignore', command.onOutput ? 'pipe' : 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (errors.length < 65_536) errors += chunk;
  });
  if (command.onOutput) child.stdout?.on('data', command.onOutput);
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal ?? 'unknown'));
  });
  if (code !== 0) throw new Error(`${command.program} ended with ${code}: ${errors.trim().slice(-2000)}`);
  return errors;
}

/** What the last line of a program's output says, as JSON. */
export async function runForJson<T>(program: string, args: string[]): Promise<T> {
  let output = '';
  await run({ program, arguments: args, onOutput: (chunk) => (output += chunk) });
  return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
}

/** What a whole process costs. It runs in a temporary folder, because some tools leave files where they are started. */
export async function runForCost(measureChild: string, command: Command): Promise<Cost & { errors: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'flowtap-bench-'));
  try {
    const result = join(folder, 'cost.json');
    const args = [result, command.program, ...command.arguments];
    const errors = await run({ ...command, program: measureChild, arguments: args }, folder);
    const cost: Cost = JSON.parse(readFileSync(result, 'utf8'));
    return { ...cost, errors };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
