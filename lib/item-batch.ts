import { inspect } from 'node:util';

/** What batches offer, whatever their items are. */
export abstract class ItemBatch<T> implements Iterable<T> {
  /** Number of items, at least 1. */
  abstract get length(): number;

  /** @internal The item at an index that is there. */
  abstract _itemAt(index: number): T;

  /** The item at an index; negative ones count from the end. undefined beyond the ends. */
  at(index: number): T | undefined {
    let i = Math.trunc(index) || 0;
    if (i < 0) i += this.length;
    return i >= 0 && i < this.length ? this._itemAt(i) : undefined;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return new ItemIterator(this);
  }

  [inspect.custom](depth: number, options: object): string {
    const name = `${this.constructor.name}(${this.length})`;
    return depth < 0 ? `[${name}]` : `${name} ${inspect([...this], { ...options, depth: depth - 1 })}`;
  }
}

class ItemIterator<T> implements IterableIterator<T> {
  private readonly _items: ItemBatch<T>;
  private readonly _length: number;
  private _index = 0;

  constructor(items: ItemBatch<T>) {
    this._items = items;
    this._length = items.length;
  }

  next(): IteratorResult<T> {
    return this._index < this._length
      ? { value: this._items._itemAt(this._index++), done: false }
      : { value: undefined, done: true };
  }

  [Symbol.iterator](): this {
    return this;
  }
}
