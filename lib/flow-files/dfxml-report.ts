/** A report in DFXML (https://github.com/dfxml-working-group/dfxml_schema), with the elements of tcpflow's. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import os from 'node:os';
import { packageVersion } from '../package.js';
import { formatTime } from '../time.js';
import { type BodyFile, type FlowFile, writeAll } from './flow-file.js';
import { attributes, element, escapeXml } from './xml.js';

/** Address families as Linux numbers them, which is what tcpflow writes there. */
const families = { ipv4: 2, ipv6: 10 } as const;

const footer = '  </configuration>\n</dfxml>\n';

export interface ReportOptions {
  /** Replace a file that exists. */
  force: boolean;
  /** The path may be a symbolic link, as /dev/stdout is. */
  followLinks: boolean;
  /** Name of what `hashdigest` is, if there is one. */
  digest: string | undefined;
  /** Names and values that the report tells at its start. */
  settings: Readonly<Record<string, string>>;
}

/** What the report tells at its end. */
export type ReportTotals = Readonly<Record<string, number>>;

/** Has its end after every write, over which the next one writes, so that it is whole all the time. A pipe gets it at the end. */
export class DfxmlReport {
  readonly #fd: number;
  readonly #isFile: boolean;
  readonly #digest: string | undefined;
  #pending: string;
  #position = 0;

  /** @throws what the system says; `EEXIST` */
  constructor(path: string, options: ReportOptions) {
    this.#fd = openReport(path, options);
    this.#isFile = fstatSync(this.#fd).isFile();
    this.#digest = options.digest?.toUpperCase();
    this.#pending = header(options.settings);
  }

  /** @param nameOf path of a file as the reader of the report finds it */
  add(file: FlowFile, nameOf: (name: string) => string): void {
    const { source, destination, link } = file.flow;
    const { counts } = file;
    const tcpflow = attributes({
      startime: isoTime(counts?.startTime ?? file.flow.startTime),
      endtime: isoTime(counts?.endTime ?? file.endTime),
      mac_daddr: macAddress(link?.destination),
      mac_saddr: macAddress(link?.source),
      family: source.address.includes(':') ? families.ipv6 : families.ipv4,
      src_ipn: source.address,
      dst_ipn: destination.address,
      srcport: source.port,
      dstport: destination.port,
      vlan: file.flow.vlan,
      packets: counts?.packets ?? file.packets,
      out_of_order_count: counts?.outOfOrder || undefined,
      violations: counts?.violations || undefined,
      len: counts?.bytes ?? file.bytes,
      caplen: counts && counts.capturedBytes !== counts.bytes ? counts.capturedBytes : undefined,
      holes: file.holeCount || undefined,
      conflict: file.conflict ? 1 : undefined,
    });
    let text = '    <fileobject>\n';
    if (file.name !== undefined) text += `      ${element('filename', nameOf(file.name))}\n`;
    text += `      ${element('filesize', file.size)}\n      <tcpflow${tcpflow}/>\n`;
    text += this.#hash(file.digest) + processElement(file.process);
    const runs = [...file.bodies.map((body) => this.#bodyRun(body, nameOf)), ...file.holes.map(holeRun)];
    if (runs.length > 0) text += `      <byte_runs>\n${runs.join('')}      </byte_runs>\n`;
    if (file.failed) text += `      ${element('error', 'not all of it could be written')}\n`;
    if (file.cut > 0) text += `      ${element('bytes_cut', file.cut)}\n`;
    this.#pending += `${text}    </fileobject>\n`;
  }

  /** @throws what the system says */
  flush(): void {
    if (this.#pending === '') return;
    const bytes = Buffer.from(this.#pending);
    this.#pending = '';
    this.#write(this.#isFile ? Buffer.concat([bytes, Buffer.from(footer)]) : bytes);
    this.#position += bytes.length;
  }

  /** @throws what the system says */
  end(totals: ReportTotals): void {
    const lines = Object.entries(totals).map(([name, value]) => `  ${element(name, value)}\n`);
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const usage = `<rusage><utime>${userCPUTime / 1e6}</utime><stime>${systemCPUTime / 1e6}</stime><maxrss>${maxRSS}</maxrss></rusage>`;
    this.#pending += `  </configuration>\n${lines.join('')}  ${usage}\n</dfxml>\n`;
    try {
      this.#write(Buffer.from(this.#pending));
    } finally {
      closeSync(this.#fd);
    }
  }

  #write(bytes: Buffer): void {
    writeAll(this.#fd, bytes, this.#isFile ? this.#position : null);
  }

  #hash(digest: string | undefined): string {
    return digest === undefined ? '' : `      <hashdigest type='${this.#digest}'>${digest}</hashdigest>\n`;
  }

  #bodyRun({ name, size, fileOffset, digest, note }: BodyFile, nameOf: (name: string) => string): string {
    const file = [element('filename', nameOf(name)), element('filesize', size)];
    if (digest !== undefined) file.push(`<hashdigest type='${this.#digest}'>${digest}</hashdigest>`);
    if (note !== undefined) file.push(element('comment', note));
    const run = attributes({ file_offset: fileOffset });
    return `        <byte_run${run}><fileobject>${file.join('')}</fileobject></byte_run>\n`;
  }
}

function openReport(path: string, { force, followLinks }: ReportOptions): number {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_TRUNC, O_WRONLY } = constants;
  const flags = O_WRONLY | (followLinks ? 0 : O_NOFOLLOW);
  try {
    return openSync(path, flags | O_CREAT | (force ? O_TRUNC : O_EXCL), 0o666);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // A pipe or a device holds nothing that could be lost.
    const fd = openSync(path, flags | O_NONBLOCK);
    if (!fstatSync(fd).isFile()) return fd;
    closeSync(fd);
    throw error;
  }
}

function processElement(process: FlowFile['process']): string {
  if (process === undefined) return '';
  const { pid, name, containerId, end } = process;
  return `      <process${attributes({ pid, name, container: containerId, end })}/>\n`;
}

function holeRun({ offset, length, cause }: FlowFile['holes'][number]): string {
  return `        <byte_run${attributes({ file_offset: offset, len: length, fill: 0, cause })}/>\n`;
}

function header(settings: ReportOptions['settings']): string {
  const user = os.userInfo();
  const libraries = Object.entries({
    node: process.versions.node,
    v8: process.versions.v8,
    openssl: process.versions.openssl,
  });
  return `<?xml version='1.0' encoding='UTF-8'?>
<dfxml xmloutputversion='1.0'>
  <metadata xmlns='http://afflib.org/tcpflow/' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xmlns:dc='http://purl.org/dc/elements/1.1/'>
    <dc:type>Feature Extraction</dc:type>
  </metadata>
  <creator version='1.0'>
    <program>flowtap</program>
    ${element('version', packageVersion())}
    <build_environment>
${libraries.map(([name, value]) => `      <library${attributes({ name, version: value })}/>`).join('\n')}
    </build_environment>
    <execution_environment>
      ${element('os_sysname', os.type())}
      ${element('os_release', os.release())}
      ${element('os_version', os.version())}
      ${element('host', os.hostname())}
      ${element('arch', os.machine())}
      ${element('command_line', process.argv.join(' '))}
      ${element('uid', user.uid)}
      ${element('username', user.username)}
      ${element('start_time', `${new Date().toISOString().slice(0, 19)}Z`)}
    </execution_environment>
  </creator>
  <configuration>
${Object.entries(settings)
  .map(([name, value]) => `    <setting${attributes({ name })}>${escapeXml(value)}</setting>\n`)
  .join('')}`;
}

/** As tcpflow does, which takes zeros for none. */
function macAddress(address: string | undefined): string | undefined {
  return address === '00:00:00:00:00:00' ? undefined : address;
}

/** To the microsecond, as tcpflow writes it: whole seconds without a fraction. */
function isoTime(ns: bigint): string {
  return `${formatTime(ns).slice(0, 26)}Z`.replace('.000000', '');
}
