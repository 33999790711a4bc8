/** `flowtap [options] [BPF expression]`: capture, print, say what was seen. */
import type { CaptureOptions, Message, Tap } from '../../index.js';
import { ExitCode, UsageError } from '../exit.js';
import type { CaptureFlags } from '../flags.js';
import { Output } from '../output.js';
import { createPrinters } from '../printers/create.js';
import type { Printer } from '../printers/printer.js';
import { onStopSignal } from '../signals.js';
import { describeSource, formatStats, summarize, Tally } from '../summary.js';
import type { Terminal } from '../terminal.js';

/** Codes of errors that are about what was typed. */
const usageCodes = new Set(['ERR_OPTION', 'ERR_FILTER']);

/** The library's options for the flags. */
export function captureOptions(flags: CaptureFlags, terminal: Pick<Terminal, 'stdin'>): CaptureOptions {
  const options: CaptureOptions = {};
  if (flags.read === '-') options.stream = terminal.stdin;
  else if (flags.read !== undefined) options.file = flags.read;
  else if (flags.interface !== undefined) options.interface = flags.interface;
  if (flags.ports.length > 0) options.port = flags.ports;
  if (flags.expression !== '') options.filter = flags.expression;
  if (!flags.body) options.body = 'none';
  if (flags.maxBodyBytes !== undefined) options.maxBodyBytes = flags.maxBodyBytes;
  return options;
}

/** Resolves to the exit code; rejects with what makes the command fail. */
export async function runCapture(flags: CaptureFlags, terminal: Terminal): Promise<number> {
  // Only here: --help works where the addon does not load.
  const { capture } = await import('../../index.js');
  const say = (line: string): void => {
    terminal.stderr.write(`flowtap: ${line}\n`);
  };
  const tap = withUsageErrors(() => capture(captureOptions(flags, terminal)));
  const output = new Output(terminal.stdout, () => void tap.close());
  const stopping = stopOnSignal(tap, terminal, say);
  const tally = new Tally();
  let failure: unknown;
  try {
    await tap.ready;
    say(describeSource(flags, tap.info));
    await printAll(tap, flags, createPrinters(flags, output, terminal), output, tally);
  } catch (error) {
    // Nobody reads any more, which closed the tap under the loop.
    if (!output.closed) failure = error;
  }
  await output.finish();
  await tap.close();
  stopping.end();
  // Else an open pipe would keep the process alive.
  if (flags.read === '-') terminal.stdin.destroy();
  const stats = tap.stats();
  if (failure === undefined || stats.packets.received > 0) for (const line of summarize(flags, tally, stats)) say(line);
  if (flags.stats) for (const line of formatStats(stats)) terminal.stderr.write(`${line}\n`);
  if (output.error) throw new Error(`cannot write the output: ${output.error.message}`);
  if (failure !== undefined) throw asUsageError(failure);
  return ExitCode.ok;
}

const patienceMs = 1000;

/** The first signal ends the capture in good order; a reader that does not read can make that last, and then people should know. */
function stopOnSignal(tap: Tap, terminal: Terminal, say: (line: string) => void): { end(): void } {
  let timer: NodeJS.Timeout | undefined;
  const restoreSignals = onStopSignal(() => {
    // Behind the ^C that the terminal shows.
    if (terminal.stderr.isTTY) terminal.stderr.write('\n');
    timer = setTimeout(() => say('waiting for the output to be read; another Ctrl-C ends it at once'), patienceMs);
    timer.unref();
    void tap.stop();
  });
  return {
    end() {
      clearTimeout(timer);
      restoreSignals();
    },
  };
}

/** Of a file; fits a buffer without its growing. */
const flushBytes = 192 * 1024;

async function printAll(
  tap: Tap,
  flags: CaptureFlags,
  printers: Printer[],
  output: Output,
  tally: Tally,
): Promise<void> {
  const eachMessage = flags.read === undefined;
  const count = flags.count ?? Number.POSITIVE_INFINITY;
  for await (const batch of tap.batches()) {
    for (const message of batch) {
      const pending = printMessage(printers, message);
      if (pending) await pending;
      tally.add(message);
      if (eachMessage || output.pending.length >= flushBytes) {
        const full = output.flush();
        if (full) await full;
      }
      if (output.closed || tally.messages >= count) break;
    }
    const full = output.flush();
    if (full) await full;
    if (output.closed || tally.messages >= count) break;
  }
  for (const printer of printers) await printer.end?.();
}

/** Awaiting only what has to be awaited: a promise a message would cost more than printing it. */
function printMessage(printers: Printer[], message: Message): Promise<void> | undefined {
  let pending: Promise<void>[] | undefined;
  for (const printer of printers) {
    const printed = printer.print(message);
    if (!printed) continue;
    pending ??= [];
    pending.push(printed);
  }
  return pending && Promise.all(pending).then(() => {});
}

function asUsageError(error: unknown): unknown {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && usageCodes.has(code) ? new UsageError((error as Error).message) : error;
}

function withUsageErrors<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw asUsageError(error);
  }
}
