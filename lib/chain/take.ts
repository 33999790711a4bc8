import { toCount } from './check.js';
import { END, type Source } from './source.js';
import type { Step } from './stage.js';
import { Transform } from './transform.js';

export class TakeStage<T> extends Transform<T, T> {
  private _remaining: number;

  constructor(source: Source<T>, limit: number) {
    super(source);
    this._remaining = toCount(limit);
  }

  protected override _step(): Step<T> {
    if (this._remaining === 0) return END;
    this._remaining--;
    return super._step();
  }

  protected _accept(value: T): Step<T> {
    return value;
  }
}
