import { END, type Source } from './source.js';
import { isThenable } from './thenable.js';

/** Shows each value to `visit` until that answers, or promises, true; closes the source whatever happens. */
export async function consume<T>(source: Source<T>, visit: (value: T, index: number) => unknown): Promise<void> {
  try {
    for (let index = 0; ; index++) {
      const pulled = source.pull();
      const value = pulled instanceof Promise ? await pulled : pulled;
      if (value === END) break;
      const enough = visit(value, index);
      if (isThenable(enough) ? await enough : enough) break;
    }
  } catch (error) {
    // What failed first is what is told.
    await source.close().catch(() => {});
    throw error;
  }
  await source.close();
}
