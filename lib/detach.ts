/** Messages as plain objects. */
import type { Connection } from './batch-buffer.js';
import type { RawHeader } from './headers.js';
import type { Integrity, Message, RequestMessage, ResponseMessage } from './message.js';
import type { Suspicion } from './suspicion.js';

interface DetachedCommon {
  id: number;
  connection: Connection;
  /** Nanoseconds since the Unix epoch. */
  startTime: bigint;
  endTime: bigint;
  timestamp: Date;
  httpVersion: string;
  /** Name and value in wire order and case, what `headers.raw` has in the message. */
  headers: RawHeader[];
  trailers: RawHeader[];
  /** Exact bytes of start line and headers. */
  head: Uint8Array;
  /** De-chunked, content codings left as they are. */
  body: Uint8Array | undefined;
  bodyLength: number;
  bodyTruncated: boolean;
  unfinished: boolean;
  integrity: Integrity;
  missingBytes: number;
  conflict: boolean;
  suspicious: readonly Suspicion[];
}

export interface DetachedRequest extends DetachedCommon {
  kind: 'request';
  method: string;
  target: string;
  url: string | null;
  path: string;
  query: string;
}

export interface DetachedResponse extends DetachedCommon {
  kind: 'response';
  status: number;
  statusText: string;
  requestId: number | null;
  interim: boolean;
}

/** What `detach()` gives: plain data that structuredClone() and postMessage() take. */
export type DetachedMessage = DetachedRequest | DetachedResponse;

export function detachRequest(message: RequestMessage): DetachedRequest {
  return {
    kind: message.kind,
    ...detachCommon(message),
    method: message.method,
    target: message.target,
    url: message.url,
    path: message.path,
    query: message.query,
  };
}

export function detachResponse(message: ResponseMessage): DetachedResponse {
  return {
    kind: message.kind,
    ...detachCommon(message),
    status: message.status,
    statusText: message.statusText,
    requestId: message.requestId,
    interim: message.interim,
  };
}

function copyConnection({ id, client, server, proxied, process }: Connection): Connection {
  return {
    id,
    client: { ...client },
    server: { ...server },
    ...(proxied && { proxied: { source: { ...proxied.source }, destination: { ...proxied.destination } } }),
    ...(process && { process: { ...process } }),
  };
}

function detachCommon(message: Message): DetachedCommon {
  const { connection, body } = message;
  return {
    id: message.id,
    connection: copyConnection(connection),
    startTime: message.startTime,
    endTime: message.endTime,
    timestamp: message.timestamp,
    httpVersion: message.httpVersion,
    headers: message.headers.toJSON(),
    trailers: message.trailers.toJSON(),
    // Copies, and no Buffers: cloning would turn these into what they are here.
    head: Uint8Array.from(message.head),
    body: body && Uint8Array.from(body),
    bodyLength: message.bodyLength,
    bodyTruncated: message.bodyTruncated,
    unfinished: message.unfinished,
    integrity: message.integrity,
    missingBytes: message.missingBytes,
    conflict: message.conflict,
    suspicious: [...message.suspicious],
  };
}
