/** Messages as they are printed with `--redact`. */
import { Buffer, isUtf8 } from 'node:buffer';
import {
  type DetachedExchange,
  type DetachedMessage,
  type Message,
  type MessageJson,
  type RawHeader,
  type RedactOptions,
  redact,
} from '../index.js';
import type { RedactionFlags } from './flags.js';
import type { PrintedMessage } from './printers/printer.js';

export function redactOptionsOf({ headers, query, fields }: RedactionFlags): RedactOptions {
  return { headers, query, fields };
}

const noTiming: DetachedExchange['timing'] = { handshake: null, send: null, wait: null, receive: null, total: null };

export function withoutSecrets(message: Message, options: RedactOptions): PrintedMessage {
  const masked = maskedOf(message, options);
  const body = masked.body && Buffer.from(masked.body);
  const isBodyMasked = body !== undefined && !(message.body?.equals(body) ?? false);
  const common = {
    id: masked.id,
    connection: masked.connection,
    startTime: masked.startTime,
    head: Buffer.from(masked.head),
    headers: { get: (name: string) => joined(masked.headers, name) },
    trailers: { raw: masked.trailers },
    body,
    // Bodies that were chunked are not kept as they were framed.
    wireBody: message.wireBody && body,
    bodyLength: masked.bodyLength,
    bodyTruncated: masked.bodyTruncated,
    integrity: masked.integrity,
    missingBytes: masked.missingBytes,
    conflict: masked.conflict,
    suspicious: masked.suspicious,
    // Where something was masked, the content codings are undone.
    bytes: () => (isBodyMasked || body === undefined ? Promise.resolve(body ?? Buffer.alloc(0)) : message.bytes()),
    detach: () => masked,
    toJSON: () => maskedJson(message.toJSON(), masked, isBodyMasked ? body : undefined),
  };
  if (message.kind === 'request') return { ...common, kind: 'request' };
  const { status, requestId, request } = message;
  return { ...common, kind: 'response', status, requestId, request };
}

/** A response together with its request, because it may repeat a secret of it under any name. */
function maskedOf(message: Message, options: RedactOptions): DetachedMessage {
  const request = message.kind === 'response' ? message.request : undefined;
  if (message.kind === 'request' || request === undefined) return redact(message, options);
  const exchange: DetachedExchange = {
    connection: message.connection,
    request: request.detach(),
    response: message.detach(),
    noResponse: undefined,
    timing: noTiming,
  };
  return redact(exchange, options).response as DetachedMessage;
}

/** The same names in the same order. */
function maskedJson(json: MessageJson, masked: DetachedMessage, maskedBody: Buffer | undefined): MessageJson {
  const { headers, trailers, bodyLength } = masked;
  const copy = { ...json, headers, trailers, bodyLength } as MessageJson;
  if (copy.kind === 'request' && masked.kind === 'request') {
    copy.target = masked.target;
    copy.url = masked.url;
  } else if (copy.kind === 'response' && masked.kind === 'response') {
    copy.statusText = masked.statusText;
  }
  if (masked.body === undefined) {
    delete copy.body;
    delete copy.bodyEncoding;
    delete copy.bodyDecoded;
  } else if (maskedBody !== undefined) {
    const encoding = isUtf8(maskedBody) ? 'utf8' : 'base64';
    copy.body = maskedBody.toString(encoding);
    copy.bodyEncoding = encoding;
  }
  return copy;
}

function joined(headers: readonly RawHeader[], name: string): string | null {
  const values = headers.filter(([one]) => one.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  return values.length === 0 ? null : values.join(', ');
}
