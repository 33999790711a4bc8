/** The command line: what may be written, and what it means. */
import { type Command, CommanderError } from 'commander';
import { buildCommand, type RawOptions } from './command-line.js';
import { UsageError } from './exit.js';
import { type RotationFlags, rotationFlagsOf } from './rotation/options.js';
import { buildSubcommand, isSubcommand, type Subcommand } from './subcommands.js';
import { type TcpflowFlags, tcpflowFlagsOf } from './tcpflow/options.js';
import type { WantedHeader } from './values.js';

/** Which messages are wanted; what is empty or undefined asks for nothing. */
export interface Selection {
  /** Expressions, all of which must hold. */
  where: string[];
  kind: 'request' | 'response' | undefined;
  /** Of each of these lists one must hold, except of headers: all. */
  methods: string[];
  hosts: string[];
  paths: string[];
  statuses: string[];
  headers: WantedHeader[];
  grep: RegExp | undefined;
  /** The other side of what matches, too. */
  exchange: boolean;
}

/** What is written at the same time. */
export interface OutputFlags {
  console: boolean;
  json: boolean;
  raw: boolean;
  exchanges: boolean;
  summary: boolean;
  curl: boolean;
  /** Path of the archive. */
  har: string | undefined;
  /** Path of the pcapng file. */
  write: string | undefined;
  /** Files may be replaced. */
  force: boolean;
}

export interface RedactionFlags {
  /** Undefined: as each output does by itself. */
  redact: boolean | undefined;
  headers: string[];
  query: string[];
  fields: string[];
}

/** `flowtap [options] [BPF expression]`, checked. */
export interface CaptureFlags {
  /** Live interfaces; empty: the library's default, unless `read` is given. */
  interfaces: string[];
  /** Capture threads; undefined: the library's default. */
  workers: number | undefined;
  /** Path of a capture file, `-` for standard input. */
  read: string | undefined;
  /** Files and globs, when there is more than one file; `read` says how they are called. */
  readSeveral: string[] | undefined;
  /** Whose sockets; at most one of the three. */
  pid: number | undefined;
  process: string | undefined;
  /** Path, name, or number of a process that is in it. */
  netns: string | number | undefined;
  /** Tell which process has the socket. */
  showProcess: boolean;
  /** Who to become when the source was opened; undefined: who called sudo. */
  user: string | undefined;
  /** Ports of the selected connections; empty: every port. */
  ports: number[];
  /** Receive packets for other machines, live. */
  promiscuous: boolean;
  /** BPF expression, '' for none. */
  expression: string;
  selection: Selection;
  /** Say what is looked for instead of looking for it. */
  explain: boolean;
  /** Stop after so many messages or exchanges; undefined: never. */
  count: number | undefined;
  outputs: OutputFlags;
  rotation: RotationFlags;
  /** `--tcp` and `-o`. */
  tcpflow: TcpflowFlags;
  redaction: RedactionFlags;
  /** Keep bodies at all. */
  body: boolean;
  /** Bytes kept of each body; undefined: the library's default. */
  maxBodyBytes: number | undefined;
  /** Add the SHA-256 of bodies, where there are bodies and a place for it. */
  digest: boolean;
  /** False: no colours, whatever the terminal can do. */
  color: boolean;
  /** Print every counter at the end. */
  stats: boolean;
}

/** `flowtap listeners`, `flowtap interfaces` */
export interface ListFlags {
  json: boolean;
}

/** What the command line asks for. */
export type Invocation =
  | { command: 'capture'; flags: CaptureFlags }
  | { command: Subcommand; flags: ListFlags }
  | { command: 'text'; text: string };

/** Commander's words, turned into one line. */
function usageMessage(error: CommanderError): string {
  return error.message
    .replace(/^error: /, '')
    .replace(' is invalid. ', ' is invalid: ')
    .replace(/\n\((.*)\)$/s, ' ($1)')
    .replace(/option '(-\w), --[\w-]+ <\w+>'/, "option '$1'")
    .replace(/\s*\n\s*/g, ' ');
}

/**
 * Reads the command line.
 * @param args the words after the program's name
 * @param columns width that the help page may use
 * @throws UsageError when it makes no sense
 */
export function parseCommandLine(args: readonly string[], version: string, columns = 110): Invocation {
  const [first = '', ...rest] = args;
  if (isSubcommand(first)) {
    const subcommand = buildSubcommand(first);
    const text = parseWith(subcommand, rest, columns);
    if (text !== undefined) return { command: 'text', text };
    return { command: first, flags: { json: subcommand.opts<Partial<ListFlags>>().json ?? false } };
  }
  const command = buildCommand(version);
  const text = parseWith(command, args, columns);
  if (text !== undefined) return { command: 'text', text };
  const raw = command.opts<RawOptions>();
  checkConflicts(raw);
  const [word = ''] = command.args;
  if (isSubcommand(word)) throw new UsageError(`${word} stands before the options: flowtap ${word} --json`);
  return {
    command: 'capture',
    flags: {
      interfaces: raw.interface ?? [],
      workers: raw.workers,
      ...filesOf([...(raw.read ?? []), ...(raw.R ?? [])]),
      pid: raw.pid,
      process: raw.process,
      netns: raw.netns,
      showProcess: raw.showProcess ?? false,
      user: raw.user ?? raw.U,
      ports: raw.port ?? [],
      promiscuous: raw.promiscuous ?? false,
      expression: command.args.join(' ').trim(),
      selection: selectionOf(raw),
      explain: raw.explain ?? false,
      count: raw.count,
      outputs: outputsOf(raw),
      rotation: rotationFlagsOf(raw),
      tcpflow: tcpflowFlagsOf(raw),
      redaction: redactionOf(raw),
      body: raw.body,
      maxBodyBytes: raw.maxBody,
      digest: raw.digest ?? false,
      color: raw.color,
      stats: raw.stats ?? false,
    },
  };
}

/** Returns the text that is asked for instead of anything else: help, version. */
function parseWith(command: Command, args: readonly string[], columns: number): string | undefined {
  let text = '';
  command.configureOutput({
    writeOut: (chunk) => {
      text += chunk;
    },
    writeErr: () => {},
    getOutHelpWidth: () => columns,
    getOutHasColors: () => false,
  });
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'flowtap.version') return `${error.message}\n`;
    if (error.exitCode === 0) return text;
    throw new UsageError(usageMessage(error));
  }
  return undefined;
}

const noProcesses = 'a capture file does not tell of processes and namespaces';

const conflicts: readonly (readonly [one: keyof RawOptions, other: keyof RawOptions, message: string])[] = [
  ['interface', 'read', '--interface and --read exclude each other: a capture has one source'],
  ['json', 'raw', '--json and --raw exclude each other: both write to standard output'],
  ['process', 'pid', '--process and --pid exclude each other: a capture follows one or the other'],
  ['process', 'netns', '--process and --netns exclude each other: a process is captured in its own namespace'],
  ['pid', 'netns', '--pid and --netns exclude each other: a process is captured in its own namespace'],
  ['process', 'read', `--process and --read exclude each other: ${noProcesses}`],
  ['pid', 'read', `--pid and --read exclude each other: ${noProcesses}`],
  ['netns', 'read', `--netns and --read exclude each other: ${noProcesses}`],
  ['showProcess', 'read', `--show-process and --read exclude each other: ${noProcesses}`],
];

function checkConflicts(raw: RawOptions): void {
  for (const [one, other, message] of conflicts) {
    if (raw[one] !== undefined && raw[other] !== undefined) throw new UsageError(message);
  }
  if (raw.redact === false && namesSecrets(raw)) {
    throw new UsageError('--no-redact excludes --redact-header, --redact-query and --redact-field');
  }
  if (raw.count !== undefined && raw.write !== undefined && (raw.output ?? raw.report) !== undefined) {
    throw new UsageError(
      '--count does not go with --write and -o together, which capture side by side: leave one of them out',
    );
  }
  if ((raw.redact || namesSecrets(raw)) && (raw.output !== undefined || raw.tcp)) {
    throw new UsageError('--redact cannot mask flows, which are written as they were sent: leave out -o and --tcp');
  }
}

function namesSecrets({ redactHeader, redactQuery, redactField }: RawOptions): boolean {
  return [redactHeader, redactQuery, redactField].some((names) => names !== undefined);
}

function filesOf(names: string[]): Pick<CaptureFlags, 'read' | 'readSeveral'> {
  if (names.length < 2 && !/[*?]/.test(names[0] ?? '')) return { read: names[0], readSeveral: undefined };
  if (names.includes('-')) throw new UsageError('-r - excludes other files: standard input is one capture');
  return { read: names.join(', '), readSeveral: names };
}

function selectionOf(raw: RawOptions): Selection {
  return {
    where: raw.where ?? [],
    kind: raw.kind,
    methods: raw.method ?? [],
    hosts: raw.host ?? [],
    paths: raw.path ?? [],
    statuses: raw.status ?? [],
    headers: raw.header ?? [],
    grep: raw.grep === undefined ? undefined : new RegExp(raw.grep, raw.ignoreCase ? 'i' : ''),
    exchange: raw.exchange ?? false,
  };
}

function outputsOf(raw: RawOptions): OutputFlags {
  const { json = false, raw: bytes = false, exchanges = false, summary = false, curl = false, har, write } = raw;
  const files = har ?? write ?? raw.output ?? raw.report;
  const other = json || bytes || exchanges || summary || curl || files !== undefined;
  const console = raw.console ?? !other;
  return { console, json, raw: bytes, exchanges, summary, curl, har, write, force: raw.force ?? false };
}

function redactionOf(raw: RawOptions): RedactionFlags {
  return {
    redact: namesSecrets(raw) ? true : raw.redact,
    headers: raw.redactHeader ?? [],
    query: raw.redactQuery ?? [],
    fields: raw.redactField ?? [],
  };
}
