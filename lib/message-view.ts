/** What requests and responses have in common: thin views over a batch. A field is decoded when it is read. */
import { inspect } from 'node:util';
import type { Batch } from './batch.js';
import type { Connection } from './batch-buffer.js';
import { BodyReader } from './body/body-reader.js';
import { decodeText } from './body/charset.js';
import { type Coding, decodeContent, isContentEncoded, parseContentEncoding } from './body/content-coding.js';
import { decodeChunks } from './body/decode-chunks.js';
import { parseFormData } from './body/form-data.js';
import type { OpenBody } from './body/open-body.js';
import { collect, type FirstPart, overGaps, piecesOf, untilGap } from './body/pieces.js';
import { eventsOf, type ServerSentEvent } from './body/server-sent-events.js';
import { badOption, checkOptions } from './check-options.js';
import type { MessageRest } from './continuations.js';
import { CaptureError } from './errors.js';
import { MessageHeaders } from './headers.js';
import { flags } from './layout.js';
import { type Suspicion, suspicionsOf } from './suspicion.js';
import { toMs } from './time.js';

/**
 * What became of a message: `complete`, or the first that applies of `gap` (bytes are missing inside), `truncated` (by the snap
 * length, an eviction or the end of the capture) and `aborted` (closed or reset before its end). A body that `maxBodyBytes` cut
 * does not count, see `bodyTruncated`.
 */
export type Integrity = 'complete' | 'gap' | 'truncated' | 'aborted';

const integrities: readonly Integrity[] = ['complete', 'gap', 'truncated', 'aborted'];

/** What is known of a message when it is over. */
export interface MessageEnd {
  /** When the last byte was captured: nanoseconds since the Unix epoch. */
  readonly endTime: bigint;
  readonly bodyLength: number;
  readonly trailers: MessageHeaders;
  readonly integrity: Integrity;
  readonly missingBytes: number;
  readonly conflict: boolean;
  readonly suspicious: readonly Suspicion[];
}

export interface BodyStreamOptions {
  /** Undo the content codings. Default false. */
  decoded?: boolean;
  /** What to do at bytes that were not captured: end there (default), or go on behind them. */
  gaps?: 'end' | 'skip';
}

/** What requests and responses have in common. */
export abstract class MessageView {
  // Ordinary properties rather than #private ones, so that cloning a message by mistake fails loudly (see Batch.clone) instead of
  // giving an empty object.
  /** @internal */
  protected readonly _batch: Batch;
  /** @internal */
  protected readonly _at: number;
  /** @internal */
  protected _head: string | undefined;
  /** @internal */
  protected _headers: MessageHeaders | undefined;
  /** @internal */
  protected _trailers: MessageHeaders | undefined;

  /** @internal */
  constructor(batch: Batch, at: number) {
    this._batch = batch;
    this._at = at;
    this._head = undefined;
    this._headers = undefined;
    this._trailers = undefined;
  }

  /**
   * Ascends in the order of delivery. A message that was dropped because the consumer is slow uses up its id, so that a jump
   * shows the loss.
   */
  get id(): number {
    return this._batch.id(this._at);
  }

  get connection(): Connection {
    return this._batch.connection(this._at);
  }

  /** When the first byte was captured: nanoseconds since the Unix epoch. */
  get startTime(): bigint {
    return this._batch.startTimeNs(this._at);
  }

  /** When the last byte was captured: nanoseconds since the Unix epoch. */
  get endTime(): bigint {
    return this._rest()?.endTimeNs ?? this._batch.endTimeNs(this._at);
  }

  /** `startTime` to the millisecond. */
  get timestamp(): Date {
    return new Date(toMs(this.startTime));
  }

  /** `'1.1'`, `'1.0'`. */
  get httpVersion(): string {
    const version = this._batch.httpVersion(this._at);
    return version === 0x11 ? '1.1' : version === 0x10 ? '1.0' : `${version >> 4}.${version & 15}`;
  }

  /** The header fields (RFC 9110, 6.3). */
  get headers(): MessageHeaders {
    if (this._headers === undefined) {
      const batch = this._batch;
      const at = this._at;
      const bits = batch.flags(at);
      this._headers = new MessageHeaders(
        batch,
        this._headText(),
        batch.headersOffset(at),
        batch.headersCount(at),
        (bits & flags.wideOffsets) !== 0,
        (bits & flags.obsFold) !== 0,
      );
    }
    return this._headers;
  }

  /** The trailer fields of a chunked body (RFC 9110, 6.5); mostly none. */
  get trailers(): MessageHeaders {
    const rest = this._rest();
    if (rest?.trailers !== undefined) return rest.trailers;
    if (this._trailers === undefined) {
      const batch = this._batch;
      const at = this._at;
      const bits = batch.flags(at);
      this._trailers = new MessageHeaders(
        batch,
        batch.trailersCount(at) === 0 ? '' : batch.trailerText(at),
        batch.trailersOffset(at),
        batch.trailersCount(at),
        (bits & flags.wideOffsets) !== 0,
        (bits & flags.obsFold) !== 0,
      );
    }
    return this._trailers;
  }

  /** The exact bytes of start line and header section as sent, the empty line included. A view: keeping it keeps the batch. */
  get head(): Buffer {
    return this._batch.head(this._at);
  }

  /**
   * The bytes of the body, de-chunked (RFC 9112, 7.1), content codings left as they are; as far as they were kept: `maxBodyBytes`
   * may have cut it, see `bodyTruncated`. `undefined` when it was not to be kept (`body: 'none'`), is streamed (`body: 'stream'`,
   * see `stream()`) or kept its framing (`body: 'wire'`, see `wireBody`). A view: keeping it keeps the batch.
   */
  get body(): Buffer | undefined {
    return this._batch.context.streaming ? undefined : this._batch.body(this._at);
  }

  /**
   * What followed `head` on the wire: of a chunked body the sizes, extensions and trailer section too (RFC 9112, 7.1), which are kept with
   * `body: 'wire'` only; of any other body the same as `body`. `undefined` when it was not kept. A view: keeping it keeps the batch.
   */
  get wireBody(): Buffer | undefined {
    return this._batch.context.streaming ? undefined : this._batch.wireBody(this._at);
  }

  /** Length of the whole body in bytes, de-chunked, whatever was kept of it. */
  get bodyLength(): number {
    return this._rest()?.bodyLength ?? this._batch.bodyLength(this._at);
  }

  /**
   * True when `body` is not all of what was captured, because of `maxBodyBytes` or the limit on memory. Of a body that is streamed: when
   * `maxBodyBytes` cut what `bytes()` and the like collected.
   */
  get bodyTruncated(): boolean {
    if ((this._batch.flags(this._at) & flags.bodyTruncated) !== 0) return true;
    return this._batch.context.streaming && (this._open()?.cut ?? this._ownBodyIsCut());
  }

  /**
   * True until the end of a message that is streamed has come: `bodyLength`, `endTime`, `trailers`, `integrity`, `missingBytes`, `conflict`
   * and `suspicious` tell what is known so far. See `finished`.
   */
  get unfinished(): boolean {
    const open = this._open();
    return open !== undefined && open.rest === undefined;
  }

  get integrity(): Integrity {
    return integrities[this._rest()?.integrity ?? this._batch.integrity(this._at)] ?? 'complete';
  }

  /** How many bytes of the message were never captured, where that is known. */
  get missingBytes(): number {
    return this._rest()?.missingBytes ?? this._batch.missingBytes(this._at);
  }

  /** True when packets disagreed about bytes of this message; those that came first are shown. */
  get conflict(): boolean {
    return ((this._rest()?.flags ?? this._batch.flags(this._at)) & flags.conflict) !== 0;
  }

  /**
   * Ways in which the message is written that receivers read differently, such as `'content-length-and-transfer-encoding'`: what to look
   * for when looking for request smuggling. Mostly empty.
   */
  get suspicious(): readonly Suspicion[] {
    return suspicionsOf(this._rest()?.suspicious ?? this._batch.suspicious(this._at));
  }

  /**
   * Resolves when the message is over, with what is known only then; at once unless it is `unfinished`. While somebody waits for it, packets
   * are read whether or not the next message is asked for. Rejects with a CaptureError `ERR_CLOSED` when the tap is closed before, which never causes an unhandled rejection.
   */
  get finished(): Promise<MessageEnd> {
    const ended = this._open()?.ended() ?? Promise.resolve();
    const finished = ended.then(() => ({
      endTime: this.endTime,
      bodyLength: this.bodyLength,
      trailers: this.trailers,
      integrity: this.integrity,
      missingBytes: this.missingBytes,
      conflict: this.conflict,
      suspicious: this.suspicious,
    }));
    finished.catch(() => {});
    return finished;
  }

  /**
   * The bytes of the body, de-chunked, as they come. A body that is streamed (`body: 'stream'`) can be read once: begin before
   * you take the next message, or soon after (`maxQueuedBytes` of such bodies are kept). Of a body that was kept it is `body` in one chunk.
   *
   * @param options `decoded`: undo the content codings too; default false. `gaps`: at bytes that were not captured `'end'` (default), or
   *   `'skip'` them; `finished` tells whether there were any.
   * @throws CaptureError `ERR_STATE` when the body was not kept, or is read already; `ERR_OPTION`. The iterator throws `ERR_BODY_DROPPED` when
   *   the body was not read in time, `ERR_CLOSED` when the tap is closed before its end, and `ERR_DECODE`, also at once.
   */
  stream(options: BodyStreamOptions = {}): AsyncIterableIterator<Buffer, undefined> {
    checkOptions(options, ['decoded', 'gaps'], 'stream()');
    const { decoded = false, gaps = 'end' } = options;
    if (typeof decoded !== 'boolean') throw badOption(`decoded must be true or false, not ${inspect(decoded)}`);
    if (gaps !== 'end' && gaps !== 'skip') {
      throw badOption(`gaps must be 'end' or 'skip', not ${inspect(gaps)}`);
    }
    const codings = decoded ? this._codings() : [];
    const { pieces, open } = this._claim();
    const chunks = gaps === 'skip' ? overGaps(pieces) : untilGap(pieces);
    return new BodyReader(decodeChunks(chunks, codings), open);
  }

  /**
   * The body as server-sent events (`text/event-stream`; WHATWG HTML, 9.2), content codings undone, each as soon as it is there when the
   * body is streamed. An event with a hole in it is left out; with a content coding the events end at the first hole.
   * @throws CaptureError as stream(); `ERR_DECODE` also when an event exceeds `maxDecodedBytes`
   */
  events(): AsyncIterableIterator<ServerSentEvent, undefined> {
    const codings = this._codings();
    const { pieces, open } = this._claim();
    const decoded = codings.length > 0 ? decodeChunks(untilGap(pieces), codings) : pieces;
    return new BodyReader(eventsOf(decoded, this._batch.context.maxDecodedBytes), open);
  }

  /**
   * The body with its content codings (gzip, deflate, br, zstd, and several of them) undone; what there is of it when it was cut. Of a body
   * that is streamed, when the message is over, and at most `maxBodyBytes` of it: `bodyTruncated` tells whether there was more.
   * @throws CaptureError `ERR_DECODE` for an unknown coding, damaged data, or more than `maxDecodedBytes`; `ERR_STATE` when the body
   *   was not kept; and as stream()
   */
  async bytes(): Promise<Buffer> {
    const body = await this._keptBody();
    const contentEncoding = this.headers.get('content-encoding');
    if (body.length === 0 || !isContentEncoded(contentEncoding)) return body;
    return decodeContent(body, contentEncoding, this._batch.context.maxDecodedBytes);
  }

  /**
   * bytes() as text, by byte order mark, the charset of Content-Type, or as UTF-8. What is not valid becomes U+FFFD.
   * @throws CaptureError as bytes()
   */
  async text(): Promise<string> {
    return decodeText(await this.bytes(), this.headers.get('content-type'));
  }

  /**
   * text() parsed as JSON.
   * @throws SyntaxError when it is not JSON; CaptureError as bytes()
   */
  async json<T = unknown>(): Promise<T> {
    return JSON.parse(await this.text()) as T;
  }

  /**
   * bytes() as the fields of a form: `multipart/form-data` (RFC 7578) or `application/x-www-form-urlencoded`; files are `File`s.
   * @throws CaptureError `ERR_DECODE` when it is neither or damaged; and as bytes()
   */
  async formData(): Promise<FormData> {
    return parseFormData(await this.bytes(), this.headers.get('content-type'));
  }

  private _keptBody(): Buffer | Promise<Buffer> {
    const collectAll = () => collect(this.stream(), this._batch.context.maxBodyBytes);
    const open = this._open();
    return open === undefined
      ? this._ownBody().subarray(0, this._batch.context.maxBodyBytes)
      : open.collected(collectAll);
  }

  /** Of a message that came whole: there is more of its body than bytes() gives. */
  private _ownBodyIsCut(): boolean {
    const { maxBodyBytes } = this._batch.context;
    return (this._batch.body(this._at)?.length ?? 0) > maxBodyBytes;
  }

  /** What of the body came with the record. */
  private _ownBody(): Buffer {
    const body = this._batch.body(this._at);
    if (body !== undefined) return body;
    if (this._batch.bodyLength(this._at) === 0) return Buffer.alloc(0);
    throw new CaptureError(
      'ERR_STATE',
      "The body of this message was not kept. Capture with body: 'buffer', and read the body of a response's request from the request itself",
    );
  }

  private _codings(): readonly Coding[] {
    return parseContentEncoding(this.headers.get('content-encoding') ?? '');
  }

  /** The body for one reader. */
  private _claim() {
    const open = this._open();
    const bytes = this._ownBody();
    const first: FirstPart = {
      bytes,
      missing: open === undefined ? 0 : this._batch.bodyLength(this._at) - bytes.length,
    };
    open?.claim();
    return { pieces: piecesOf(first, open), open };
  }

  /** @internal What follows the record of a message that is streamed. */
  _open(): OpenBody | undefined {
    if ((this._batch.flags(this._at) & flags.streaming) === 0) return undefined;
    return this._batch.open?.get(this.id);
  }

  /** What the record could not tell yet. */
  private _rest(): MessageRest | undefined {
    return this._open()?.rest;
  }

  /** @internal The head as text, a character a byte; decoded once. */
  protected _headText(): string {
    if (this._head === undefined) this._head = this._batch.headText(this._at);
    return this._head;
  }
}
