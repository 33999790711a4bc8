/** `text/event-stream`: server-sent events (WHATWG HTML, 9.2). */
import { CaptureError } from '../errors.js';
import type { Piece } from './open-body.js';

/** An event as a browser would dispatch it. */
export interface ServerSentEvent {
  /** The field `event`; `'message'` when it was not sent. */
  readonly type: string;
  /** The fields `data`, joined with line feeds. */
  readonly data: string;
  /** The last `id` that was sent up to here; `''` when there was none. */
  readonly lastEventId: string;
}

/**
 * Parses a body as it comes, content codings undone. Behind a hole it goes on with the next whole event.
 * @param maxEventChars Throws ERR_DECODE when an event is longer.
 */
export async function* eventsOf(
  pieces: AsyncIterable<Piece>,
  maxEventChars: number,
): AsyncGenerator<ServerSentEvent, void> {
  const parser = new EventParser();
  let decoder = new TextDecoder();
  for await (const piece of pieces) {
    if (typeof piece === 'number') {
      parser.skipCutEvent();
      // What looks like a byte order mark is one only at the start.
      decoder = new TextDecoder('utf-8', { ignoreBOM: true });
      continue;
    }
    yield* parser.feed(decoder.decode(piece, { stream: true }));
    if (parser.heldChars > maxEventChars) {
      throw new CaptureError(
        'ERR_DECODE',
        `A server-sent event exceeds maxDecodedBytes (${maxEventChars}); is the body a text/event-stream?`,
      );
    }
  }
}

const lineEnd = /[\r\n]/g;

class EventParser {
  /** The beginning of a line, in the parts in which it came. */
  #line: string[] = [];
  #lineChars = 0;
  /** The last character was a carriage return that has ended a line: a line feed behind it belongs to it. */
  #afterCr = false;
  #type = '';
  #data: string[] = [];
  #dataChars = 0;
  #lastEventId = '';
  /** What of an event is cut by a hole: first a line, the beginning of which is missing, then others up to an empty one. */
  #skipping: 'line' | 'lines' | undefined;

  get heldChars(): number {
    return this.#lineChars + this.#dataChars;
  }

  skipCutEvent(): void {
    this.#takeLine();
    this.#clear();
    this.#afterCr = false;
    this.#skipping = 'line';
  }

  *feed(text: string): Generator<ServerSentEvent, void> {
    if (text === '') return;
    let at = this.#afterCr && text[0] === '\n' ? 1 : 0;
    this.#afterCr = false;
    while (at < text.length) {
      lineEnd.lastIndex = at;
      const end = lineEnd.exec(text)?.index;
      if (end === undefined) break;
      this.#hold(text.slice(at, end));
      at = end + 1;
      if (text[end] === '\r') {
        // An event is over with its carriage return, whatever follows.
        if (at === text.length) this.#afterCr = true;
        else if (text[at] === '\n') at++;
      }
      const event = this.#endLine(this.#takeLine());
      if (event) yield event;
    }
    this.#hold(text.slice(at));
  }

  #hold(part: string): void {
    if (part === '') return;
    this.#line.push(part);
    this.#lineChars += part.length;
  }

  #takeLine(): string {
    const line = this.#line.length === 1 ? (this.#line[0] as string) : this.#line.join('');
    this.#line = [];
    this.#lineChars = 0;
    return line;
  }

  #endLine(line: string): ServerSentEvent | undefined {
    if (this.#skipping !== undefined) {
      this.#skipping = this.#skipping === 'lines' && line === '' ? undefined : 'lines';
      return undefined;
    }
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon < 0) this.#field(line, '');
    else if (colon > 0) this.#field(line.slice(0, colon), line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1));
    return undefined;
  }

  #field(name: string, value: string): void {
    if (name === 'data') {
      this.#data.push(value);
      this.#dataChars += value.length + 1;
    } else if (name === 'event') this.#type = value;
    else if (name === 'id' && !value.includes('\0')) this.#lastEventId = value;
  }

  #dispatch(): ServerSentEvent | undefined {
    const event =
      this.#data.length === 0
        ? undefined
        : { type: this.#type || 'message', data: this.#data.join('\n'), lastEventId: this.#lastEventId };
    this.#clear();
    return event;
  }

  #clear(): void {
    this.#type = '';
    this.#data = [];
    this.#dataChars = 0;
  }
}
