/** HTTP Archive 1.2 (http://www.softwareishard.com/blog/har-12-spec). Names that begin with `_` are additions, as the format allows. */
import type { NoResponseReason } from '../continuations.js';
import type { Integrity } from '../message.js';
import type { Suspicion } from '../suspicion.js';

export interface HarNameValue {
  name: string;
  value: string;
}

export interface HarCookie extends HarNameValue {
  path?: string;
  domain?: string;
  /** ISO 8601. */
  expires?: string;
  httpOnly?: boolean;
  secure?: boolean;
  sameSite?: string;
}

export interface HarParam {
  name: string;
  value?: string;
  fileName?: string;
  contentType?: string;
}

export interface HarPostData {
  mimeType: string;
  /** Of forms; beside `text`, as browsers write it. */
  params?: HarParam[];
  text: string;
  /** The format has no binary bodies of requests: then `text` is in base64. */
  _encoding?: 'base64';
}

export interface HarContent {
  /** Content codings undone. */
  size: number;
  /** Bytes that the content codings saved. */
  compression?: number;
  mimeType: string;
  /** Absent when the body was not kept. */
  text?: string;
  encoding?: 'base64';
  comment?: string;
}

/** What is told of messages that the format has no place for. */
export interface HarMessageAdditions {
  _id?: number;
  _integrity?: Integrity;
  _missingBytes?: number;
  _bodyTruncated?: true;
  _conflict?: true;
  _suspicious?: readonly Suspicion[];
  _trailers?: HarNameValue[];
}

export interface HarRequest extends HarMessageAdditions {
  method: string;
  url: string;
  httpVersion: string;
  cookies: HarCookie[];
  headers: HarNameValue[];
  queryString: HarNameValue[];
  postData?: HarPostData;
  /** As sent; -1 when there is no request. */
  headersSize: number;
  /** As sent, without the framing of chunks; -1 when there is no request. */
  bodySize: number;
  comment?: string;
  /** The target as sent, where `url` does not end with it. */
  _target?: string;
}

export interface HarResponse extends HarMessageAdditions {
  /** 0 when there is no response. */
  status: number;
  statusText: string;
  httpVersion: string;
  cookies: HarCookie[];
  headers: HarNameValue[];
  content: HarContent;
  redirectURL: string;
  headersSize: number;
  bodySize: number;
  comment?: string;
  /** Why there is no response, where browsers tell it. */
  _error?: string;
}

/** Milliseconds; -1 for what does not apply. */
export interface HarTimings {
  blocked: -1;
  dns: -1;
  /** The TCP handshake, for the first exchange of a connection. */
  connect: number;
  ssl: -1;
  /** These three may not be -1 in the format: 0 when unknown. */
  send: number;
  wait: number;
  receive: number;
}

export interface HarEntry {
  /** When the request began, or the handshake before it when `timings.connect` is there. ISO 8601 in UTC with nine fractional digits. */
  startedDateTime: string;
  /** The sum of the timings. */
  time: number;
  request: HarRequest;
  response: HarResponse;
  cache: Record<string, never>;
  timings: HarTimings;
  serverIPAddress: string;
  /** The server's port, which is how developer tools read it. */
  connection: string;
  comment?: string;
  /** `connection.id` of the messages. */
  _connectionId: string;
  /** For developer tools, which else guess it from the media type. */
  _resourceType: 'fetch' | 'websocket';
  _clientIPAddress: string;
  _clientPort: number;
  _noResponse?: NoResponseReason;
}

export interface Har {
  log: { version: '1.2'; creator: { name: string; version: string }; entries: HarEntry[] };
}
