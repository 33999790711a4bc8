import { checkFunction } from './check.js';
import type { Source } from './source.js';
import type { Step } from './stage.js';
import { isThenable } from './thenable.js';
import { Transform } from './transform.js';

export class MapStage<In, Out> extends Transform<In, Awaited<Out>> {
  private readonly _mapper: (value: In, index: number) => Out;
  private _index = 0;

  constructor(source: Source<In>, mapper: (value: In, index: number) => Out) {
    super(source);
    checkFunction(mapper);
    this._mapper = mapper;
  }

  protected _accept(value: In): Step<Awaited<Out>> {
    const mapped = this._mapper.call(undefined, value, this._index++);
    return isThenable(mapped) ? Promise.resolve(mapped) : (mapped as Awaited<Out>);
  }
}
