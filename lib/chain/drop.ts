import { toCount } from './check.js';
import type { Source } from './source.js';
import { SKIP, type Step } from './stage.js';
import { Transform } from './transform.js';

export class DropStage<T> extends Transform<T, T> {
  private _remaining: number;

  constructor(source: Source<T>, count: number) {
    super(source);
    this._remaining = toCount(count);
  }

  protected _accept(value: T): Step<T> {
    if (this._remaining === 0) return value;
    this._remaining--;
    return SKIP;
  }
}
