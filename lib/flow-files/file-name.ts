/** Names of flow files, as tcpflow makes them. */
import { isIPv4 } from 'node:net';
import type { Endpoint } from '../batch-buffer.js';
import { badOption } from '../check-options.js';
import type { LinkAddresses } from '../flows/flow-records.js';
import { formatTime } from '../time.js';

/** What a name tells of one direction of a connection. */
export interface NamedFlow {
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly vlan: number | undefined;
  /** Of its first packet. */
  readonly link: LinkAddresses | undefined;
  /** Of its first packet, in nanoseconds since the Unix epoch. */
  readonly startTime: bigint;
  /** 0, 1, … among all directions that were seen. */
  readonly number: number;
  /** 0, 1, … among all connections. */
  readonly session: number;
}

/** What tcpflow names files by. */
export const defaultTemplate = '%A.%a-%B.%b%V%v%C%c';

/** What tcpflow writes for an address of the link that is not known. */
const noLinkAddress = '00:00:00:00:00:00';

type Part = (flow: NamedFlow, repeat: number) => string;

const parts: Readonly<Record<string, Part>> = {
  A: ({ source }) => addressInName(source.address),
  a: ({ source }) => digits(source.port, 5),
  B: ({ destination }) => addressInName(destination.address),
  b: ({ destination }) => digits(destination.port, 5),
  E: ({ link }) => link?.source ?? noLinkAddress,
  e: ({ link }) => link?.destination ?? noLinkAddress,
  T: ({ startTime }) => `${formatTime(startTime).slice(0, 19)}Z`,
  t: ({ startTime }) => String(startTime / 1_000_000_000n),
  V: ({ vlan }) => (vlan === undefined ? '' : '--'),
  v: ({ vlan }) => (vlan === undefined ? '' : String(vlan)),
  C: (_, repeat) => (repeat === 0 ? '' : 'c'),
  c: (_, repeat) => (repeat === 0 ? '' : String(repeat)),
  '#': (_, repeat) => String(repeat),
  N: ({ number }) => digits(number % 1000, 3),
  K: ({ number }) => digits(Math.floor(number / 1e3) % 1000, 3),
  M: ({ number }) => digits(Math.floor(number / 1e6) % 1000, 3),
  G: ({ number }) => digits(Math.floor(number / 1e9) % 1000, 3),
  S: ({ session }) => digits(session, 20),
  '%': () => '%',
};

/** `010.000.000.001`; IPv6 as inet_ntop(3) writes it. */
export function addressInName(address: string): string {
  if (!isIPv4(address)) return address;
  return address
    .split('.')
    .map((byte) => byte.padStart(3, '0'))
    .join('.');
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

/** Expands to the path of a file inside of a folder, never outside of it. */
export class NameTemplate {
  readonly #parts: readonly (string | Part)[];

  /** @throws CaptureError `ERR_OPTION` */
  constructor(template: string) {
    const parsed = parse(template);
    // Without it a second connection would have no name.
    const tellsRepeats = /%c/.test(template.replaceAll('%%', ''));
    this.#parts = tellsRepeats ? parsed : [...parsed, ...parse('%C%c')];
    this.#check(template);
  }

  /** @param repeat how many files have had this name already */
  format(flow: NamedFlow, repeat: number): string {
    let name = '';
    for (const part of this.#parts) name += typeof part === 'string' ? part : part(flow, repeat);
    return name;
  }

  /** What can be empty is so in one of these, so that they show every way in which a part of the path can be odd. */
  #check(template: string): void {
    const end: Endpoint = { address: '::', port: 0 };
    for (const vlan of [undefined, 0]) {
      for (const repeat of [0, 1]) {
        const flow = { source: end, destination: end, vlan, link: undefined, startTime: 0n, number: 0, session: 0 };
        const odd = this.format(flow, repeat)
          .split('/')
          .find((one) => ['', '.', '..'].includes(one));
        if (odd === undefined) continue;
        const reason = odd === '' ? 'has an empty part' : `has '${odd}' in it`;
        throw badOption(
          `The template '${template}' leads out of the folder or to no file: the path that it makes ${reason}`,
        );
      }
    }
  }
}

function parse(template: string): (string | Part)[] {
  if (template === '' || template.includes('\0')) throw badOption('A template of file names is a text without NUL');
  const parsed: (string | Part)[] = [];
  for (let at = 0; at < template.length; at++) {
    if (template[at] !== '%') {
      parsed.push(template[at] as string);
      continue;
    }
    const letter = template[++at];
    if (letter === undefined) throw badOption(`The template '${template}' ends with %; %% is a percent sign`);
    if (!Object.hasOwn(parts, letter)) {
      throw badOption(`%${letter} in the template '${template}' is none of %${Object.keys(parts).join(' %')}`);
    }
    parsed.push(parts[letter] as Part);
  }
  return parsed;
}
