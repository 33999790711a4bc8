/** The options of the command, as commander knows them, and the page that `--help` shows. */
import { Command, CommanderError, Option } from 'commander';
import { permissionHelp } from './permission-help.js';
import { type RawRotationOptions, rotationRows } from './rotation/options.js';
import { subcommandHelp, subcommandUsage } from './subcommands.js';
import { hiddenTcpflowRows, type RawTcpflowOptions, refusedTcpflowRows, tcpflowRows } from './tcpflow/options.js';
import {
  parseCount,
  parseFile,
  parseHeader,
  parseKind,
  parseNames,
  parseNamespace,
  parseOnce,
  parsePid,
  parsePorts,
  parseRegExp,
  parseSize,
  parseStatuses,
  parseText,
  type WantedHeader,
} from './values.js';

/** What commander makes of the words. */
export interface RawOptions extends RawTcpflowOptions, RawRotationOptions {
  interface?: string[];
  read?: string[];
  process?: string;
  pid?: number;
  netns?: string | number;
  showProcess?: boolean;
  user?: string;
  port?: number[];
  workers?: number;
  promiscuous?: boolean;
  count?: number;
  where?: string[];
  kind?: 'request' | 'response';
  method?: string[];
  host?: string[];
  path?: string[];
  status?: string[];
  header?: WantedHeader[];
  grep?: string;
  ignoreCase?: boolean;
  exchange?: boolean;
  explain?: boolean;
  console?: boolean;
  json?: boolean;
  raw?: boolean;
  exchanges?: boolean;
  summary?: boolean;
  curl?: boolean;
  har?: string;
  write?: string;
  force?: boolean;
  redact?: boolean;
  redactHeader?: string[];
  redactQuery?: string[];
  redactField?: string[];
  body: boolean;
  maxBody?: number;
  digest?: boolean;
  color: boolean;
  stats?: boolean;
}

const helpAfter = () => `
Commands:
${subcommandHelp}

The BPF expression is the one of tcpdump (pcap-filter(7)) and applies to the outer packets. --port looks at the
connection itself, inside of VLANs and tunnels too, and is usually what you want.

Examples:
  flowtap -p 8000                        what port 8000 says, on every interface
  flowtap -p 80,8080 host 10.1.2.3       the same with a BPF expression
  flowtap -r incident.pcapng             read a capture file (pcap or pcapng)
  flowtap --process ruby                 what the sockets of that process carry, also in a container
  flowtap -p 8000 --status 401 --exchange          what was refused, with the requests
  flowtap -p 8000 --status 401 --kind request      only those requests
  flowtap -p 8000 --grep 'token expired'           messages with that in head or body
  flowtap -r day.pcap --where 'wait > 1s and path == /api/*' --exchanges
  flowtap -p 8000 --har incident.har --exchanges   an archive for the ticket, a line each for you
  flowtap -r day.pcap --status 5xx --write failed.pcapng   only their connections, for Wireshark
  flowtap -r day.pcap --summary          which endpoint is slow, which one fails
  flowtap -r incident.pcapng --json | jq 'select(.status == 401)'
  ssh web1 tcpdump -U -s0 -w - port 8000 | flowtap -r -

Permissions:
${permissionHelp()}

Exit codes:
  0  done, or stopped with Ctrl-C (a second Ctrl-C does not wait), or the reader of a pipe went away
  1  it failed while running (permission, interface, file, ...)
  2  the command line is wrong
`;

type Parse = (value: string, previous: never) => unknown;
type Row = readonly [flags: string, description: string, parse?: Parse];

/** The help page has them in this order. */
const groups: Readonly<Record<string, readonly Row[]>> = {
  'Where packets come from:': [
    ['-i, --interface <NAME>', 'live interface; repeatable (default: any; on macOS lo0)', parseText],
    [
      '-r, --read <FILE>',
      "capture file instead of an interface, also .gz and .zst; - is standard input; repeatable, also 'day-*.pcap'",
      parseText,
    ],
    ['-p, --port <N>', 'only connections with this port; repeatable, also 80,8080', parsePorts],
    [
      '--process <NAME>',
      'what the sockets of the processes with this name carry, in their network namespace',
      parseOnce,
    ],
    ['--pid <N>', 'the same of this process and all that it starts; the capture ends with it', parsePid],
    ['--netns <PLACE>', 'in this network namespace: a path, a name, or the pid of a process in it', parseNamespace],
    ['--user <NAME>', 'who to be when that was opened (default: who called sudo)', parseOnce],
    ['--workers <N>', 'capture threads that share the connections (default: 1)', parseCount],
    ['--promiscuous', 'live: receive packets for other machines too (--no-promiscuous, the default: not)'],
  ],
  'Which messages (all that are given must hold; * in a GLOB is any text):': [
    ['--method <NAMES>', 'method of the request: POST or PUT,PATCH', parseNames],
    ['--host <GLOBS>', 'its Host, with or without the port', parseNames],
    ['--path <GLOB>', 'its path without the query; repeatable: one of them', parseText],
    ['--status <CODES>', 'status of the response: 404, 4xx, 500..504, or several of these', parseStatuses],
    ['--header <NAME[=GLOB]>', 'with this header field; repeatable', parseHeader],
    ['--kind <KIND>', 'request or response', parseKind],
    ['--grep <REGEX>', 'head or decoded body match; matches are highlighted', parseRegExp],
    ['--ignore-case', 'for --grep'],
    ['--where <EXPR>', "any of these and more: 'method == POST and status >= 500', see docs/expressions.md", parseText],
    ['--exchange', 'show the other side of what matches too'],
    ['--explain', 'say what is looked for and which part of it is decided where, and exit'],
    ['-n, --count <N>', 'stop after N messages; after N exchanges with --har, --exchanges, --summary', parseCount],
  ],
  'Outputs (several at once; --console when there is no other):': [
    ['-c, --console', 'for reading: a block a message'],
    ['--exchanges', 'a line for each request with its response: status, sizes, wait and total time'],
    ['--summary', 'a table of endpoints: count, rate, errors, percentiles of the time, bytes'],
    ['--curl', 'each request as a curl command'],
    ['--json', 'NDJSON, one message a line'],
    ['--raw', 'nothing but the bytes of heads and bodies, as on the wire'],
    ['--har <FILE>', 'HTTP archive, for browsers and HAR viewers; secrets masked', parseFile],
    ['--write <FILE>', 'the packets of their connections as pcapng, for Wireshark; secrets as captured', parseFile],
    ['--force', 'replace files that exist'],
    ...rotationRows,
  ],
  'Flows, as tcpflow (docs/tcpflow.md tells of its other options):': tcpflowRows,
  'Secrets:': [
    ['--redact', 'mask them in every output (default: in --har only)'],
    ['--no-redact', 'mask nothing'],
    ['--redact-header <NAMES>', 'mask these header fields too; implies --redact', parseNames],
    ['--redact-query <NAMES>', 'and these parameters of the query', parseNames],
    ['--redact-field <NAMES>', 'and these fields of JSON and forms', parseNames],
  ],
  'How it is shown:': [
    ['--no-body', 'do not keep bodies, only count their bytes'],
    ['--max-body <BYTES>', 'keep at most so much of each body, also 64k, 8m (default: 8m)', parseSize],
    ['--digest', 'add the SHA-256 of each body that was kept whole (--console, --json)'],
    ['--show-process', 'tell which process has the socket (--console, --exchanges, --json, -o)'],
    ['--no-color', 'no colours (also: NO_COLOR=1; FORCE_COLOR=1 forces them)'],
  ],
  'Other:': [
    ['--stats', 'print every counter to standard error at the end'],
    ['-V, --version', 'print the version'],
  ],
};

function optionOf(group: string, [flags, description, parse]: Row): Option {
  const option = new Option(flags, description).helpGroup(group);
  return parse ? option.argParser(parse as (value: string, previous: unknown) => unknown) : option;
}

export function buildCommand(version: string): Command {
  const command = new Command('flowtap')
    .description(
      'Tap HTTP off the wire: shows the requests and responses that pass an interface or are in a capture file.',
    )
    .usage(`[options] [BPF expression]\n       flowtap ${subcommandUsage}`)
    .argument('[expression...]');
  for (const [group, rows] of Object.entries(groups)) {
    for (const row of rows) command.addOption(optionOf(group, row));
  }
  for (const row of [['--no-promiscuous', ''] as const, ...hiddenTcpflowRows, ...refusedTcpflowRows])
    command.addOption(optionOf('', row).hideHelp());
  return command
    .addHelpOption(optionOf('Other:', ['-h, --help', 'print this page']))
    .addHelpText('after', () => helpAfter())
    .configureHelp({ visibleArguments: () => [] })
    .exitOverride()
    .on('option:version', () => {
      throw new CommanderError(0, 'flowtap.version', `flowtap ${version}`);
    });
}
