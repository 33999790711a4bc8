/** What util.inspect and console.log show of a message. */
import { isUtf8 } from 'node:buffer';
import { inspect } from 'node:util';
import type { Message } from './message.js';
import { formatTime } from './time.js';

const maxPreviewBytes = 200;

/** Everything from the wire goes through inspect(), which quotes strings and escapes control characters. */
export function inspectMessage(message: Message, depth: number, options: object): string {
  const name = message.kind === 'request' ? 'RequestMessage' : 'ResponseMessage';
  if (depth < 0) return `[${name}]`;
  const { client, server, id } = message.connection;
  const shown: Record<string, unknown> = { id: message.id };
  if (message.kind === 'response') shown.requestId = message.requestId;
  shown.connection = `#${id} ${endpoint(client)} -> ${endpoint(server)}`;
  shown.startTime = formatTime(message.startTime);
  if (message.kind === 'request') {
    shown.method = message.method;
    shown.target = message.target;
    shown.url = message.url;
  } else {
    shown.status = message.status;
    shown.statusText = message.statusText;
  }
  shown.httpVersion = message.httpVersion;
  shown.headers = message.headers;
  if (message.trailers.raw.length > 0) shown.trailers = message.trailers;
  shown.bodyLength = message.bodyLength;
  const body = message.body;
  if (body === undefined) shown.body = undefined;
  else if (body.length > 0) shown.body = preview(body);
  if (message.bodyTruncated) shown.bodyTruncated = true;
  if (message.unfinished) shown.unfinished = true;
  shown.integrity = message.integrity;
  if (message.missingBytes > 0) shown.missingBytes = message.missingBytes;
  if (message.conflict) shown.conflict = true;
  if (message.suspicious.length > 0) shown.suspicious = message.suspicious;
  return `${name} ${inspect(shown, { ...options, depth })}`;
}

function endpoint({ address, port }: { address: string; port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function preview(body: Buffer): string | Buffer {
  if (body.length <= maxPreviewBytes) return isUtf8(body) ? body.toString('utf8') : body;
  const start = body.subarray(0, maxPreviewBytes);
  // The cut may fall into a character, which the replacement character then stands for.
  return isUtf8(start) || isUtf8(start.subarray(0, -3)) ? `${start.toString('utf8')}…` : start;
}
