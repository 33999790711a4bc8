/** How the values of each type of field are written. */
import type { Range, Value } from './ast.js';
import type { Field, FieldType } from './fields.js';
import { formatPrefix, parsePrefix } from './prefix.js';

type NumberType = 'status' | 'port' | 'size' | 'duration' | 'version';

interface Notation {
  /** Undefined when it is none. */
  parse(text: string): number | undefined;
  format(value: number): string;
  /** For "Expected …". */
  readonly expected: string;
}

const versionForm = /^(\d)\.(\d)$/;

/** Largest first, so that a number is written with the largest unit that divides it. */
const sizeUnits = { GiB: 2 ** 30, GB: 1e9, MiB: 2 ** 20, MB: 1e6, KiB: 2 ** 10, KB: 1e3, B: 1 };
const durationUnits = { h: 3600e9, min: 60e9, s: 1e9, ms: 1e6, us: 1e3, ns: 1 };

const notations: Readonly<Record<NumberType, Notation>> = {
  status: {
    parse: (text) => wholeNumber(text, 999),
    format: String,
    expected: 'a status code, such as 404',
  },
  port: { parse: (text) => wholeNumber(text, 65_535), format: String, expected: 'a port from 0 to 65535' },
  size: {
    parse: (text) => (/^\d+$/.test(text) ? safe(Number(text)) : withUnit(text, sizeUnits)),
    format: (bytes) => inUnit(bytes, sizeUnits).replace(/(?<=\d)B$/, ''),
    expected: 'a number of bytes, such as 500, 10KB or 1.5MiB',
  },
  duration: {
    parse: (text) => withUnit(text, durationUnits),
    format: (ns) => inUnit(ns, durationUnits),
    expected: 'a duration with its unit (ns, us, ms, s, min, h), such as 200ms',
  },
  version: {
    parse: (text) => {
      const match = versionForm.exec(text);
      return match === null ? undefined : Number(match[1]) * 16 + Number(match[2]);
    },
    format: (value) => `${value >> 4}.${value & 15}`,
    expected: 'a version, such as 1.1',
  },
};

const statusClass = /^([1-9])xx$/i;

function isNumberType(type: FieldType): type is NumberType {
  return Object.hasOwn(notations, type);
}

/** A value for `==`, `!=` and `in`; ranges only where `ranges` says so. Undefined when the text is none. */
export function parseValue(field: Field, text: string, pieces: readonly string[], ranges: boolean): Value | undefined {
  const { type } = field;
  if (type === 'text') return { type: 'pattern', pieces };
  if (type === 'word') return field.words?.includes(text) ? { type: 'word', word: text } : undefined;
  if (type === 'address') return parsePrefix(text);
  if (!isNumberType(type)) return undefined;
  if (type === 'status') {
    const first = Number(statusClass.exec(text)?.[1]) * 100;
    if (first > 0) return { type: 'range', low: first, high: first + 99 };
  }
  return parseRange(notations[type], text, ranges);
}

/** A value for `<` and the like. */
export function parseNumber(field: Field, text: string): number | undefined {
  return isNumberType(field.type) ? notations[field.type].parse(text) : undefined;
}

/** What is wanted where parseNumber() found nothing. */
export function expectedNumber(field: Field): string {
  return isNumberType(field.type) ? notations[field.type].expected : 'text';
}

/** What is wanted where parseValue() found nothing. */
export function expectedValue(field: Field): string {
  if (field.type === 'status') return 'a status code or class, such as 404 or 4xx';
  if (field.type === 'word') return `one of ${field.words?.join(', ')}`;
  if (field.type === 'address') return 'an IPv4 or IPv6 address or prefix, such as 10.0.0.0/8';
  return expectedNumber(field);
}

export function formatNumber(type: FieldType, value: number): string {
  return isNumberType(type) ? notations[type].format(value) : String(value);
}

/** True when the value can only be written in a set. */
export function isOnlyInSets(type: FieldType, value: Value): boolean {
  return value.type === 'range' && value.low !== value.high && !isStatusClass(type, value);
}

export function formatValue(type: FieldType, value: Exclude<Value, { type: 'pattern' }>): string {
  if (value.type === 'word') return value.word;
  if (value.type === 'prefix') return formatPrefix(value);
  if (isStatusClass(type, value)) return `${value.low / 100}xx`;
  const low = formatNumber(type, value.low);
  return value.low === value.high ? low : `${low}..${formatNumber(type, value.high)}`;
}

function isStatusClass(type: FieldType, { low, high }: Range): boolean {
  return type === 'status' && low >= 100 && low % 100 === 0 && high === low + 99;
}

function parseRange(notation: Notation, text: string, ranges: boolean): Range | undefined {
  const dots = ranges ? text.indexOf('..') : -1;
  const low = notation.parse(dots < 0 ? text : text.slice(0, dots));
  const high = dots < 0 ? low : notation.parse(text.slice(dots + 2));
  if (low === undefined || high === undefined || low > high) return undefined;
  return { type: 'range', low, high };
}

function wholeNumber(text: string, most: number): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= most ? value : undefined;
}

function safe(value: number): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Rounded to whole units of the smallest one. */
function withUnit(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([a-z]+)$/i.exec(text) ?? [];
  const name = Object.keys(units).find((one) => one.toLowerCase() === unit.toLowerCase());
  return name === undefined ? undefined : safe(Math.round(Number(digits) * (units[name] as number)));
}

function inUnit(value: number, units: Readonly<Record<string, number>>): string {
  const smallest = Object.keys(units).at(-1) as string;
  const unit = value === 0 ? smallest : Object.keys(units).find((name) => value % (units[name] as number) === 0);
  return `${value / (units[unit ?? smallest] as number)}${unit ?? smallest}`;
}
