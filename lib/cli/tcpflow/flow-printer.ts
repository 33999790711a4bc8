/** `--tcp`: the bytes of flows, as they come. */
import type { FlowData, FlowEvent } from '../../index.js';
import { formatAmount } from '../format.js';
import type { Output } from '../output.js';
import { type Colors, sanitizeText } from '../terminal.js';
import { decodeText } from '../text.js';
import type { FlowPrintFlags } from './options.js';

const hexWidth = 32;

export interface FlowPrinterOptions extends FlowPrintFlags {
  colors: Colors;
  /** Lines of JSON, an event a line, instead of all that. */
  json: boolean;
}

export class FlowPrinter {
  /** Bytes that were printed, and those that were missing in between. */
  bytes = 0;
  missing = 0;
  connections = 0;
  readonly #output: Output;
  readonly #options: FlowPrinterOptions;

  constructor(output: Output, options: FlowPrinterOptions) {
    this.#output = output;
    this.#options = options;
  }

  print(events: Iterable<FlowEvent>): void {
    for (const event of events) {
      if (event.kind === 'open') this.connections++;
      else if (event.kind === 'data') this.bytes += event.length;
      else if (event.kind === 'gap') this.missing += event.length;
      if (this.#options.json) this.#output.pending.text(`${JSON.stringify(event)}\n`);
      else this.#printEvent(event);
    }
  }

  #printEvent(event: FlowEvent): void {
    const { pending } = this.#output;
    const { form, spaced } = this.#options;
    if (event.kind === 'gap' && form !== 'binary') {
      this.#heading(event);
      pending.text(`[${formatAmount(event.length, 'byte')} missing: ${event.cause}]\n${spaced ? '\n' : ''}`);
    }
    if (event.kind !== 'data') return;
    this.#heading(event);
    if (form === 'binary') pending.copy(event.bytes);
    else pending.text(this.#text(event));
    if (spaced) pending.text('\n');
  }

  #text({ bytes }: FlowData): string {
    if (this.#options.form === 'hex') return hexLines(bytes);
    const text = sanitizeText(decodeText(bytes), this.#options.colors.dim);
    return text.endsWith('\n') ? text : `${text}\n`;
  }

  #heading({ connection, direction }: FlowData | Extract<FlowEvent, { kind: 'gap' }>): void {
    const { headings, form, colors } = this.#options;
    if (!headings) return;
    const isRequest = direction === 'client-to-server';
    const [from, to] = isRequest ? [connection.client, connection.server] : [connection.server, connection.client];
    const vlan = connection.vlan === undefined ? '' : ` (VLAN ${connection.vlan})`;
    const line = `${endpoint(from)} -> ${endpoint(to)}${vlan}`;
    this.#output.pending.text(form === 'binary' ? `${line}\n` : `${(isRequest ? colors.blue : colors.red)(line)}\n`);
  }
}

function endpoint({ address, port }: { address: string; port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** As tcpflow prints them: `0020: 2f31 2e31  /1.1` */
function hexLines(bytes: Buffer): string {
  let lines = '';
  for (let at = 0; at < bytes.length; at += hexWidth) {
    const part = bytes.subarray(at, at + hexWidth);
    const hex = part.toString('hex').replace(/.{4}(?=.)/g, '$& ');
    const text = part.toString('latin1').replace(/[^\x20-\x7e]/g, '.');
    lines += `${at.toString(16).padStart(4, '0')}: ${hex.padEnd((hexWidth / 2) * 5)} ${text}\n`;
  }
  return lines;
}
