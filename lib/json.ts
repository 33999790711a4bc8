/** The object form of a message: one line of NDJSON. The names and their order are a contract, see docs/api.md. */
import { isUtf8 } from 'node:buffer';
import type { Connection } from './batch-buffer.js';
import { decodeContentSync, isContentEncoded } from './body/content-coding.js';
import type { Integrity, Message, RequestMessage, ResponseMessage } from './message.js';
import type { Suspicion } from './suspicion.js';
import { formatTime } from './time.js';

/** What the JSON forms of requests and responses have in common. */
export interface CommonJson {
  connection: Connection;
  /** ISO 8601 in UTC with nine fractional digits: `2022-11-12T04:59:00.123456789Z`. */
  startTime: string;
  endTime: string;
  httpVersion: string;
  headers: [name: string, value: string][];
  trailers: [name: string, value: string][];
  bodyLength: number;
  /** Content-decoded when it can be; absent, with the two that follow, when it was not kept. */
  body?: string;
  /** `base64` when the bytes are not valid UTF-8. */
  bodyEncoding?: 'utf8' | 'base64';
  /** True when a content coding was undone. */
  bodyDecoded?: boolean;
  integrity: Integrity;
  /** Only when `true`: the message is being streamed, and its end has not come. */
  unfinished?: true;
  /** Only when `true`. */
  bodyTruncated?: true;
  /** Only when not 0. */
  missingBytes?: number;
  /** Only when `true`. */
  conflict?: true;
  /** Only when not empty. */
  suspicious?: readonly Suspicion[];
}

export interface RequestJson extends CommonJson {
  kind: 'request';
  id: number;
  method: string;
  target: string;
  url: string | null;
}

export interface ResponseJson extends CommonJson {
  kind: 'response';
  id: number;
  requestId: number | null;
  status: number;
  statusText: string;
}

export type MessageJson = RequestJson | ResponseJson;

export function requestToJson(message: RequestMessage, maxDecodedBytes: number): RequestJson {
  const json = {
    kind: message.kind,
    id: message.id,
    connection: message.connection,
    startTime: formatTime(message.startTime),
    endTime: formatTime(message.endTime),
    method: message.method,
    target: message.target,
    url: message.url,
    httpVersion: message.httpVersion,
    headers: message.headers.toJSON(),
    trailers: message.trailers.toJSON(),
    bodyLength: message.bodyLength,
  } as RequestJson;
  return finish(json, message, maxDecodedBytes);
}

export function responseToJson(message: ResponseMessage, maxDecodedBytes: number): ResponseJson {
  const json = {
    kind: message.kind,
    id: message.id,
    requestId: message.requestId,
    status: message.status,
    statusText: message.statusText,
    connection: message.connection,
    startTime: formatTime(message.startTime),
    endTime: formatTime(message.endTime),
    httpVersion: message.httpVersion,
    headers: message.headers.toJSON(),
    trailers: message.trailers.toJSON(),
    bodyLength: message.bodyLength,
  } as ResponseJson;
  return finish(json, message, maxDecodedBytes);
}

function finish<T extends CommonJson>(json: T, message: Message, maxDecodedBytes: number): T {
  const body = message.body;
  if (body !== undefined) {
    const decoded = decodedBody(message, body, maxDecodedBytes);
    const bytes = decoded ?? body;
    const text = isUtf8(bytes);
    json.body = bytes.toString(text ? 'utf8' : 'base64');
    json.bodyEncoding = text ? 'utf8' : 'base64';
    json.bodyDecoded = decoded !== undefined;
  }
  json.integrity = message.integrity;
  if (message.unfinished) json.unfinished = true;
  if (message.bodyTruncated) json.bodyTruncated = true;
  if (message.missingBytes > 0) json.missingBytes = message.missingBytes;
  if (message.conflict) json.conflict = true;
  if (message.suspicious.length > 0) json.suspicious = message.suspicious;
  return json;
}

/** undefined when there is nothing to undo, or it cannot be undone. */
function decodedBody(message: Message, body: Buffer, maxDecodedBytes: number): Buffer | undefined {
  if (body.length === 0) return undefined;
  const contentEncoding = message.headers.get('content-encoding');
  if (!isContentEncoded(contentEncoding)) return undefined;
  try {
    return decodeContentSync(body, contentEncoding, maxDecodedBytes);
  } catch {
    return undefined;
  }
}
