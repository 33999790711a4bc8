/** How fields are named in an expression: `path`, `request.header.x-id`, `header["odd name"]`. */
import type { FieldRef } from './ast.js';
import { aliases, type FieldName, fieldOf, fields, type Side } from './fields.js';
import { lowerCase } from './pattern.js';

/** A field name, and of `header` and `trailer` what follows them, if anything. */
export interface ParsedName {
  readonly name: FieldName;
  readonly side?: Side;
  readonly header?: string;
}

/** Undefined when there is no such field. Does not judge whether a prefix or a name of a header field makes sense there. */
export function parseName(text: string): ParsedName | undefined {
  const [, side, rest = ''] = /^(?:(request|response)\.)?(.*)$/su.exec(text) ?? [];
  const prefix = side === undefined ? {} : { side: side as Side };
  const name = Object.hasOwn(aliases, rest) ? aliases[rest] : rest;
  if (name !== undefined && isField(name)) return { ...prefix, name };
  const dot = rest.indexOf('.');
  const family = rest.slice(0, dot);
  if (dot < 0 || !isField(family) || !fieldOf(family).named) return undefined;
  return { ...prefix, name: family, header: rest.slice(dot + 1) };
}

/** Why `request.` or `response.` cannot stand before a field; undefined when it can. */
export function prefixProblem(side: Side | undefined, name: FieldName): string | undefined {
  const { of } = fieldOf(name);
  if (side === undefined || of === 'message' || of === side) return undefined;
  if (of === 'connection') return `${name} is the same for both sides, it takes no prefix`;
  if (of === 'exchange') return `${name} belongs to the exchange, it takes no prefix`;
  return `${name} is a field of ${of}s, a ${side} has none`;
}

/** The names of header fields that can be asked for. */
export function isHeaderName(name: string): boolean {
  return /^[ -~]+$/.test(name);
}

export function headerRef(field: ParsedName, header: string): FieldRef {
  return { ...field, header: lowerCase(header) };
}

export function formatName({ side, name, header }: FieldRef): string {
  const prefix = side === undefined ? '' : `${side}.`;
  if (header === undefined) return prefix + name;
  return /^[\w.-]+$/.test(header)
    ? `${prefix}${name}.${header}`
    : `${prefix}${name}["${header.replace(/["*\\]/g, '\\$&')}"]`;
}

/** Names to choose from when one was not found. */
export const fieldNames: readonly string[] = Object.keys(fields);

function isField(name: string): name is FieldName {
  return Object.hasOwn(fields, name);
}
