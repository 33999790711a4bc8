import { checkMs, checkSignal } from './check.js';
import { END, type Source } from './source.js';
import type { Step } from './stage.js';
import { Transform } from './transform.js';

/** Ends when a signal aborts or a time has passed, whatever is being waited for. */
export class TakeUntilStage<T> extends Transform<T, T> {
  private readonly _signal: AbortSignal | undefined;
  private readonly _timer: NodeJS.Timeout | undefined;
  /** Answers the step that waits. */
  private _answer: ((end: typeof END) => void) | undefined;

  constructor(source: Source<T>, until: AbortSignal | number) {
    super(source);
    if (typeof until === 'number') {
      checkMs(until);
      this._timer = setTimeout(this._end, until).unref();
      return;
    }
    checkSignal(until);
    this._signal = until;
    if (until.aborted) this._end();
    else until.addEventListener('abort', this._end, { once: true });
  }

  protected override _step(): Step<T> {
    const step = super._step();
    if (!(step instanceof Promise)) return step;
    return new Promise((resolve, reject) => {
      this._answer = resolve;
      step.then(resolve, reject);
    });
  }

  protected _accept(value: T): Step<T> {
    return value;
  }

  protected override _release(): Promise<void> {
    clearTimeout(this._timer);
    this._signal?.removeEventListener('abort', this._end);
    return super._release();
  }

  private readonly _end = (): void => {
    this._answer?.(END);
    // Nobody waits for it.
    this.close().catch(() => {});
  };
}
