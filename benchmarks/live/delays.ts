/** How late messages come, and what waiting for them costs. */
import type { CaptureOptions } from '../../lib/index.js';
import { runForJson } from '../child.js';
import type { Load } from './load.js';
import { runRound } from './round.js';
import type { TapReport } from './tap.js';
import { libraryTool, type TapProgram } from './tools.js';

/** Milliseconds from the time stamp of a message's last packet to the moment that the iterator gives the message. */
export interface Delays {
  messages: number;
  /** Of those that were sent; the kernel has to have told of it. */
  missed: number;
  first: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
  cpuSeconds: number;
  failure: string;
}

export async function measureDelays(
  tap: TapProgram,
  load: Load,
  seconds: number,
  measureChild: string,
  options: CaptureOptions = {},
): Promise<Delays> {
  let delays: number[] = [];
  const tool = libraryTool(tap, 'delays', 'flowtap', options);
  const listening = {
    ...tool,
    seen: (output: string, errors: string) => {
      const report = tool.seen(output, errors) as TapReport;
      delays = report.delays ?? [];
      return report;
    },
  };
  const { served, seen, cpuSeconds, failure } = await runRound(listening, load, seconds, measureChild);
  const expected = served.requests + served.responses;
  const isExplained = delays.length === expected || (delays.length < expected && (seen.kernelDropped ?? 0) > 0);
  const sorted = [...delays].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return {
    messages: delays.length,
    missed: expected - delays.length,
    first: delays[0] ?? Number.NaN,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    max: at(1),
    cpuSeconds,
    failure: failure || (isExplained ? '' : `${delays.length} messages instead of ${expected}`),
  };
}

/** V8 tidies its heap up eight seconds after the last work, which takes it 20 to 40 ms once. */
const settleSeconds = 10;

/** Share of one processor that a capture takes on which nothing comes. */
export async function measureIdle(
  { script, library }: TapProgram,
  port: number,
  seconds: number,
  settle = settleSeconds,
): Promise<number> {
  const options: CaptureOptions = { interface: 'lo', port };
  const args = [...script, library, 'idle', JSON.stringify(options), String(seconds), String(settle)];
  const { cpuSeconds, wallSeconds } = await runForJson<TapReport>(process.execPath, args);
  return cpuSeconds / wallSeconds;
}
