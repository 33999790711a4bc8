/** The command line: what may be written, what it means, and the page that `--help` shows. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { UsageError } from './exit.js';

/** How messages are written to standard output. */
export type OutputFormat = 'console' | 'json' | 'raw';

/** `flowtap [options] [BPF expression]`, checked. */
export interface CaptureFlags {
  /** Live interface; undefined: the library's default, unless `read` is given. */
  interface: string | undefined;
  /** Path of a capture file, `-` for standard input. */
  read: string | undefined;
  /** Ports of the selected connections; empty: every port. */
  ports: number[];
  /** BPF expression, '' for none. */
  expression: string;
  /** Stop after so many messages; undefined: never. */
  count: number | undefined;
  format: OutputFormat;
  /** Keep bodies at all. */
  body: boolean;
  /** Bytes kept of each body; undefined: the library's default. */
  maxBodyBytes: number | undefined;
  /** Add the SHA-256 of bodies. */
  digest: boolean;
  /** False: no colours, whatever the terminal can do. */
  color: boolean;
  /** Print every counter at the end. */
  stats: boolean;
}

/** What the command line asks for. Subcommands become further members. */
export type Invocation = { command: 'capture'; flags: CaptureFlags } | { command: 'text'; text: string };

interface RawOptions {
  interface?: string;
  read?: string;
  port?: number[];
  count?: number;
  json?: boolean;
  raw?: boolean;
  body: boolean;
  maxBody?: number;
  digest?: boolean;
  color: boolean;
  stats?: boolean;
}

const sizeUnits: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `80` or `80,8080`, added to the ports named before. */
function parsePorts(value: string, previous: number[] = []): number[] {
  const ports = value.split(',').map((word) => {
    const port = /^\d{1,5}$/.test(word.trim()) ? Number(word) : 0;
    if (port < 1 || port > 65535)
      throw new InvalidArgumentError('a port is a number from 1 to 65535; several: -p 80,8080');
    return port;
  });
  return [...new Set([...previous, ...ports])];
}

function parseCount(value: string): number {
  const count = /^\d+$/.test(value) ? Number(value) : 0;
  if (count < 1 || !Number.isSafeInteger(count)) throw new InvalidArgumentError('a number of messages is 1 or more');
  return count;
}

/** Bytes, with an optional binary unit: `65536`, `64k`, `8m`, `1g`. */
export function parseSize(value: string): number {
  const match = /^(\d+)([kmg]?)(?:i?b)?$/i.exec(value);
  const bytes = match ? Number(match[1]) * (sizeUnits[match[2]?.toLowerCase() ?? ''] ?? Number.NaN) : Number.NaN;
  if (!Number.isSafeInteger(bytes)) throw new InvalidArgumentError('a size is a number of bytes, or 64k, 8m, 1g');
  return bytes;
}

function parseNonEmpty(value: string): string {
  if (value === '') throw new InvalidArgumentError('it is empty');
  return value;
}

const helpAfter = `
The BPF expression is the one of tcpdump (pcap-filter(7)) and applies to the outer packets. --port looks at the
connection itself, inside of VLANs and tunnels too, and is usually what you want.

Examples:
  flowtap -p 8000                        what port 8000 says, on every interface
  flowtap -p 80,8080 host 10.1.2.3       the same with a BPF expression
  flowtap -r incident.pcapng             read a capture file (pcap or pcapng)
  flowtap -r incident.pcapng --json | jq 'select(.status == 401)'
  ssh web1 tcpdump -U -s0 -w - port 8000 | flowtap -r -
  flowtap -p 8000 -n 10 --no-body        the heads of the next ten messages

Permissions:
  Reading files needs none. Live capture needs the capability CAP_NET_RAW: run flowtap with sudo, or give it to
  Node.js once:  sudo setcap cap_net_raw,cap_net_admin=eip "$(readlink -f "$(command -v node)")"

Exit codes:
  0  done, or stopped with Ctrl-C (a second Ctrl-C does not wait), or the reader of a pipe went away
  1  it failed while running (permission, interface, file, ...)
  2  the command line is wrong
`;

function build(version: string): Command {
  const source = 'Where packets come from:';
  const selection = 'What is shown:';
  const output = 'How it is shown:';
  const other = 'Other:';
  const option = (
    group: string,
    flags: string,
    description: string,
    parse?: (value: string, previous: never) => unknown,
  ) => {
    const made = new Option(flags, description).helpGroup(group);
    return parse ? made.argParser(parse as (value: string, previous: unknown) => unknown) : made;
  };
  return new Command('flowtap')
    .description(
      'Tap HTTP off the wire: shows the requests and responses that pass an interface or are in a capture file.',
    )
    .usage('[options] [BPF expression]')
    .argument('[expression...]')
    .addOption(option(source, '-i, --interface <NAME>', 'live interface (default: any; on macOS lo0)', parseNonEmpty))
    .addOption(
      option(source, '-r, --read <FILE>', 'capture file instead of an interface; - is standard input', parseNonEmpty),
    )
    .addOption(
      option(selection, '-p, --port <N>', 'only connections with this port; repeatable, also 80,8080', parsePorts),
    )
    .addOption(option(selection, '-n, --count <N>', 'stop after N messages', parseCount))
    .addOption(option(output, '--json', 'NDJSON, one message a line'))
    .addOption(option(output, '--raw', 'nothing but the bytes of heads and (de-chunked) bodies'))
    .addOption(option(output, '--no-body', 'do not keep bodies, only count their bytes'))
    .addOption(
      option(output, '--max-body <BYTES>', 'keep at most so much of each body, also 64k, 8m (default: 8m)', parseSize),
    )
    .addOption(option(output, '--digest', 'add the SHA-256 of each body that was kept whole'))
    .addOption(option(output, '--no-color', 'no colours (also: NO_COLOR=1; FORCE_COLOR=1 forces them)'))
    .addOption(option(other, '--stats', 'print every counter to standard error at the end'))
    .addOption(option(other, '-V, --version', 'print the version'))
    .addHelpOption(option(other, '-h, --help', 'print this page'))
    .addHelpText('after', helpAfter)
    .configureHelp({ visibleArguments: () => [] })
    .exitOverride()
    .on('option:version', () => {
      throw new CommanderError(0, 'flowtap.version', `flowtap ${version}`);
    });
}

/** Commander's words, turned into one line. */
function usageMessage(error: CommanderError): string {
  return error.message
    .replace(/^error: /, '')
    .replace(' is invalid. ', ' is invalid: ')
    .replace(/\n\((.*)\)$/s, ' ($1)')
    .replace(/option '(-\w), --[\w-]+ <\w+>'/, "option '$1'")
    .replace(/\s*\n\s*/g, ' ');
}

function conflict(message: string): never {
  throw new UsageError(message);
}

/**
 * Reads the command line.
 * @param args the words after the program's name
 * @param columns width that the help page may use
 * @throws UsageError when it makes no sense
 */
export function parseCommandLine(args: readonly string[], version: string, columns = 110): Invocation {
  let text = '';
  const collect = (chunk: string): void => {
    text += chunk;
  };
  const command = build(version).configureOutput({
    writeOut: collect,
    writeErr: () => {},
    getOutHelpWidth: () => columns,
    getOutHasColors: () => false,
  });
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'flowtap.version') return { command: 'text', text: `${error.message}\n` };
    if (error.exitCode === 0) return { command: 'text', text };
    throw new UsageError(usageMessage(error));
  }
  const raw = command.opts<RawOptions>();
  if (raw.interface !== undefined && raw.read !== undefined) {
    conflict('--interface and --read exclude each other: a capture has one source');
  }
  if (raw.json && raw.raw) conflict('--json and --raw exclude each other: both write to standard output');
  if (!raw.body && raw.maxBody !== undefined) conflict('--no-body and --max-body exclude each other');
  if (!raw.body && raw.digest) conflict('--digest needs the bodies that --no-body drops');
  if (raw.raw && raw.digest) conflict('--raw has no place for a digest: use --json --digest');
  return {
    command: 'capture',
    flags: {
      interface: raw.interface,
      read: raw.read,
      ports: raw.port ?? [],
      expression: command.args.join(' ').trim(),
      count: raw.count,
      format: raw.json ? 'json' : raw.raw ? 'raw' : 'console',
      body: raw.body,
      maxBodyBytes: raw.maxBody,
      digest: raw.digest ?? false,
      color: raw.color,
      stats: raw.stats ?? false,
    },
  };
}
