/** Header and trailer fields of a message. */
import { inspect } from 'node:util';
import type { Batch } from './batch.js';

/** A field as it was sent: name, value. */
export type RawHeader = readonly [name: string, value: string];

const fold = /[ \t]*\r?\n[ \t]+/g;
// Not trim(), which would also take a no-break space, an ordinary byte of a value.
const outerSpace = /^[ \t]+|[ \t]+$/g;

/**
 * The header fields of a message, with the reading methods of the WHATWG `Headers` class: names are case-insensitive, `get()` joins
 * repeated fields with `', '`, iteration is by lower-cased name in sorted order, `set-cookie` is never joined when iterating.
 *
 * Values are decoded a character a byte (ISO 8859-1), so that nothing is lost; `Buffer.from(value, 'latin1')` has the bytes. White
 * space around a value is removed and an obsolete line folding becomes one space (RFC 9112, 5.2). The exact bytes are in
 * `message.head`.
 */
export class MessageHeaders implements Iterable<[string, string]> {
  private readonly _batch: Batch;
  /** The head or the trailer section. */
  private readonly _text: string;
  private readonly _table: number;
  private readonly _count: number;
  private readonly _wide: boolean;
  private readonly _folded: boolean;
  private _raw: readonly RawHeader[] | undefined;

  /** @internal */
  constructor(batch: Batch, text: string, table: number, count: number, wide: boolean, folded: boolean) {
    this._batch = batch;
    this._text = text;
    this._table = table;
    this._count = count;
    this._wide = wide;
    this._folded = folded;
    this._raw = undefined;
  }

  /** The fields in the order and with the case in which they were sent, repeated ones apart. */
  get raw(): readonly RawHeader[] {
    if (this._raw === undefined) {
      const raw: RawHeader[] = [];
      for (let i = 0; i < this._count; i++) raw.push([this._name(i), this._value(i)]);
      this._raw = raw;
    }
    return this._raw;
  }

  /** The value of a field, those of a repeated field joined with `', '`, or null when it was not sent. */
  get(name: string): string | null {
    const wanted = String(name).toLowerCase();
    let result: string | null = null;
    for (let i = 0; i < this._count; i++) {
      if (!this._isNamed(i, wanted)) continue;
      const value = this._value(i);
      result = result === null ? value : `${result}, ${value}`;
    }
    return result;
  }

  /** The values of all `Set-Cookie` fields, apart. */
  getSetCookie(): string[] {
    const values: string[] = [];
    for (let i = 0; i < this._count; i++) if (this._isNamed(i, 'set-cookie')) values.push(this._value(i));
    return values;
  }

  has(name: string): boolean {
    const wanted = String(name).toLowerCase();
    for (let i = 0; i < this._count; i++) if (this._isNamed(i, wanted)) return true;
    return false;
  }

  *entries(): IterableIterator<[string, string]> {
    const joined = new Map<string, string>();
    const cookies: string[] = [];
    for (const [name, value] of this.raw) {
      const key = name.toLowerCase();
      if (key === 'set-cookie') cookies.push(value);
      const before = joined.get(key);
      joined.set(key, before === undefined ? value : `${before}, ${value}`);
    }
    for (const key of [...joined.keys()].sort()) {
      if (key === 'set-cookie') for (const cookie of cookies) yield [key, cookie];
      else yield [key, joined.get(key) ?? ''];
    }
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this.entries()) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this.entries()) yield value;
  }

  forEach(callback: (value: string, name: string, headers: MessageHeaders) => void, thisArg?: unknown): void {
    for (const [name, value] of this.entries()) callback.call(thisArg, value, name, this);
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  /** The pairs of `raw`. */
  toJSON(): [string, string][] {
    return this.raw.map(([name, value]) => [name, value]);
  }

  [inspect.custom](depth: number, options: object): string {
    // Control characters come out escaped, because inspect() quotes the strings.
    const fields: Record<string, string | string[]> = Object.create(null);
    for (const [name, value] of this.raw) {
      const before = fields[name];
      fields[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
    }
    return `MessageHeaders ${inspect({ ...fields }, { ...options, depth: depth < 0 ? 0 : depth })}`;
  }

  get [Symbol.toStringTag](): string {
    return 'MessageHeaders';
  }

  /** @internal The value of the i-th field. */
  _value(i: number): string {
    const start = this._batch.tableEntry(this._table, this._wide, i * 4 + 2);
    const value = this._text.substring(start, this._batch.tableEntry(this._table, this._wide, i * 4 + 3));
    return this._folded && value.includes('\n') ? value.replace(fold, ' ').replace(outerSpace, '') : value;
  }

  private _name(i: number): string {
    const start = this._batch.tableEntry(this._table, this._wide, i * 4);
    return this._text.substring(start, this._batch.tableEntry(this._table, this._wide, i * 4 + 1));
  }

  private _isNamed(i: number, lowerCaseName: string): boolean {
    const start = this._batch.tableEntry(this._table, this._wide, i * 4);
    const end = this._batch.tableEntry(this._table, this._wide, i * 4 + 1);
    // The length rules out nearly all without a string being made.
    if (end - start !== lowerCaseName.length) return false;
    return this._text.substring(start, end).toLowerCase() === lowerCaseName;
  }
}
