/** The options that people know from tcpflow, and what they mean here. docs/tcpflow.md is the table of them. */
import { InvalidArgumentError } from 'commander';
import { UsageError } from '../exit.js';
import { parseCount, parseFile, parseNonEmpty, parseSize } from '../values.js';

/** What commander makes of them; those without a long name are called by their letter. */
export interface RawTcpflowOptions {
  read?: string[];
  write?: string;
  output?: string;
  template?: string;
  report?: string;
  tcp?: boolean;
  bare?: boolean;
  hex?: boolean;
  binary?: boolean;
  maxFlow?: number;
  flowHash?: string;
  F?: string;
  e?: string[];
  m?: number;
  f?: number;
  I?: boolean;
  R?: string[];
  U?: string;
  Z?: boolean;
  '0'?: boolean;
}

/** `--tcp` */
export interface FlowPrintFlags {
  headings: boolean;
  form: 'text' | 'hex' | 'binary';
  /** An empty line behind each piece. */
  spaced: boolean;
}

/** `-o`, `-X` */
export interface FlowFileFlags {
  folder: string;
  template: string | undefined;
  report: string | undefined;
  files: boolean;
  decode: boolean;
  digest: string | undefined;
  maxFileBytes: number | undefined;
  newFileAfterGap: number | undefined;
  maxOpenFiles: number | undefined;
  index: boolean;
}

export interface TcpflowFlags {
  /** Print flows instead of messages. */
  print: FlowPrintFlags | undefined;
  write: FlowFileFlags | undefined;
  /** Files, among those that are read, whose packets begin no connection. */
  finish: readonly string[];
}

type Row = readonly [flags: string, description: string, parse?: (value: string, previous: never) => unknown];

/** On the help page. */
export const tcpflowRows: readonly Row[] = [
  ['-o, --output <DIR>', 'a file for each direction of each connection, decoded bodies, and report.xml', parseFile],
  ['-T, --template <NAMES>', "how those files are named (default: '%A.%a-%B.%b%V%v%C%c')", parseNonEmpty],
  ['-X, --report <FILE>', 'where the report goes (DFXML)', parseFile],
  ['--flow-hash <NAME>', 'hash of each file in the report: md5, sha1 or sha256', parseNonEmpty],
  ['-b, --max-flow <BYTES>', 'at most so much of each flow', parseSize],
  ['--tcp', 'print TCP flows, HTTP or not, instead of messages'],
  ['-C, --bare', 'the same without headings'],
  ['-D, --hex', 'the same in hexadecimal'],
  ['-B, --binary', 'the same as it was sent'],
];

/** Understood, but not on the help page: what they ask for is so already, or there is another name for it. */
export const hiddenTcpflowRows: readonly Row[] = [
  ['-F <FORMS>', 'forms of names', parseForms],
  ['-e <SCANNER>', 'http, md5, all', parseScanner],
  ['-a', 'all of them'],
  ['-m <BYTES>', 'a new file after so many missing bytes', parseSize],
  ['-f <N>', 'files that are open at a time', parseCount],
  ['-I', 'a file with the times of each flow beside it'],
  ['-R <FILE>', 'read it too, but only to finish connections', parseFiles],
  ['-U <NAME>', 'is --user', parseNonEmpty],
  ['-Z', 'do not undo content codings'],
  ['-0', 'no empty line behind each piece'],
  ['-s', 'what cannot be printed is escaped always'],
  ['-g', 'colours are there on a terminal'],
];

/** What to use instead. */
const refused: Readonly<Record<string, { sentence: string; value?: true }>> = {
  d: { sentence: 'there are no levels of debugging; --stats prints every counter', value: true },
  E: { sentence: 'there are no scanners to choose from; bodies are written unless --no-body', value: true },
  H: { sentence: 'there are no scanners; --help tells of the outputs' },
  J: { sentence: 'it is --json here, and with --tcp the flows' },
  K: {
    sentence: 'packets are not kept a flow each: --write FILE keeps them, of all connections with HTTP, beside -o too',
  },
  l: { sentence: "name each file with -r, or several: -r 'day-*.pcap'" },
  L: { sentence: 'standard output is not shared by a semaphore', value: true },
  P: { sentence: 'connections that are over are always let go; --stats tells how many there were' },
  q: { sentence: 'redirect standard error (2>/dev/null) to be rid of what is said besides' },
  S: { sentence: "tcpflow's plug-ins are not here, and so are not their settings", value: true },
  v: { sentence: 'it does not talk more; --stats prints every counter' },
  w: { sentence: 'packets that are no TCP are not written anywhere', value: true },
  x: { sentence: 'there are no scanners to leave out; --no-body leaves out bodies', value: true },
  z: { sentence: 'it does not change its root; containers do that', value: true },
};

export const refusedTcpflowRows: readonly Row[] = Object.entries(refused).map(
  ([letter, { sentence, value }]): Row => [`-${letter}${value ? ' <VALUE>' : ''}`, sentence],
);

/** @throws UsageError */
export function tcpflowFlagsOf(raw: RawTcpflowOptions): TcpflowFlags {
  for (const [letter, { sentence }] of Object.entries(refused)) {
    if ((raw as Record<string, unknown>)[letter] !== undefined) throw new UsageError(`-${letter}: ${sentence}`);
  }
  const [print, write, finish] = [printFlagsOf(raw), fileFlagsOf(raw), raw.R ?? []];
  if (finish.length > 0 && raw.read === undefined) {
    throw new UsageError('-R finishes the connections of other files: name those with -r');
  }
  if (finish.length > 0 && (print ?? write) === undefined) {
    throw new UsageError('-R is about flows, which -o and --tcp write; -r reads a file like any other');
  }
  if (finish.length > 0 && raw.write !== undefined) {
    throw new UsageError('-R and --write exclude each other: packets are kept of all connections with messages');
  }
  return { print, write, finish };
}

function printFlagsOf(raw: RawTcpflowOptions): FlowPrintFlags | undefined {
  if (!raw.tcp && !raw.bare && !raw.hex && !raw.binary) return undefined;
  if (raw.hex && raw.binary) throw new UsageError('--hex and --binary exclude each other');
  const form = raw.hex ? 'hex' : raw.binary ? 'binary' : 'text';
  return { headings: !raw.bare, form, spaced: raw['0'] !== true && form !== 'binary' };
}

function fileFlagsOf(raw: RawTcpflowOptions): FlowFileFlags | undefined {
  const { F: forms = '', output, report } = raw;
  if (output === undefined && report === undefined) {
    for (const [name, value] of [
      ['--template', raw.template],
      ['--max-flow', raw.maxFlow],
      ['-F', raw.F],
      ['-m', raw.m],
      ['-I', raw.I],
    ] as const) {
      if (value !== undefined) throw new UsageError(`${name} is about files, which -o DIR writes`);
    }
    return undefined;
  }
  if (raw.template !== undefined && /[tTkmg]/.test(forms)) {
    throw new UsageError('--template and -F exclude each other: put %T, %t or %K/ into the template');
  }
  const files = output !== undefined && !forms.includes('X');
  if (raw.I && !files) throw new UsageError('-I is about files, which -o DIR writes, and -FX does not');
  const hash = forms.includes('M') || raw.e?.includes('md5') ? 'md5' : undefined;
  return {
    folder: output ?? '.',
    template: raw.template ?? templateOf(forms),
    report,
    files,
    decode: raw.Z !== true,
    digest: raw.flowHash ?? hash,
    maxFileBytes: raw.maxFlow,
    newFileAfterGap: raw.m,
    maxOpenFiles: raw.f,
    index: raw.I ?? false,
  };
}

/** The folders and prefixes that tcpflow makes of them. */
const prefixes: Readonly<Record<string, string>> = {
  g: '%G000000-%G999999/%G%M000-%G%M999/%G%M%K/',
  m: '%M000-%M999/%M%K/',
  k: '%K/',
  T: '%T',
  t: '%tT',
};

function templateOf(forms: string): string | undefined {
  const prefix = Object.entries(prefixes)
    .filter(([letter]) => forms.includes(letter))
    .map(([, text]) => text)
    .join('');
  return prefix === '' ? undefined : `${prefix}%A.%a-%B.%b%V%v%C%c`;
}

function parseForms(value: string, previous = ''): string {
  for (const letter of value) {
    if (letter === 'c') throw new InvalidArgumentError('put %# into the template of -T');
    if (!'tTXMkmg'.includes(letter)) throw new InvalidArgumentError('the forms are t, T, X, M, k, m and g');
  }
  return previous + value;
}

function parseScanner(value: string, previous: readonly string[] = []): string[] {
  if (['http', 'md5', 'all'].includes(value)) return [...previous, value];
  throw new InvalidArgumentError('there are http, which is always on, and md5');
}

function parseFiles(value: string, previous: readonly string[] = []): string[] {
  return [...previous, parseFile(value)];
}
