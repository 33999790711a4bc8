/**
 * For reading: a block a message, safe to show on any terminal. Where there are no colours, native code writes plain messages the same way
 * (native/text/message_blocks.h); what is decoded, escaped, painted, masked or looked up is written here.
 */
import { TextWriter } from '../../command-entry.js';
import type { ConnectionProcess } from '../../index.js';
import type { ByteBuffer } from '../byte-buffer.js';
import {
  formatAmount,
  formatCount,
  formatDuration,
  formatEndpoint,
  formatHexDump,
  shortContainerId,
} from '../format.js';
import { highlight } from '../highlight.js';
import type { Output } from '../output.js';
import { appendPlain, type Colors, colorsFor, sanitizeLine, sanitizeText } from '../terminal.js';
import { bodyText, decodeText } from '../text.js';
import { appendTime } from '../time.js';
import { bodyDigest } from './digest.js';
import type { PrintedMessage, Printer } from './printer.js';

export interface ConsolePrinterOptions {
  color?: boolean;
  /** Tell the SHA-256 of bodies. */
  digest?: boolean;
  /** Requests may be missing because nobody asked for them. */
  selected?: boolean;
  /** Connections tell of processes. */
  process?: boolean;
  /** Matches stand out, where there are colours. */
  highlight?: RegExp | undefined;
  /** Bytes of a binary body that are shown. */
  maxHexBytes?: number;
}

type Paint = (text: string) => string;

/** A body as it will be shown. */
interface Content {
  bytes: Uint8Array;
  /** What was done to it, or why nothing could be. */
  note?: string;
}

const lineFeed = 0x0a;

export class ConsolePrinter implements Printer {
  readonly output: Pick<Output, 'pending'>;
  /** Only when it can write as is wanted here. */
  readonly writer: TextWriter | undefined;
  readonly #colors: Colors;
  readonly #color: boolean;
  readonly #digest: boolean;
  readonly #maxHexBytes: number;
  readonly #selected: boolean;
  readonly #wanted: RegExp | undefined;
  /** Makes an escape stand out from text that merely looks like one. */
  readonly #mark: Paint;

  constructor(output: Pick<Output, 'pending'>, options: ConsolePrinterOptions = {}) {
    this.output = output;
    this.#color = options.color ?? false;
    this.#colors = colorsFor(this.#color);
    this.#digest = options.digest ?? false;
    this.#maxHexBytes = options.maxHexBytes ?? 256;
    this.#selected = options.selected ?? false;
    this.#wanted = this.#color ? options.highlight : undefined;
    if (!this.#color && !this.#digest && !options.process)
      this.writer = new TextWriter('blocks', { selected: this.#selected });
    this.#mark = this.#color ? this.#colors.inverse : (escaped) => escaped;
  }

  print(message: PrintedMessage, asked = askedOf(message)): void | Promise<void> {
    const { body } = message;
    if (body === undefined || body.length === 0) return this.#append(message, asked, undefined);
    const coding = message.headers.get('content-encoding');
    if (coding === null || /^\s*(?:identity)?\s*$/i.test(coding)) return this.#append(message, asked, { bytes: body });
    return message.bytes().then(
      (bytes) =>
        this.#append(message, asked, {
          bytes,
          note: `${coding}: ${formatAmount(body.length, 'byte')}, ${formatCount(bytes.length)} decoded`,
        }),
      (error: Error) => this.#append(message, asked, { bytes: body, note: `${coding}: not decoded: ${error.message}` }),
    );
  }

  #append(message: PrintedMessage, asked: bigint | undefined, content: Content | undefined): void {
    const to = this.output.pending;
    const paint = this.#paintOf(message);
    this.#appendHeading(to, message, asked);
    this.#appendHead(to, message.head, paint);
    if (content && content.bytes.length > 0) {
      to.ascii('\n');
      this.#appendBody(to, message, content.bytes);
    }
    this.#appendTrailers(to, message, paint);
    if (content?.note !== undefined) this.#appendNote(to, content.note);
    for (const note of notesOf(message)) this.#appendNote(to, note);
    if (this.#digest) {
      const sha256 = bodyDigest(message);
      if (sha256 !== undefined) this.#appendNote(to, `sha256 ${sha256}`);
    }
    to.ascii('\n');
  }

  /** Direction and status class. */
  #paintOf(message: PrintedMessage): Paint {
    const colors = this.#colors;
    if (message.kind === 'request') return colors.cyan;
    if (message.status >= 500) return colors.red;
    if (message.status >= 400) return colors.yellow;
    if (message.status >= 300) return colors.blue;
    return message.status >= 200 ? colors.green : colors.gray;
  }

  #appendHeading(to: ByteBuffer, message: PrintedMessage, asked: bigint | undefined): void {
    const { client, server, process } = message.connection;
    const { dim, bold } = this.#colors;
    const arrow = message.kind === 'request' ? ' -> ' : ' <- ';
    const whose = process ? ` (${processName(process)})` : '';
    const from = formatEndpoint(client) + (process?.end === 'client' ? whose : '');
    const ends = from + arrow + formatEndpoint(server) + (process?.end === 'server' ? whose : '');
    if (this.#color) to.ascii('\x1b[2m');
    appendTime(to, message.startTime, 6);
    if (this.#color) to.ascii('\x1b[22m');
    to.ascii('  ');
    to.text(bold(ends));
    to.ascii('  ');
    to.ascii(dim(`#${message.id}${message.kind === 'response' ? answers(message, asked, this.#selected) : ''}`));
    to.ascii('\n');
  }

  /** Start line and fields as sent. */
  #appendHead(to: ByteBuffer, head: Uint8Array, paint: Paint): void {
    if (!this.#color && appendPlain(to, head)) {
      // The empty line behind the fields.
      while (to.length > 1 && to.bytes[to.length - 1] === lineFeed && to.bytes[to.length - 2] === lineFeed) to.length--;
      return;
    }
    const text = trimLineFeeds(sanitizeText(decodeText(head), this.#mark));
    if (!this.#color) {
      to.text(`${text}\n`);
      return;
    }
    const [start = '', ...fields] = text.split('\n');
    const painted = `${this.#colors.bold(paint(start))}\n${fields.map((line) => this.#field(line, paint)).join('')}`;
    to.text(this.#highlighted(painted));
  }

  #field(line: string, paint: Paint): string {
    const colon = line.indexOf(':');
    return colon < 1 ? `${line}\n` : `${paint(line.slice(0, colon + 1))}${line.slice(colon + 1)}\n`;
  }

  #appendBody(to: ByteBuffer, message: PrintedMessage, bytes: Uint8Array): void {
    if (this.#wanted === undefined && appendPlain(to, bytes)) {
      if (to.bytes[to.length - 1] !== lineFeed) to.ascii('\n');
      return;
    }
    const isCut = message.bodyTruncated || message.integrity !== 'complete';
    const text = bodyText(bytes, message.headers.get('content-type'), isCut);
    if (text !== undefined) {
      const safe = this.#highlighted(sanitizeText(text, this.#mark));
      to.text(safe.endsWith('\n') ? safe : `${safe}\n`);
      return;
    }
    to.ascii(formatHexDump(bytes, this.#maxHexBytes));
    const more = bytes.length - this.#maxHexBytes;
    if (more > 0) to.ascii(`${this.#colors.dim(`... ${formatAmount(more, 'more byte')}`)}\n`);
  }

  #appendTrailers(to: ByteBuffer, message: PrintedMessage, paint: Paint): void {
    const trailers = message.trailers.raw;
    if (trailers.length === 0) return;
    to.ascii(`${this.#colors.dim('[trailers]')}\n`);
    for (const [name, value] of trailers) {
      to.text(this.#field(`${sanitizeLine(name, this.#mark)}: ${sanitizeLine(value, this.#mark)}`, paint));
    }
  }

  #highlighted(painted: string): string {
    return this.#wanted === undefined ? painted : highlight(painted, this.#wanted);
  }

  #appendNote(to: ByteBuffer, note: string): void {
    to.text(`${this.#colors.magenta(`[${sanitizeLine(note)}]`)}\n`);
  }
}

/** `ruby 1355`, `ruby 1355 in 0123456789ab` */
function processName({ name, pid, containerId }: ConnectionProcess): string {
  return `${sanitizeLine(name)} ${pid}${containerId === undefined ? '' : ` in ${shortContainerId(containerId)}`}`;
}

function askedOf(message: PrintedMessage): bigint | undefined {
  return message.kind === 'response' ? message.request?.startTime : undefined;
}

/** ` answers #1 after 2.5 ms` */
function answers(
  { requestId, startTime }: Extract<PrintedMessage, { kind: 'response' }>,
  asked: bigint | undefined,
  selected: boolean,
): string {
  if (requestId === null) return selected ? '' : ' (its request was not seen)';
  return ` answers #${requestId}${asked === undefined ? '' : ` after ${formatDuration(startTime - asked)}`}`;
}

/** Without the empty line behind a head, and the ones that some senders put before it (RFC 9112, section 2.2). */
function trimLineFeeds(text: string): string {
  let start = 0;
  let end = text.length;
  while (text[start] === '\n') start++;
  while (end > start && text[end - 1] === '\n') end--;
  return text.slice(start, end);
}

/** What a reader has to know to believe the right thing. */
function notesOf(message: PrintedMessage): string[] {
  const notes: string[] = [];
  const { body, bodyLength } = message;
  if (body === undefined) {
    if (bodyLength > 0) notes.push(`body of ${formatAmount(bodyLength, 'byte')}, not kept`);
  } else if (message.bodyTruncated) {
    notes.push(`body of ${formatAmount(bodyLength, 'byte')}, the first ${formatCount(body.length)} kept`);
  }
  const integrity = integrityNote(message);
  if (integrity !== undefined) notes.push(integrity);
  if (message.conflict) notes.push('packets disagreed about its bytes; those that came first are shown');
  if (message.suspicious.length > 0) notes.push(`suspicious: ${message.suspicious.join(', ')}`);
  return notes;
}

function integrityNote({ integrity, missingBytes }: PrintedMessage): string | undefined {
  switch (integrity) {
    case 'complete':
      return undefined;
    case 'gap':
      return `${missingBytes > 0 ? formatAmount(missingBytes, 'byte') : 'bytes'} not captured, so that there is a gap inside`;
    case 'truncated':
      return 'truncated: the capture does not hold all of it';
    case 'aborted':
      return 'aborted: the connection ended before the message did';
  }
}
