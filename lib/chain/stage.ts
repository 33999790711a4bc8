import { END, type Pulled, type Source } from './source.js';

/** What a step gives that has no value for whoever pulls. */
export const SKIP: unique symbol = Symbol('skip');

type Stepped<T> = Pulled<T> | typeof SKIP;
export type Step<T> = Stepped<T> | Promise<Stepped<T>>;

/**
 * One operator of a chain. It takes steps until one gives a value: in a loop without promises as long as nothing has to be waited for.
 * Pulls are served one after the other, in order. When the values end or a step fails, everything before is closed.
 */
export abstract class Stage<T> implements Source<T> {
  private _over = false;
  /** Pulls that are being served, and the promise of the last of them. */
  private _serving = 0;
  private _last: Promise<Pulled<T>> | undefined = undefined;

  /** Takes one value from the source at most. */
  protected abstract _step(): Step<T>;
  /** Lets go of the source; called once. */
  protected abstract _release(): Promise<void>;

  pull(): Pulled<T> | Promise<Pulled<T>> {
    if (this._last) return this._wait(this._last.then(skip, skip));
    if (this._over) return END;
    let step: Step<T>;
    try {
      do step = this._step();
      while (step === SKIP);
    } catch (error) {
      step = Promise.reject(error);
    }
    // A callback may have closed the chain.
    return step instanceof Promise || step === END || this._over ? this._wait(step) : step;
  }

  async close(): Promise<void> {
    if (this._over) return;
    this._over = true;
    await this._release();
  }

  private _wait(first: Step<T>): Promise<Pulled<T>> {
    this._serving++;
    this._last = this._serve(first);
    return this._last;
  }

  private async _serve(first: Step<T>): Promise<Pulled<T>> {
    try {
      let step: Stepped<T> = await first;
      while (step === SKIP && !this._over) {
        const next = this._step();
        step = next instanceof Promise ? await next : next;
      }
      if (step === END) await this.close();
      return step === SKIP || this._over ? END : step;
    } catch (error) {
      // What failed first is what is told.
      await this.close().catch(() => {});
      throw error;
    } finally {
      // Before whoever waits goes on, so that its next pull need not queue.
      if (--this._serving === 0) this._last = undefined;
    }
  }
}

const skip = (): typeof SKIP => SKIP;
