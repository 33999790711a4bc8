import type { TapReader } from '../readers.js';
import { END, type Pulled, type Source } from './source.js';

type Items<T> = Pick<TapReader<T>, 'poll' | 'next' | 'return'>;

/** What a reader of a tap gives. */
export class ReaderSource<T> implements Source<T> {
  private readonly _reader: Items<T>;

  constructor(reader: Items<T>) {
    this._reader = reader;
  }

  pull(): Pulled<T> | Promise<Pulled<T>> {
    return this._reader.poll() ?? this._reader.next().then(toPulled);
  }

  async close(): Promise<void> {
    await this._reader.return();
  }
}

function toPulled<T>(result: IteratorResult<T, undefined>): Pulled<T> {
  return result.done ? END : result.value;
}
