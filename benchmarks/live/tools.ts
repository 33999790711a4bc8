/** What captures in the live benchmarks: flowtap in several ways, the yardstick, and other tools. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { CaptureOptions } from '../../lib/index.js';
import type { Programs } from '../build.js';
import { hasProgram } from '../programs.js';
import { command, library } from '../rows.js';
import { path } from './load.js';
import type { TapReport } from './tap.js';

/** What a tool tells of one run; undefined where it does not. */
export interface Seen {
  requests?: number;
  responses?: number;
  kernelDropped?: number;
  messagesDropped?: number;
  /** Instead of what the whole process took. */
  cpuSeconds?: number;
}

export interface Tool {
  id: string;
  title: string;
  program: string;
  arguments(port: number): string[];
  /** What it says on standard error when it captures. */
  ready: RegExp;
  /** Ours has to tell of everything that it missed. */
  isOurs: boolean;
  seen(output: string, errors: string): Seen;
}

export const networkInterface = 'lo';
const ringBytes = 64 * 1024 * 1024;

/** How to start the library in a process of its own; a test runs it from its sources. */
export interface TapProgram {
  /** Arguments of Node. */
  script: string[];
  library: string;
}

export function builtTap(programs: Programs): TapProgram {
  return { script: [programs.tap], library };
}

export function libraryTool(
  { script, library: entry }: TapProgram,
  mode: string,
  title: string,
  options: CaptureOptions = {},
): Tool {
  return {
    id: mode,
    title,
    program: process.execPath,
    arguments: (port) => [
      ...script,
      entry,
      mode,
      JSON.stringify({ interface: networkInterface, port, ...options } satisfies CaptureOptions),
    ],
    ready: /^ready$/m,
    isOurs: true,
    seen: (output) => lastLine<TapReport>(output),
  };
}

/** The command, its output in a file. */
export function commandTool(script: readonly string[]): Tool {
  return {
    id: 'json',
    title: 'flowtap --json, into a file',
    program: process.execPath,
    arguments: (port) => [...script, '--interface', networkInterface, '--port', String(port), '--json'],
    ready: /listening on/,
    isOurs: true,
    seen: (output, errors) => ({
      ...countIn(output, { requests: '"kind":"request"', responses: '"kind":"response"' }),
      kernelDropped: numberIn(errors, /([\d,]+) packets? by the kernel/) ?? 0,
      messagesDropped: numberIn(errors, /([\d,]+) messages? dropped/) ?? 0,
    }),
  };
}

export function liveTools(programs: Programs): Tool[] {
  const tap = builtTap(programs);
  return [
    bareTool(programs.live),
    libraryTool(tap, 'batches', 'flowtap: batches() untouched'),
    libraryTool(tap, 'fields', 'flowtap: kind, method, url, status'),
    commandTool([command]),
    {
      id: 'tcpflow',
      title: 'tcpflow -c -e http, into a file',
      program: 'tcpflow',
      arguments: (port) => ['-i', networkInterface, '-c', '-e', 'http', `tcp port ${port}`],
      ready: /listening on/,
      isOurs: false,
      seen: (output) => countIn(output, { requests: `GET ${path} HTTP/1.1`, responses: 'HTTP/1.1 200 OK' }),
    },
    {
      id: 'tcpdump',
      title: 'tcpdump -w /dev/null, a ring of 64 MiB',
      program: 'tcpdump',
      arguments: (port) => [
        ...['-i', networkInterface, '-B', String(ringBytes / 1024), '-w', '/dev/null'],
        `tcp port ${port}`,
      ],
      ready: /listening on/,
      isOurs: false,
      seen: (_, errors) => ({ kernelDropped: numberIn(errors, /(\d+) packets? dropped by kernel/) }),
    },
    {
      id: 'tshark',
      title: 'tshark, http fields',
      program: 'tshark',
      arguments: (port) => [
        ...['-i', networkInterface, '-f', `tcp port ${port}`, '-d', `tcp.port==${port},http`, '-Y', 'http'],
        ...['-T', 'fields', '-E', 'separator=;', '-e', 'http.request.method', '-e', 'http.response.code'],
      ],
      ready: /Capture started/,
      isOurs: false,
      seen: (output, errors) => ({
        ...countIn(output, { requests: 'GET;', responses: ';200' }),
        kernelDropped: numberIn(errors, /(\d+) packets? dropped/) ?? 0,
      }),
    },
  ];
}

/** What the others are compared with. */
export function bareTool(program: string): Tool {
  return {
    id: 'bare',
    title: 'bare libpcap, a ring of 64 MiB',
    program,
    arguments: (port) => [...[networkInterface, '--filter', `tcp port ${port}`], ...['--buffer', String(ringBytes)]],
    ready: /^ready$/m,
    isOurs: false,
    seen: (output) => {
      const { kernelDropped, cpuSeconds } = lastLine<Required<Seen>>(output);
      return { kernelDropped, cpuSeconds };
    },
  };
}

/** Whether it can be run here. */
export function isAvailable(tool: Tool): boolean {
  return hasProgram(tool.program);
}

function lastLine<T>(output: string): T {
  let text = '';
  eachBlock(output, (block) => {
    text = (text + block.toString()).slice(-16 * 1024 * 1024);
  });
  return JSON.parse(text.trimEnd().split('\n').at(-1) ?? '');
}

/** How often each of these is in a file. */
function countIn<Name extends string>(file: string, needles: Record<Name, string>): Record<Name, number> {
  const names = Object.keys(needles) as Name[];
  const overlap = Math.max(...names.map((name) => needles[name].length)) - 1;
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  let rest = Buffer.alloc(0);
  eachBlock(file, (block) => {
    const bytes = Buffer.concat([rest, block]);
    for (const name of names) {
      const needle = needles[name];
      // Of the last block only what was not whole in it.
      let at = Math.max(0, rest.length - needle.length + 1);
      for (at = bytes.indexOf(needle, at, 'latin1'); at !== -1; at = bytes.indexOf(needle, at + 1, 'latin1'))
        counts[name]++;
    }
    rest = Buffer.from(bytes.subarray(Math.max(0, bytes.length - overlap)));
  });
  return counts;
}

function eachBlock(file: string, visit: (block: Buffer) => void): void {
  const descriptor = openSync(file, 'r');
  const block = Buffer.alloc(1 << 20);
  for (let got = readSync(descriptor, block); got > 0; got = readSync(descriptor, block)) visit(block.subarray(0, got));
  closeSync(descriptor);
}

function numberIn(text: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found.replaceAll(',', ''));
}
