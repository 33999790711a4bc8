import { checkFunction } from './check.js';
import type { Source } from './source.js';
import { SKIP, type Step } from './stage.js';
import { isThenable } from './thenable.js';
import { Transform } from './transform.js';

export class FilterStage<T> extends Transform<T, T> {
  private readonly _predicate: (value: T, index: number) => unknown;
  private _index = 0;

  constructor(source: Source<T>, predicate: (value: T, index: number) => unknown) {
    super(source);
    checkFunction(predicate);
    this._predicate = predicate;
  }

  protected _accept(value: T): Step<T> {
    const answer = this._predicate.call(undefined, value, this._index++);
    if (isThenable(answer)) return Promise.resolve(answer).then((kept) => (kept ? value : SKIP));
    return answer ? value : SKIP;
  }
}
