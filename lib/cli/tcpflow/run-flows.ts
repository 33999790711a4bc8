/** `flowtap --tcp`: print flows, and write them with `-o`. */
import { type CaptureOptions, type FlowFileWriter, flows } from '../../index.js';
import { ExitCode, UsageError } from '../exit.js';
import type { CaptureFlags } from '../flags.js';
import { formatAmount } from '../format.js';
import { Output } from '../output.js';
import { checkOutputFiles } from '../output-files.js';
import { openWithRoot } from '../privileges.js';
import { stopOnSignal } from '../stop-on-signal.js';
import { describeSource, formatStats } from '../summary.js';
import { colorsFor, sanitizeLine, type Terminal, wantsColor } from '../terminal.js';
import { begunBefore, firstTimeOf } from './finish-only.js';
import { FlowPrinter } from './flow-printer.js';
import { describeFiles, makeWriter, reportFiles } from './flow-tapped.js';
import type { FlowPrintFlags } from './options.js';

/**
 * Resolves to the exit code; rejects with what makes the command fail.
 * @param options those about packets
 */
export async function runFlows(
  flags: CaptureFlags,
  print: FlowPrintFlags,
  options: CaptureOptions,
  terminal: Terminal,
): Promise<number> {
  const since = await firstTimeOf(flags);
  const tap = flows(options);
  const say = (line: string): void => {
    terminal.stderr.write(`flowtap: ${line}\n`);
  };
  const output = new Output(terminal.stdout, () => {
    if (writer === undefined) void tap.close();
  });
  const colors = colorsFor(print.form !== 'binary' && wantsColor(flags.color, terminal.stdout, terminal.env));
  const printer = new FlowPrinter(output, { ...print, colors, json: flags.outputs.json });
  const stopping = stopOnSignal(tap, terminal, say);
  let writer: FlowFileWriter | undefined;
  let failure: unknown;
  // Who sends to standard input may take its time.
  const early = flags.read === '-';
  if (early) say(describeSource(flags, undefined));
  try {
    await openWithRoot(tap, flags, say);
    await checkOutputFiles(flags);
    const { write } = flags.tcpflow;
    if (write) writer = makeWriter(flags, (error) => say(sanitizeLine(error.message)));
    if (!early) say(describeSource(flags, tap.info));
    if (write) for (const line of describeFiles(write)) say(line);
    for await (const batch of begunBefore(since, tap.batches())) {
      writer?.write(batch);
      printer.print(batch);
      const full = output.flush();
      if (full) await full;
    }
  } catch (error) {
    if (!output.closed && !stopping.explains(error)) failure = error;
  }
  await output.finish();
  await tap.close();
  await writer?.end();
  stopping.end();
  const stats = tap.stats();
  if (early) terminal.stdin.destroy();
  if ((!output.closed || writer !== undefined) && (failure === undefined || stats.packets.received > 0)) {
    const connections = formatAmount(printer.connections, 'connection');
    say(`${connections}, ${formatAmount(printer.bytes, 'byte')}, ${formatAmount(stats.packets.received, 'packet')}`);
    if (printer.missing > 0) say(`${formatAmount(printer.missing, 'byte')} missing`);
    if (writer && flags.tcpflow.write) for (const line of reportFiles(writer, flags.tcpflow.write)) say(line);
  }
  if (flags.stats) for (const line of formatStats(stats)) terminal.stderr.write(`${line}\n`);
  if (output.error) throw new Error(`cannot write the output: ${output.error.message}`);
  if (failure !== undefined) throw failure;
  return writer !== undefined && writer.totals.failed > 0 ? ExitCode.failure : ExitCode.ok;
}

/** What is about messages has no place beside flows. @throws UsageError */
export function checkOnlyFlows({ outputs, selection, redaction, count }: CaptureFlags): void {
  const { raw, exchanges, summary, curl, har, write } = outputs;
  const selects =
    selection.kind !== undefined ||
    selection.grep !== undefined ||
    selection.exchange ||
    [selection.where, selection.methods, selection.hosts, selection.paths, selection.statuses, selection.headers].some(
      (list) => list.length > 0,
    );
  if (
    raw ||
    exchanges ||
    summary ||
    curl ||
    (har ?? write) !== undefined ||
    selects ||
    count !== undefined ||
    redaction.redact
  ) {
    throw new UsageError('--tcp prints flows, not messages: beside it are -o, --json and what selects packets');
  }
}
