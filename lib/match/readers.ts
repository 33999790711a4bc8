/** Fields of messages. A reader tells whether any of the field's values passes a test; there may be none or several. */
import type { Endpoint } from '../batch-buffer.js';
import type { Message, RequestMessage } from '../message.js';
import type { FieldRef } from './ast.js';
import type { FieldName, FieldsOf } from './fields.js';
import { lowerCase } from './pattern.js';
import type { KnownMessage } from './subject.js';

export type Reader<V> = (of: KnownMessage, test: (value: V) => boolean) => boolean;

type StringField = FieldsOf<'text' | 'word' | 'address'>;
type NumberField = Exclude<FieldsOf<'status' | 'port' | 'size' | 'duration' | 'version'>, 'wait'>;
type FlagField = FieldsOf<'flag'>;

const strings: Readonly<Record<Exclude<StringField, 'header' | 'trailer'>, Reader<string>>> = {
  kind: ({ message }, test) => test(message.kind),
  method: ofRequest((message) => message.method),
  target: ofRequest((message) => message.target),
  path: ofRequest((message) => message.path),
  query: ofRequest((message) => message.query),
  url: ofRequest((message) => message.url),
  host: ({ message }, test) => message.kind === 'request' && someField(message.headers.raw, 'host', hostTest(test)),
  statusText: ({ message }, test) => message.kind === 'response' && test(message.statusText),
  head: ({ message }, test) => test(message.head.toString('latin1')),
  body: ({ body }, test) => typeof body === 'string' && test(body),
  integrity: ({ message }, test) => test(message.integrity),
  suspicious: ({ message }, test) => message.suspicious.some(test),
  'client.address': ({ message }, test) => test(message.connection.client.address),
  'server.address': ({ message }, test) => test(message.connection.server.address),
  address: ofEnds((end, test) => test(end.address)),
};

const numbers: Readonly<Record<NumberField, Reader<number>>> = {
  status: ({ message }, test) => message.kind === 'response' && test(message.status),
  httpVersion: ({ message }, test) => test(versionNumber(message.httpVersion)),
  bodyLength: ({ message }, test) => test(message.bodyLength),
  missingBytes: ({ message }, test) => test(message.missingBytes),
  duration: ({ message }, test) => test(Number(message.endTime - message.startTime)),
  'client.port': ({ message }, test) => test(message.connection.client.port),
  'server.port': ({ message }, test) => test(message.connection.server.port),
  port: ofEnds((end, test) => test(end.port)),
};

const flags: Readonly<Record<FlagField, (message: Message) => boolean>> = {
  interim: (message) => message.kind === 'response' && message.interim,
  bodyTruncated: (message) => message.bodyTruncated,
  conflict: (message) => message.conflict,
};

/** The reader of a field of one message. A flag that is set has the value `'true'`, others have none. */
export function readerOf(field: FieldRef): Reader<string> | Reader<number> {
  const { name } = field;
  if (name === 'header' || name === 'trailer') return fieldReader(name, field.header ?? '');
  if (isKey(flags, name)) return flagReader(flags[name]);
  if (isKey(numbers, name)) return numbers[name];
  if (isKey(strings, name)) return strings[name];
  throw new TypeError(`${name} is no field of one message`);
}

function fieldReader(section: 'header' | 'trailer', name: string): Reader<string> {
  return ({ message }, test) => someField(message[`${section}s`].raw, name, test);
}

function flagReader(isSet: (message: Message) => boolean): Reader<string> {
  return ({ message }, test) => isSet(message) && test('true');
}

/** From the end of the request to the beginning of the response, in nanoseconds; negative when the server did not wait for the end. */
export function waitNs(request: Message, response: Message): number {
  return Number(response.startTime - request.endTime);
}

function ofRequest(read: (message: RequestMessage) => string | null): Reader<string> {
  return ({ message }, test) => {
    if (message.kind !== 'request') return false;
    const value = read(message);
    return value !== null && test(value);
  };
}

function ofEnds<V>(read: (end: Endpoint, test: (value: V) => boolean) => boolean): Reader<V> {
  return ({ message }, test) => {
    const { client, server } = message.connection;
    return read(client, test) || read(server, test);
  };
}

function someField(
  raw: readonly (readonly [name: string, value: string])[],
  wanted: string,
  test: (value: string) => boolean,
): boolean {
  return raw.some(([name, value]) => name.length === wanted.length && lowerCase(name) === wanted && test(value));
}

const hostAndPort = /^(\[[^\]]*\]|[^:]*):\d*$/;

/** Host (RFC 9110, 7.2) counts as it was sent and without its port. */
function hostTest(test: (value: string) => boolean): (value: string) => boolean {
  return (value) => {
    const host = hostAndPort.exec(value)?.[1];
    return test(value) || (host !== undefined && test(host));
  };
}

function versionNumber(version: string): number {
  const [major, minor] = version.split('.').map(Number);
  return (major ?? 0) * 16 + (minor ?? 0);
}

function isKey<K extends FieldName>(table: Readonly<Record<K, unknown>>, name: FieldName): name is K {
  return Object.hasOwn(table, name);
}
