/** The object form of an expression; a string and an object with the same meaning give the same tree. */
import { inspect } from 'node:util';
import { closest } from '../closest.js';
import { CaptureError } from '../errors.js';
import { allOf, anyOf, condition, type FieldRef, type Node, type Value } from './ast.js';
import { headerRef, isHeaderName } from './field-ref.js';
import { type FieldName, fieldOf } from './fields.js';
import { parsePattern } from './pattern.js';
import { parseRegExp } from './regexp.js';
import { expectedValue, parseValue } from './values.js';

type OneOrMore<T> = T | readonly T[];

/** Exact text, text with `*` for any characters (`\*` is a star), or a RegExp; several mean any of them. */
export type TextMatch = OneOrMore<string | RegExp>;

/** Every property that is given must hold. */
export interface MatchObject {
  kind?: OneOrMore<'request' | 'response'> | undefined;
  /** In any case. */
  method?: TextMatch | undefined;
  /** Without the query. */
  path?: TextMatch | undefined;
  /** The Host header, with or without its port, in any case. */
  host?: TextMatch | undefined;
  /** Codes, classes and ranges: `404`, `'4xx'`, `'500..503'`. */
  status?: OneOrMore<number | string> | undefined;
  /** By name, in any case. `true`: it is there; `false`: it is not. */
  header?: Readonly<Record<string, TextMatch | boolean | undefined>> | undefined;
  /** The decoded body, as far as it was kept. */
  body?: TextMatch | undefined;
}

const properties = [
  'kind',
  'method',
  'path',
  'host',
  'status',
  'header',
  'body',
] as const satisfies (keyof MatchObject)[];

/**
 * Undefined when it asks for nothing.
 * @throws CaptureError `ERR_OPTION`
 */
export function fromMatchObject(match: MatchObject): Node | undefined {
  const nodes: Node[] = [];
  for (const [name, value] of Object.entries(match)) {
    if (!isProperty(name)) {
      const near = closest(name, properties);
      const advice = near === undefined ? `It has ${properties.join(', ')}` : `Did you mean '${near}'?`;
      throw bad(`match has no '${name.slice(0, 60)}'. ${advice}`);
    }
    if (value === undefined) continue;
    if (name === 'header') nodes.push(...headerNodes(value));
    else nodes.push(valuesNode({ name }, value, `match.${name}`));
  }
  return nodes.length === 0 ? undefined : allOf(nodes);
}

function isProperty(name: string): name is keyof MatchObject {
  return (properties as readonly string[]).includes(name);
}

function headerNodes(headers: unknown): Node[] {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers) || headers instanceof RegExp) {
    throw bad(`match.header must be an object, such as { authorization: 'Bearer *' }, not ${shown(headers)}`);
  }
  return Object.entries(headers).flatMap(([header, value]) => {
    if (!isHeaderName(header)) throw bad(`match.header must have names in printable ASCII, not ${shown(header)}`);
    if (value === undefined) return [];
    const field = headerRef({ name: 'header' }, header);
    const exists = condition(field, { op: 'exists' });
    if (value === true) return [exists];
    if (value === false) return [{ type: 'not', node: exists } as const];
    return [valuesNode(field, value, `match.header[${shown(header)}]`)];
  });
}

function valuesNode(field: FieldRef, given: unknown, what: string): Node {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length === 0) throw bad(`${what} must not be an empty array; leave it out to take every one`);
  const values: Value[] = [];
  const nodes: Node[] = [];
  for (const one of list) {
    if (one instanceof RegExp && fieldOf(field.name).type === 'text')
      nodes.push(condition(field, regExpTest(one, what)));
    else values.push(toValue(field.name, one, what));
  }
  if (values.length > 0) nodes.unshift(condition(field, { op: 'equals', negated: false, values }));
  return anyOf(nodes);
}

function toValue(name: FieldName, given: unknown, what: string): Value {
  const field = fieldOf(name);
  const text = typeof given === 'number' && field.type === 'status' ? String(given) : given;
  const value = typeof text === 'string' ? parseValue(field, text, parsePattern(text).pieces, true) : undefined;
  if (value !== undefined) return value;
  const expected = field.type === 'text' ? 'a string or a RegExp' : expectedValue(field);
  throw bad(`${what} must be ${expected}, or an array of them, not ${shown(given)}`);
}

/** Where a search begins and whether all are found makes no difference to whether there is one. */
function regExpTest({ source, flags }: RegExp, what: string) {
  if (flags.includes('y')) throw bad(`${what} must not be a sticky RegExp; begin it with ^ instead`);
  return parseRegExp(source, flags.replace(/[dg]/g, ''));
}

function shown(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity, maxArrayLength: 3, maxStringLength: 60 });
}

function bad(message: string): CaptureError {
  return new CaptureError('ERR_OPTION', message);
}
