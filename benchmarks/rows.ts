/** What is measured: the rows of the table. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseMatch } from '../lib/match/match.js';
import { planOf } from '../lib/match/plan.js';
import type { Programs } from './build.js';
import { type Cost, runForCost, runForJson } from './child.js';
import type { Counts } from './counts.js';
import { selection } from './selection.js';

export interface Input {
  path: string;
  /** TCP port to select, undefined for every one. */
  port: number | undefined;
}

export type Measurement = Cost & Counts;

export interface Row {
  /** What targets and ratios call it. */
  id: string;
  title: string;
  /** Times that it is run at most: less for what takes minutes. */
  maxRuns?: number;
  measure(input: Input): Promise<Measurement>;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
export const command = here('../dist/cli/main.js');
export const library = here('../dist/index.js');

export function referenceRows({ reference }: Programs): Row[] {
  const row = (id: string, title: string): Row => ({
    id,
    title,
    measure: ({ path }) => runForJson(reference, [path, '--mode', id]),
  });
  return [
    row('read', 'read(2) in 1 MiB blocks, headers touched'),
    row('pcap', 'pcap_loop, empty callback'),
    row('pcap-aligned', 'reference: the same, aligned 1 MiB buffer'),
  ];
}

export function nativeRows({ pipeline }: Programs): Row[] {
  const row = (id: string, title: string, ...flags: string[]): Row => ({
    id,
    title,
    measure: async ({ path, port }) => {
      const selection = port === undefined || !flags.includes('pipeline') ? [] : ['--port', String(port)];
      const measured = await runForJson<Measurement & { keptBodyBytes?: number }>(pipeline, [
        path,
        '--stage',
        ...flags,
        ...selection,
      ]);
      const kept = flags.includes('--no-body') ? 0 : measured.bodyBytes;
      if (measured.keptBodyBytes !== kept)
        throw new Error(`kept ${measured.keptBodyBytes} body bytes instead of ${kept}`);
      // Only computed on demand.
      delete measured.digest;
      return measured;
    },
  });
  return [
    row('source', 'our file source', 'read'),
    row('decode', '+ packet decoding', 'decode'),
    row('tcp', '+ TCP reassembly', 'tcp'),
    row('pipeline-bodyless', 'native pipeline, no bodies', 'pipeline', '--no-body'),
    row('pipeline', 'native pipeline', 'pipeline'),
    row('pipeline-write', 'native pipeline, batches written out', 'pipeline', '--write'),
  ];
}

/** In hexadecimal. */
function nativeProgram(expression: string): string {
  const node = parseMatch(expression);
  const program = node && planOf(node).program;
  if (program === undefined) throw new Error(`not decided natively: ${expression}`);
  return Buffer.from(program).toString('hex');
}

/** What selects few of the messages costs. Their number is compared with that which JavaScript finds among all messages. */
export function selectionRows(programs: Programs): Row[] {
  const numbers = new Map<string, Promise<number | undefined>>();
  const check = async (input: Input, { messages, ...measured }: Measurement): Promise<Measurement> => {
    const known = numbers.get(input.path) ?? consume(programs, 'selected', input).then((counted) => counted.messages);
    numbers.set(input.path, known);
    const expected = await known;
    if (messages !== expected) throw new Error(`${messages} messages match instead of ${expected}`);
    const { cpuSeconds, wallSeconds, peakKiB } = measured;
    return { cpuSeconds, wallSeconds, peakKiB };
  };
  return [
    {
      id: 'pipeline-match',
      title: `native pipeline, ${selection}`,
      measure: async (input) => {
        const args = [input.path, '--stage', 'pipeline', '--match', nativeProgram(selection)];
        if (input.port !== undefined) args.push('--port', String(input.port));
        return check(input, await runForJson<Measurement>(programs.pipeline, args));
      },
    },
    {
      id: 'match',
      title: 'capture({ match }): the same',
      measure: async (input) => check(input, await consume(programs, 'match', input)),
    },
  ];
}

/** What the messages say, with their digest: run once, before anything is timed. */
export function verifyNative({ pipeline }: Programs, { path, port }: Input): Promise<Counts> {
  return runForJson(pipeline, [path, '--digest', ...(port === undefined ? [] : ['--port', String(port)])]);
}

export const hasLibrary = existsSync(library);

export function consume({ consume: script }: Programs, mode: string, { path, port }: Input): Promise<Measurement> {
  const args = [script, library, mode, path, ...(port === undefined ? [] : [String(port)])];
  return runForJson(process.execPath, args);
}

export function verifyLibrary(programs: Programs, input: Input): Promise<Counts> {
  return consume(programs, 'digest', input);
}

export function libraryRows(programs: Programs): Row[] {
  const row = (id: string, title: string): Row => ({ id, title, measure: (input) => consume(programs, id, input) });
  return [
    row('batches', 'batches() untouched'),
    row('fields-inner', 'batches(): kind, method, url, status'),
    row('fields', 'messages: kind, method, url, status'),
    row('fields-bodyless', "the same with body: 'none'"),
    row('headers-inner', 'batches(): and every header'),
    row('headers', 'messages: and every header'),
    row('everything', 'messages: every field and the body'),
  ];
}

/** The command, whole process, into a pipe. */
export function commandRows({ measureChild }: Programs): Row[] {
  const row = (id: string, title: string, ...flags: string[]): Row => ({
    id,
    title,
    measure: async ({ path, port }) => {
      let lines = 0;
      const countLines = (chunk: Buffer) => {
        for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++;
      };
      const selection = port === undefined ? [] : ['--port', String(port)];
      const args = [command, '--read', path, ...selection, ...flags];
      const onOutput = flags.includes('--json') ? countLines : () => {};
      const { errors, ...cost } = await runForCost(measureChild, {
        program: process.execPath,
        arguments: args,
        onOutput,
      });
      // Of the others only what is told at the end can be counted.
      const summary = /([\d,]+) messages? \([\d,]+ requests?/.exec(errors);
      const told = summary ? Number((summary[1] as string).replaceAll(',', '')) : undefined;
      if (flags.includes('--json') && told !== undefined && told !== lines)
        throw new Error(`${lines} lines, but the summary says ${told} messages`);
      const messages = flags.includes('--json') ? lines : told;
      if (messages === undefined) throw new Error(`no summary: ${errors}`);
      return { ...cost, messages };
    },
  });
  return [
    row('json', 'flowtap --json', '--json'),
    row('console', 'flowtap'),
    row('summary', 'flowtap --summary', '--summary'),
  ];
}
