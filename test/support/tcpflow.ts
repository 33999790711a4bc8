/** The real tcpflow, and what is known of how its files differ from ours (docs/tcpflow.md). */
import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { skip, temporaryFolder } from './environment.js';

export type Files = Map<string, Buffer>;

/** For the `skip` option of tests: false when it is installed. */
export function skipUnlessTcpflow(): string | false {
  const { error } = spawnSync('tcpflow', ['-V'], { cwd: temporaryFolder() });
  return error === undefined ? false : skip('tcpflow is not installed');
}

/** Everything in a folder but the report. */
export function filesOf(folder: string): Files {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name !== 'report.xml' && lstatSync(path.join(folder, name)).isFile(),
  );
  return new Map(names.sort().map((name) => [name, readFileSync(path.join(folder, name))]));
}

/** What tcpflow writes. */
export function tcpflow(args: readonly string[]): Files {
  return filesOf(tcpflowFolder(args));
}

/** The folder in which it is. */
export function tcpflowFolder(args: readonly string[]): string {
  const folder = temporaryFolder();
  spawnSync('tcpflow', [...args, '-o', path.join(folder, 'out')], { cwd: folder, timeout: 30_000 });
  return path.join(folder, 'out');
}

/** Attributes of the flows in a report, by the names of their files. */
export type ReportedFlows = Map<string, Record<string, string>>;

export function reportedFlows(folder: string): ReportedFlows {
  const report = readFileSync(path.join(folder, 'report.xml'), 'utf8');
  const flows = report.matchAll(/<filename>([^<]*)<\/filename>\s*<filesize>(\d+)<\/filesize>\s*<tcpflow ([^>]*?)\/>/g);
  return new Map(
    [...flows].map(([, name, filesize, attributes]) => [
      path.basename(name as string),
      {
        filesize: filesize as string,
        ...Object.fromEntries(
          [...(attributes as string).matchAll(/(\w+)='([^']*)'/g)].map(([, one, value]) => [one, value]),
        ),
      },
    ]),
  );
}

/** The names by which docs/tcpflow.md explains differences. */
export type Reason = 'request body' | 'extension' | 'padding' | 'not read' | 'no bodies' | 'hole';

export interface Difference {
  name: string;
  what: string;
  /** undefined: to be explained one by one. */
  reason: Reason | undefined;
}

const bodyMark = '-HTTPBODY-';

/** @param incomplete bodies of which bytes are missing */
export function compare(ours: Files, theirs: Files, incomplete: ReadonlySet<string>): Difference[] {
  const left = new Map(theirs);
  const tuples = new Set([...theirs.keys()].map(tupleOf));
  const differences: Difference[] = [];
  const add = (name: string, what: string, reason: Reason | undefined) => differences.push({ name, what, reason });
  for (const [name, bytes] of ours) {
    const same = left.has(name) ? name : stemOf(name, left);
    const other = same === undefined ? undefined : left.get(same);
    if (same === undefined || other === undefined) {
      add(
        name,
        `only here, ${bytes.length} bytes`,
        tuples.has(tupleOf(name)) ? missing(name, ours, theirs) : 'not read',
      );
      continue;
    }
    left.delete(same);
    if (same !== name) add(name, `there it is ${same}`, 'extension');
    if (bytes.equals(other)) continue;
    const what = `${bytes.length} bytes, there ${other.length}`;
    if (bytes.equals(other.subarray(0, bytes.length)) && isPadding(other.subarray(bytes.length)))
      add(name, what, 'padding');
    else add(name, what, incomplete.has(name) ? 'hole' : undefined);
  }
  for (const [name, bytes] of left) {
    add(name, `only there, ${bytes.length} bytes`, isPadding(bytes) ? 'padding' : undefined);
  }
  return differences;
}

/** An Ethernet frame without payload has room for six bytes behind its headers, or two behind a VLAN tag. */
function isPadding(bytes: Buffer): boolean {
  return bytes.length === 6 || bytes.length === 2;
}

function tupleOf(name: string): string {
  return name.replace(/(--\d+)?(c\d+)?(-HTTPBODY.*)?$/, '');
}

function missing(name: string, ours: Files, theirs: Files): Reason | undefined {
  const [flow, body] = name.split(bodyMark) as [string, string | undefined];
  if (body === undefined) return undefined;
  if (!ours.get(flow)?.subarray(0, 5).equals(Buffer.from('HTTP/'))) return 'request body';
  return [...theirs.keys()].some((one) => one.startsWith(`${flow}${bodyMark}`)) ? undefined : 'no bodies';
}

/** The name of the same body with another extension. */
function stemOf(name: string, files: Files): string | undefined {
  const stem = /^.*-HTTPBODY-\d+/.exec(name)?.[0];
  if (stem === undefined) return undefined;
  return [...files.keys()].find((one) => one === stem || one.startsWith(`${stem}.`));
}
