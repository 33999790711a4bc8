/** Messages: thin views over a batch. A field is decoded when it is read. */
import { inspect } from 'node:util';
import { type Batch, type Connection, flags, REQUEST, RESPONSE } from './batch.js';
import { decodeContent, decodeText, isContentEncoded } from './body.js';
import { type DetachedRequest, type DetachedResponse, detachRequest, detachResponse } from './detach.js';
import { CaptureError } from './errors.js';
import { MessageHeaders } from './headers.js';
import { inspectMessage } from './inspect.js';
import { type RequestJson, type ResponseJson, requestToJson, responseToJson } from './json.js';
import { findRequest } from './requests.js';
import { type Suspicion, suspicionsOf } from './suspicion.js';
import { pathOf, queryOf, urlOf } from './target.js';
import { toMs } from './time.js';

/**
 * What became of a message: `complete`, or the first that applies of `gap` (bytes are missing inside), `truncated` (by the snap
 * length, an eviction or the end of the capture) and `aborted` (closed or reset before its end). A body that `maxBodyBytes` cut
 * does not count, see `bodyTruncated`.
 */
export type Integrity = 'complete' | 'gap' | 'truncated' | 'aborted';

const integrities: readonly Integrity[] = ['complete', 'gap', 'truncated', 'aborted'];

/** What requests and responses have in common. */
abstract class MessageView {
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
    return this._batch.endTimeNs(this._at);
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
   * may have cut it, see `bodyTruncated`. `undefined` when it was not to be kept (`body: 'none'`). A view: keeping it keeps the batch.
   */
  get body(): Buffer | undefined {
    return this._batch.body(this._at);
  }

  /** Length of the whole body in bytes, de-chunked, whatever was kept of it. */
  get bodyLength(): number {
    return this._batch.bodyLength(this._at);
  }

  /** True when `body` is not all of what was captured, because of `maxBodyBytes` or the limit on memory. */
  get bodyTruncated(): boolean {
    return (this._batch.flags(this._at) & flags.bodyTruncated) !== 0;
  }

  get integrity(): Integrity {
    return integrities[this._batch.integrity(this._at)] ?? 'complete';
  }

  /** How many bytes of the message were never captured, where that is known. */
  get missingBytes(): number {
    return this._batch.missingBytes(this._at);
  }

  /** True when packets disagreed about bytes of this message; those that came first are shown. */
  get conflict(): boolean {
    return (this._batch.flags(this._at) & flags.conflict) !== 0;
  }

  /**
   * Ways in which the message is written that receivers read differently, such as `'content-length-and-transfer-encoding'`: what to look
   * for when looking for request smuggling. Mostly empty.
   */
  get suspicious(): readonly Suspicion[] {
    return suspicionsOf(this._batch.suspicious(this._at));
  }

  /**
   * The body with its content codings (gzip, deflate, br, zstd, and several of them) undone; what there is of it when it was cut.
   * @throws CaptureError `ERR_DECODE` for an unknown coding, damaged data, or more than `maxDecodedBytes`; `ERR_STATE` when the body
   *   was not kept.
   */
  async bytes(): Promise<Buffer> {
    const body = this._keptBody();
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

  private _keptBody(): Buffer {
    const body = this._batch.body(this._at);
    if (body !== undefined) return body;
    if (this.bodyLength === 0) return Buffer.alloc(0);
    throw new CaptureError(
      'ERR_STATE',
      "The body of this message was not kept. Capture with body: 'buffer', and read the body of a response's request from the request itself",
    );
  }

  /** @internal The head as text, a character a byte; decoded once. */
  protected _headText(): string {
    if (this._head === undefined) this._head = this._batch.headText(this._at);
    return this._head;
  }
}

/** An HTTP request. */
export class RequestMessage extends MessageView {
  get kind(): 'request' {
    return 'request';
  }

  /** As sent: `'GET'`. */
  get method(): string {
    const start = this._batch.startLineOffset(this._at);
    return this._headText().substring(start, start + this._batch.methodLength(this._at));
  }

  /** The request target as sent (RFC 9112, 3.2): `'/a?b=c'`, an absolute URI, `'host:port'` or `'*'`. */
  get target(): string {
    const start = this._batch.textOffset(this._at);
    return this._headText().substring(start, start + this._batch.textLength(this._at));
  }

  /**
   * The target URI (RFC 9112, 3.3), neither checked nor normalised: `http://`, Host and the target; the target itself when it is
   * absolute; `http://host:port` for CONNECT. `null` when there is no Host to build it from.
   */
  get url(): string | null {
    const index = this._batch.hostIndex(this._at);
    return urlOf(this.method, this.target, index === 0 ? '' : this.headers._value(index - 1));
  }

  /** The path as sent, without the query: `'/a'`; of an absolute target its path part; `'*'` as sent; `''` for CONNECT. */
  get path(): string {
    return pathOf(this.method, this.target);
  }

  /** What follows the first `?` of the target, as sent; `''` when there is none. */
  get query(): string {
    return queryOf(this.target);
  }

  /** A plain object with the same fields that is free of the batch and can be cloned, posted to a worker and kept for ever. */
  detach(): DetachedRequest {
    return detachRequest(this);
  }

  /** The object that `flowtap --json` prints. */
  toJSON(): RequestJson {
    return requestToJson(this, this._batch.context.maxDecodedBytes);
  }

  [inspect.custom](depth: number, options: object): string {
    return inspectMessage(this, depth, options);
  }

  get [Symbol.toStringTag](): string {
    return 'RequestMessage';
  }
}

/** An HTTP response. */
export class ResponseMessage extends MessageView {
  /** @internal */
  private _request: RequestMessage | undefined;

  /** @internal */
  constructor(batch: Batch, at: number) {
    super(batch, at);
    this._request = undefined;
  }

  get kind(): 'response' {
    return 'response';
  }

  /** The status code: `200`. */
  get status(): number {
    return this._batch.status(this._at);
  }

  /** The reason phrase as sent, often `''`. */
  get statusText(): string {
    const length = this._batch.textLength(this._at);
    if (length === 0) return '';
    const start = this._batch.textOffset(this._at);
    return this._headText().substring(start, start + length);
  }

  /** `id` of the request that it answers, `null` when that was not seen. */
  get requestId(): number | null {
    return this._batch.requestId(this._at) || null;
  }

  /**
   * The request that it answers, when it was seen and delivered: the same each time, but not the same object as the one that
   * was iterated over. Read it while the response is recent: only the last batches are
   * kept for this, and of older requests that wait for their response only the heads (their `body` is `undefined`), up to 32 MiB.
   */
  get request(): RequestMessage | undefined {
    const id = this._batch.requestId(this._at);
    if (id === 0) return undefined;
    if (this._request === undefined) {
      const found = findRequest(this._batch, id);
      this._request = found && (messageAt(found.batch, found.index) as RequestMessage);
    }
    return this._request;
  }

  /** True for 1xx (RFC 9110, 15.2). Behind each but 101, after which the connection speaks another protocol, the final response follows. */
  get interim(): boolean {
    const status = this.status;
    return status >= 100 && status < 200;
  }

  /** A plain object with the same fields, save `request`, that is free of the batch and can be cloned, posted to a worker and kept. */
  detach(): DetachedResponse {
    return detachResponse(this);
  }

  /** The object that `flowtap --json` prints. */
  toJSON(): ResponseJson {
    return responseToJson(this, this._batch.context.maxDecodedBytes);
  }

  [inspect.custom](depth: number, options: object): string {
    return inspectMessage(this, depth, options);
  }

  get [Symbol.toStringTag](): string {
    return 'ResponseMessage';
  }
}

/** A message, told apart by `kind`. */
export type Message = RequestMessage | ResponseMessage;

/**
 * A view of a record. A new one each time: a batch that remembered the views would keep alive whatever they decoded, for as long as it
 * is kept for the responses that may refer to it, and that costs more than everything else.
 */
export function messageAt(batch: Batch, index: number): Message {
  const at = batch.recordAt(index);
  const kind = batch.kind(at);
  if (kind === REQUEST) return new RequestMessage(batch, at);
  if (kind === RESPONSE) return new ResponseMessage(batch, at);
  throw new CaptureError('ERR_CAPTURE', `The addon delivered a message of unknown kind ${kind}`);
}
