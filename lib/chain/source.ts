/**
 * How the parts of a chain hand values on: without a promise where none is needed. A value that is there already is returned as such; what
 * has to be waited for is a native promise. So a message that the callbacks answer at once costs a few calls.
 */
export const END: unique symbol = Symbol('end');

export type Pulled<T> = T | typeof END;

/** What a chain reads from: a tap's reader, or the part of the chain before it. */
export interface Source<T> {
  /** The next value, or END from then on. Throws or rejects when there is none because something failed. */
  pull(): Pulled<T> | Promise<Pulled<T>>;
  /** Lets go of everything before it. A pull that waits gets END. Calling it again does nothing. */
  close(): Promise<void>;
}
