/** Everything that the flags ask to be written, at once. */
import { type CaptureStats, type Exchange, redact } from '../index.js';
import type { CaptureFlags } from './flags.js';
import { formatAmount } from './format.js';
import { Output } from './output.js';
import { checkOutputFiles } from './output-files.js';
import type { PacketFile } from './packet-file.js';
import { AccessLogPrinter } from './printers/access-log.js';
import { ConsolePrinter } from './printers/console.js';
import { CurlPrinter } from './printers/curl.js';
import { HarPrinter } from './printers/har.js';
import { JsonPrinter } from './printers/json.js';
import type { Printer } from './printers/printer.js';
import { RawPrinter } from './printers/raw.js';
import { SummaryPrinter } from './printers/summary-table.js';
import { redactOptionsOf } from './redaction.js';
import type { Wanted } from './selection.js';
import { sanitizeLine, sizeOf, type Terminal, wantsColor } from './terminal.js';

export interface OutputEvents {
  /** Something to say on standard error now. */
  say(line: string): void;
  /** There is nobody left who takes anything. */
  onDead(): void;
  /** Of `--write`. */
  packets: PacketFile | undefined;
}

export class Outputs {
  /** Each message and exchange goes to all of them, in this order. */
  readonly printers: readonly Printer[];
  readonly #stdout: Output;
  /** Where text for people goes: standard output, unless that is for a program. */
  readonly #text: Output;
  readonly #har: HarPrinter | undefined;
  readonly #packets: PacketFile | undefined;
  readonly #onDead: () => void;
  readonly #usesStdout: boolean;
  /** Flow files are written elsewhere, and go on. */
  readonly #writesFlows: boolean;

  private constructor(flags: CaptureFlags, wanted: Wanted, terminal: Terminal, events: OutputEvents) {
    const { outputs, digest } = flags;
    this.#onDead = events.onDead;
    this.#writesFlows = flags.tcpflow.write !== undefined;
    const forProgram = outputs.json || outputs.raw;
    const forPeople = outputs.console || outputs.exchanges || outputs.curl || outputs.summary;
    this.#usesStdout = forProgram || forPeople;
    this.#stdout = new Output(terminal.stdout, () => this.#onClosed());
    const stream = forProgram && forPeople ? terminal.stderr : terminal.stdout;
    this.#text = forProgram && forPeople ? new Output(stream, () => this.#onClosed()) : this.#stdout;
    this.#packets = events.packets;

    const printers: Printer[] = [];
    const onTerminal = terminal.stdout.isTTY === true;
    const process = flags.showProcess;
    if (outputs.json) printers.push(new JsonPrinter(this.#stdout, { digest, terminal: onTerminal, process }));
    if (outputs.raw) printers.push(new RawPrinter(this.#stdout, { terminal: onTerminal }));
    if (outputs.console) {
      const color = wantsColor(flags.color, stream, terminal.env);
      const selected = wanted.match !== undefined && wanted.scope === 'message';
      const highlight = flags.selection.grep;
      printers.push(new ConsolePrinter(this.#text, { color, digest, selected, highlight, process }));
    }
    if (outputs.curl) printers.push(new CurlPrinter(this.#text));
    const size = () => sizeOf(stream);
    if (outputs.exchanges) {
      const masked = (exchange: Exchange) => redact(exchange, redactOptionsOf(flags.redaction));
      const columns = () => size()?.columns;
      printers.push(
        new AccessLogPrinter(this.#text, {
          columns,
          redact: flags.redaction.redact ? masked : undefined,
          process: flags.showProcess,
        }),
      );
    }
    if (outputs.har !== undefined) {
      const redaction = flags.redaction.redact === false ? false : redactOptionsOf(flags.redaction);
      this.#har = new HarPrinter(
        outputs.har,
        { redact: redaction, rotation: flags.rotation, force: outputs.force },
        (error) => {
          events.say(sanitizeLine(error.message));
          this.#onClosed();
        },
      );
      printers.push(this.#har);
    }
    if (outputs.summary) {
      printers.push(new SummaryPrinter(this.#text, { size, live: drawsTable(flags, terminal) }));
    }
    this.printers = printers;
  }

  /** @throws UsageError, or Error when a file cannot be made */
  static async open(flags: CaptureFlags, wanted: Wanted, terminal: Terminal, events: OutputEvents): Promise<Outputs> {
    await checkOutputFiles(flags);
    const outputs = new Outputs(flags, wanted, terminal, events);
    await outputs.#har?.open();
    await events.packets?.open();
    events.packets?.onFailure((error) => {
      events.say(sanitizeLine(error.message));
      outputs.#onClosed();
    });
    return outputs;
  }

  /** Nobody takes anything any more. */
  get dead(): boolean {
    if (this.#writesFlows) return false;
    const stdout = this.#usesStdout && !this.#stdout.closed;
    const text = this.#text !== this.#stdout && !this.#text.closed;
    const files = [this.#har, this.#packets].some((file) => file !== undefined && !file.failed);
    return !stdout && !text && !files;
  }

  /** Something could not be written, which was said already. */
  get failed(): boolean {
    return [this.#har, this.#packets].some((file) => file?.failed);
  }

  /** Why standard output could not be written; undefined also when its reader has just gone. */
  get error(): Error | undefined {
    return this.#stdout.error;
  }

  /** Bytes that wait for {@link flush}. */
  get pendingBytes(): number {
    return Math.max(this.#stdout.pending.length, this.#text.pending.length);
  }

  /** Sends what is pending. A promise only when a reader is slow. */
  flush(): void | Promise<void> {
    const full = this.#stdout.flush();
    if (this.#text === this.#stdout) return full;
    const alsoFull = this.#text.flush();
    return full && alsoFull ? Promise.all([full, alsoFull]).then(() => {}) : (full ?? alsoFull);
  }

  /** Writes what belongs at the end, and waits until everything is through. */
  async end(): Promise<void> {
    for (const printer of this.printers) await printer.end?.();
    await this.#stdout.finish();
    if (this.#text !== this.#stdout) await this.#text.finish();
  }

  /** What became of the files. */
  report(stats: CaptureStats): string[] {
    const har = this.#har;
    const archive =
      har === undefined || har.failed ? [] : [`${formatAmount(har.count, 'exchange')} in ${sanitizeLine(har.where)}`];
    return [...archive, ...(this.#packets?.report(stats.write) ?? [])];
  }

  #onClosed(): void {
    if (this.dead) this.#onDead();
  }
}

/** Whether something is shown on this stream while the capture goes on. */
export function showsOn({ outputs }: Pick<CaptureFlags, 'outputs'>, stream: 'stdout' | 'stderr'): boolean {
  const forProgram = outputs.json || outputs.raw;
  const forPeople = outputs.console || outputs.exchanges || outputs.curl;
  return stream === 'stdout' ? forProgram || forPeople : forProgram && forPeople;
}

/** A table that is drawn again and again needs a terminal for itself. A file is over soon. */
export function drawsTable(flags: CaptureFlags, { stdout, stderr }: Pick<Terminal, 'stdout' | 'stderr'>): boolean {
  const { summary, json, raw } = flags.outputs;
  const isFile = flags.read !== undefined && flags.read !== '-';
  if (!summary || isFile || showsOn(flags, 'stderr')) return false;
  if (json || raw) return stderr.isTTY === true && stdout.isTTY !== true;
  return stdout.isTTY === true && !showsOn(flags, 'stdout');
}
