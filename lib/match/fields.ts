/** What an expression can ask about, and how. docs/expressions.md has the table for people. */
import { suspicions } from '../suspicion.js';

/** What the values of a field are, which decides how they are written and which operators it has. */
export type FieldType =
  | 'text'
  | 'word'
  | 'status'
  | 'port'
  | 'size'
  | 'duration'
  | 'version'
  | 'address'
  /** True or false; stands alone as a condition. */
  | 'flag';

export type Side = 'request' | 'response';

export interface Field {
  readonly type: FieldType;
  /** Whose it is: only requests have it, only responses, every message has its own, or both sides share it. */
  readonly of: Side | 'message' | 'connection' | 'exchange';
  /** Known when the head of its message is complete, or only when the message is over. */
  readonly known: 'head' | 'end';
  /** Compared without regard to the case of ASCII letters; not by regular expressions, which have a flag for it. */
  readonly caseless?: boolean;
  /** Is followed by the name of a header field. */
  readonly named?: boolean;
  /** What a `word` can be. */
  readonly words?: readonly string[];
  /** May stand alone, for `exists`. Flags always do. */
  readonly bare?: boolean;
}

export const fields = {
  kind: { type: 'word', of: 'message', known: 'head', words: ['request', 'response'] },
  method: { type: 'text', of: 'request', known: 'head', caseless: true },
  target: { type: 'text', of: 'request', known: 'head' },
  path: { type: 'text', of: 'request', known: 'head' },
  query: { type: 'text', of: 'request', known: 'head' },
  url: { type: 'text', of: 'request', known: 'head' },
  host: { type: 'text', of: 'request', known: 'head', caseless: true },
  status: { type: 'status', of: 'response', known: 'head' },
  statusText: { type: 'text', of: 'response', known: 'head' },
  interim: { type: 'flag', of: 'response', known: 'head' },
  httpVersion: { type: 'version', of: 'message', known: 'head' },
  header: { type: 'text', of: 'message', known: 'head', named: true },
  head: { type: 'text', of: 'message', known: 'head' },
  body: { type: 'text', of: 'message', known: 'end' },
  bodyLength: { type: 'size', of: 'message', known: 'end' },
  bodyTruncated: { type: 'flag', of: 'message', known: 'end' },
  trailer: { type: 'text', of: 'message', known: 'end', named: true },
  duration: { type: 'duration', of: 'message', known: 'end' },
  integrity: { type: 'word', of: 'message', known: 'end', words: ['complete', 'gap', 'truncated', 'aborted'] },
  missingBytes: { type: 'size', of: 'message', known: 'end' },
  conflict: { type: 'flag', of: 'message', known: 'end' },
  suspicious: { type: 'word', of: 'message', known: 'end', words: Object.keys(suspicions), bare: true },
  'client.address': { type: 'address', of: 'connection', known: 'head' },
  'client.port': { type: 'port', of: 'connection', known: 'head' },
  'server.address': { type: 'address', of: 'connection', known: 'head' },
  'server.port': { type: 'port', of: 'connection', known: 'head' },
  address: { type: 'address', of: 'connection', known: 'head' },
  port: { type: 'port', of: 'connection', known: 'head' },
  wait: { type: 'duration', of: 'exchange', known: 'end' },
} as const satisfies Record<string, Field>;

type Fields = typeof fields;
export type FieldName = keyof Fields;
/** The names of the fields with one of these types. */
export type FieldsOf<T extends FieldType> = { [N in FieldName]: Fields[N]['type'] extends T ? N : never }[FieldName];

/** Other names under which a field is found. */
export const aliases: Readonly<Record<string, FieldName>> = { bodySize: 'bodyLength' };

export type Operator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'contains' | '~' | '!~' | 'exists';

const selecting: readonly Operator[] = ['==', '!=', 'in', 'exists'];
const ordered: readonly Operator[] = ['==', '!=', '<', '<=', '>', '>=', 'in', 'exists'];

export const operators: Readonly<Record<FieldType, readonly Operator[]>> = {
  text: ['==', '!=', 'in', 'contains', '~', '!~', 'exists'],
  word: selecting,
  address: selecting,
  status: ordered,
  port: ordered,
  size: ordered,
  duration: ordered,
  version: ordered,
  flag: [],
};

export function fieldOf(name: FieldName): Field {
  return fields[name];
}
