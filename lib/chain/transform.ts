import { END, type Pulled, type Source } from './source.js';
import { Stage, type Step } from './stage.js';

/** A stage that makes at most one value of each. */
export abstract class Transform<In, Out> extends Stage<Out> {
  private readonly _source: Source<In>;
  private readonly _take = (pulled: Pulled<In>): Step<Out> => (pulled === END ? END : this._accept(pulled));

  constructor(source: Source<In>) {
    super();
    this._source = source;
  }

  protected abstract _accept(value: In): Step<Out>;

  protected _step(): Step<Out> {
    const pulled = this._source.pull();
    return pulled instanceof Promise ? pulled.then(this._take) : this._take(pulled);
  }

  protected _release(): Promise<void> {
    return this._source.close();
  }
}
