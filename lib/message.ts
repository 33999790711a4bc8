/** Requests and responses. */
import { inspect } from 'node:util';
import type { Batch } from './batch.js';
import { type DetachedRequest, type DetachedResponse, detachRequest, detachResponse } from './detach.js';
import { CaptureError } from './errors.js';
import { inspectMessage } from './inspect.js';
import { type RequestJson, type ResponseJson, requestToJson, responseToJson } from './json.js';
import { REQUEST, RESPONSE } from './layout.js';
import { MessageView } from './message-view.js';
import { requestSource } from './requests.js';
import { pathOf, queryOf, urlOf } from './target.js';

export type { BodyStreamOptions, Integrity, MessageEnd } from './message-view.js';

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
  /** @internal Found at once: the batch may forget where. */
  private readonly _requestSource: Batch | undefined;
  /** @internal */
  private _request: RequestMessage | undefined;

  /** @internal */
  constructor(batch: Batch, at: number, requestSources: readonly Batch[]) {
    super(batch, at);
    this._requestSource = requestSource(batch, requestSources, batch.requestId(at));
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
   * was iterated over. A response keeps the batch of its request, so that it is there as long as the response is. Of a request that has waited
   * for longer than some batches often only the head is kept (its `body` is `undefined`), and of more than 32 MiB of such the oldest are forgotten.
   */
  get request(): RequestMessage | undefined {
    const source = this._requestSource;
    if (this._request === undefined && source !== undefined) {
      const index = source.indexOf(this._batch.requestId(this._at));
      if (index >= 0) this._request = messageAt(source, index) as RequestMessage;
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
export function messageAt(batch: Batch, index: number, requestSources = batch.requestSources): Message {
  const at = batch.recordAt(index);
  const kind = batch.kind(at);
  if (kind === REQUEST) return new RequestMessage(batch, at);
  if (kind === RESPONSE) return new ResponseMessage(batch, at, requestSources);
  throw new CaptureError('ERR_CAPTURE', `The addon delivered a message of unknown kind ${kind}`);
}
