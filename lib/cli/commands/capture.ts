/** `flowtap [options] [BPF expression]`: capture, write, say what was seen. */
import { type CaptureOptions, capture, explain, formatExplanation } from '../../index.js';
import { CaptureFiles } from '../capture-files.js';
import { deliver } from '../deliver.js';
import { ExitCode, UsageError } from '../exit.js';
import type { CaptureFlags } from '../flags.js';
import { Output } from '../output.js';
import { drawsTable, Outputs, showsOn } from '../outputs.js';
import { PacketFile } from '../packet-file.js';
import { checkUser, isToGiveUpRoot, openWithRoot } from '../privileges.js';
import { Progress } from '../progress.js';
import { redactOptionsOf } from '../redaction.js';
import { describeSecrets } from '../secrets.js';
import { checkPossible, looksAtBodies, type Wanted, wantedOf, wantsExchanges } from '../selection.js';
import { stopOnSignal } from '../stop-on-signal.js';
import { describeSource, formatStats, summarize, Tally } from '../summary.js';
import { firstTimeOf } from '../tcpflow/finish-only.js';
import { type CommandTap, describeFiles, FlowTapped, makeWriter, reportFiles } from '../tcpflow/flow-tapped.js';
import { checkOnlyFlows, runFlows } from '../tcpflow/run-flows.js';
import { sanitizeLine, sanitizeText, type Terminal } from '../terminal.js';

/** Codes of errors that are about what was typed. */
const usageCodes = new Set(['ERR_OPTION', 'ERR_FILTER']);

/** The library's options for the flags. */
export function captureOptions(
  flags: CaptureFlags,
  wanted: Wanted,
  terminal: Pick<Terminal, 'stdin'>,
  packets?: PacketFile,
  several?: CaptureFiles,
): CaptureOptions {
  const options: CaptureOptions = {};
  if (flags.read === '-') options.stream = terminal.stdin;
  else if (several !== undefined) options.stream = several;
  else if (flags.read !== undefined) options.file = flags.read;
  else if (flags.interfaces.length > 0) options.interface = flags.interfaces;
  if (flags.workers !== undefined) options.workers = flags.workers;
  if (flags.pid !== undefined) options.pid = flags.pid;
  if (flags.process !== undefined) options.process = flags.process;
  if (flags.netns !== undefined) options.netns = flags.netns;
  if (flags.showProcess) options.processes = true;
  if (flags.ports.length > 0) options.port = flags.ports;
  if (flags.promiscuous) options.promiscuous = true;
  if (flags.expression !== '') options.filter = flags.expression;
  if (wanted.match !== undefined) {
    options.match = wanted.match;
    options.matchScope = wanted.scope;
  }
  if (packets) options.write = packets.options;
  if (!flags.body || showsNothing(flags, wanted)) options.body = 'none';
  else if (flags.outputs.raw && !needsBodies(flags, wanted)) options.body = 'wire';
  if (flags.maxBodyBytes !== undefined) options.maxBodyBytes = flags.maxBodyBytes;
  return options;
}

/** Only packets are written, or a table that tells how long bodies are. */
function showsNothing(flags: CaptureFlags, wanted: Wanted): boolean {
  return !showsOn(flags, 'stdout') && !needsBodies(flags, wanted);
}

/** De-chunked ones, which `--raw` alone does not. */
function needsBodies(
  { outputs, redaction, tcpflow }: Pick<CaptureFlags, 'outputs' | 'redaction' | 'tcpflow'>,
  wanted: Wanted,
): boolean {
  return (
    tcpflow.write !== undefined ||
    outputs.har !== undefined ||
    outputs.curl ||
    outputs.console ||
    redaction.redact === true ||
    looksAtBodies(wanted)
  );
}

/** Resolves to the exit code; rejects with what makes the command fail. */
export async function runCapture(flags: CaptureFlags, terminal: Terminal): Promise<number> {
  const wanted = withUsageErrors(() => wantedOf(flags));
  if (flags.explain) return explainWanted(wanted, terminal);
  checkPossible(wanted);
  if (!flags.body && looksAtBodies(wanted))
    throw new UsageError('--no-body keeps no bodies, but --where looks at them');
  checkUser(flags);
  const { write, force } = flags.outputs;
  const packets = write === undefined ? undefined : new PacketFile(write, { rotation: flags.rotation, force });
  if (flags.tcpflow.print !== undefined) checkOnlyFlows(flags);
  const several = flags.readSeveral && (await openSeveral(flags.readSeveral, flags, terminal));
  try {
    const options = captureOptions(flags, wanted, terminal, packets, several);
    const code = await captureWith(options, flags, wanted, terminal, packets);
    return several?.incomplete ? ExitCode.failure : code;
  } finally {
    several?.destroy();
  }
}

function openSeveral(names: readonly string[], flags: CaptureFlags, { stderr }: Terminal): Promise<CaptureFiles> {
  return CaptureFiles.open(names, {
    keepOpen: isToGiveUpRoot(flags),
    say: (line) => stderr.write(`flowtap: ${sanitizeLine(line)}\n`),
  });
}

async function captureWith(
  options: CaptureOptions,
  flags: CaptureFlags,
  wanted: Wanted,
  terminal: Terminal,
  packets: PacketFile | undefined,
): Promise<number> {
  const { print, write } = flags.tcpflow;
  if (print !== undefined) {
    return runFlows(flags, print, options, terminal).catch((error) => Promise.reject(asUsageError(error)));
  }
  const { expression } = explain(wanted.match ?? {});
  const since = await firstTimeOf(flags);
  let files: FlowTapped | undefined;
  const tap: CommandTap = withUsageErrors(() => {
    if (write === undefined) return capture(options);
    files = new FlowTapped(options, since, () => makeWriter(flags, (error) => say(sanitizeLine(error.message))));
    return files;
  });
  const tally = new Tally();
  let progress: Progress | undefined;
  const say = (line: string): void => {
    // It would be drawn over.
    progress?.stop();
    terminal.stderr.write(`flowtap: ${line}\n`);
  };
  const stopping = stopOnSignal(tap, terminal, say, drawsTable(flags, terminal));
  let outputs: Outputs | undefined;
  let failure: unknown;
  // Who sends to standard input may take its time.
  const early = flags.read === '-';
  if (early) say(describeSource(flags, undefined, expression));
  try {
    await openWithRoot(tap, flags, say);
    outputs = await Outputs.open(flags, wanted, terminal, { say, onDead: () => void tap.close(), packets });
    if (!early) say(describeSource(flags, tap.info, expression));
    const secrets = describeSecrets(flags);
    if (secrets !== undefined) say(secrets);
    if (write) for (const line of describeFiles(write)) say(line);
    progress = progressOf(flags, terminal, tap, tally);
    await deliver(tap, outputs, tally, {
      exchanges: wantsExchanges(flags.outputs),
      count: flags.count ?? Number.POSITIVE_INFINITY,
      kind: wanted.kind,
      redact: flags.redaction.redact ? redactOptionsOf(flags.redaction) : undefined,
      eachMessage: flags.read === undefined,
    });
  } catch (error) {
    // Nobody reads any more, which closed the tap under the loop; or it was stopped before there was anything.
    const isTold = outputs?.dead || packets?.isFailure(error);
    if (!isTold && !stopping.explains(error)) failure = error;
  }
  progress?.stop();
  await outputs?.end();
  await tap.close();
  await packets?.end();
  stopping.end();
  // Else an open pipe would keep the process alive.
  if (flags.read === '-') terminal.stdin.destroy();
  const stats = tap.stats();
  const quiet = outputs === undefined ? failure !== undefined : outputs.dead && !outputs.error && !outputs.failed;
  if (!quiet && (failure === undefined || stats.packets.received > 0)) {
    for (const line of [...summarize(flags, tally, stats), ...(outputs?.report(stats) ?? [])]) say(line);
    if (write && files?.writer) for (const line of reportFiles(files.writer, write)) say(line);
  }
  if (flags.stats) for (const line of formatStats(stats)) terminal.stderr.write(`${line}\n`);
  if (outputs?.error) throw new Error(`cannot write the output: ${outputs.error.message}`);
  if (failure !== undefined) throw asUsageError(failure);
  return outputs?.failed || files?.writer?.totals.failed ? ExitCode.failure : ExitCode.ok;
}

async function explainWanted({ match, scope }: Wanted, terminal: Terminal): Promise<number> {
  const output = new Output(terminal.stdout);
  const about = scope === 'exchange' ? 'exchanges: both sides of what matches' : 'messages: each by itself';
  output.pending.text(
    `${sanitizeText(formatExplanation(explain(match ?? {}, scope)))}\n${'shown'.padEnd(25)}${about}\n`,
  );
  await output.finish();
  return ExitCode.ok;
}

/** Of files, where a terminal has nothing else to show. */
function progressOf(
  flags: CaptureFlags,
  { stdout, stderr }: Terminal,
  tap: CommandTap,
  tally: Tally,
): Progress | undefined {
  if (flags.read === undefined || flags.read === '-' || flags.readSeveral !== undefined || !stderr.isTTY)
    return undefined;
  if (showsOn(flags, 'stderr') || (stdout.isTTY && showsOn(flags, 'stdout'))) return undefined;
  return new Progress({
    path: flags.read,
    stream: stderr,
    stats: () => tap.stats(),
    messages: () => tally.seen,
  });
}

function asUsageError(error: unknown): unknown {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && usageCodes.has(code) ? new UsageError((error as Error).message) : error;
}

function withUsageErrors<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw asUsageError(error);
  }
}
