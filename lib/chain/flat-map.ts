import { checkFunction } from './check.js';
import { END, type Pulled, type Source } from './source.js';
import { SKIP, Stage, type Step } from './stage.js';
import { isThenable, whenKnown } from './thenable.js';

/** What a callback of `flatMap()` may give. */
export type Flattenable<T> =
  | Iterable<T, unknown, undefined>
  | AsyncIterable<T, unknown, undefined>
  | Iterator<T, unknown, undefined>
  | AsyncIterator<T, unknown, undefined>;

/** The values that are being given for one. */
interface Inner {
  next(): unknown;
  return?(): unknown;
}

export class FlatMapStage<In, Out> extends Stage<Awaited<Out>> {
  private readonly _source: Source<In>;
  private readonly _mapper: (value: In, index: number) => unknown;
  private _index = 0;
  private _inner: Inner | undefined = undefined;
  /** `_inner` was asked and has not answered. */
  private _asking = false;
  private _released = false;

  constructor(source: Source<In>, mapper: (value: In, index: number) => unknown) {
    super();
    checkFunction(mapper);
    this._source = source;
    this._mapper = mapper;
  }

  protected _step(): Step<Awaited<Out>> {
    if (this._inner) return this._ask(this._inner);
    const pulled = this._source.pull();
    return pulled instanceof Promise ? pulled.then(this._open) : this._open(pulled);
  }

  protected async _release(): Promise<void> {
    this._released = true;
    const left = this._inner && leave(this._inner);
    const closed = this._source.close();
    // A generator that waits for something does not hear of return() before that has come.
    if (this._asking) left?.catch(() => {});
    else await left;
    await closed;
  }

  private readonly _open = (pulled: Pulled<In>): Step<Awaited<Out>> => {
    if (pulled === END) return END;
    return whenKnown(this._mapper.call(undefined, pulled, this._index++), this._enter);
  };

  private readonly _enter = (mapped: unknown): typeof SKIP | Promise<typeof SKIP> => {
    this._inner = iterate(mapped);
    // The chain can have been closed while the callback made up its mind.
    return this._released ? leave(this._inner).then(() => SKIP) : SKIP;
  };

  private _ask(inner: Inner): Step<Awaited<Out>> {
    try {
      const result = inner.next();
      if (!isThenable(result)) return this._receive(result);
      this._asking = true;
      return Promise.resolve(result).then(this._receive, this._giveUp);
    } catch (error) {
      return this._giveUp(error);
    }
  }

  private readonly _receive = (result: unknown): Step<Awaited<Out>> => {
    this._asking = false;
    const { done, value } = result as IteratorResult<Awaited<Out>>;
    if (done) {
      this._inner = undefined;
      return SKIP;
    }
    return isThenable(value) ? Promise.resolve(value) : value;
  };

  /** An iterator that failed has ended. */
  private readonly _giveUp = (error: unknown): never => {
    this._asking = false;
    this._inner = undefined;
    throw error;
  };
}

/** The proposal's GetIteratorFlattenable: no strings, and objects that are no iterables are taken for iterators. */
function iterate(mapped: unknown): Inner {
  if ((typeof mapped !== 'object' && typeof mapped !== 'function') || mapped === null)
    throw new TypeError(`flatMap() needs iterables, but the callback returned ${String(mapped)}`);
  const source = mapped as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  const open: (() => unknown) | undefined = source[Symbol.asyncIterator] ?? source[Symbol.iterator];
  return (open ? open.call(source) : mapped) as Inner;
}

async function leave(inner: Inner): Promise<void> {
  await inner.return?.();
}
