/** What `await` would wait for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Goes on with a callback's answer: at once, unless it is a promise. */
export function whenKnown<R>(answer: unknown, goOn: (answer: unknown) => R | Promise<R>): R | Promise<R> {
  return isThenable(answer) ? Promise.resolve(answer).then(goOn) : goOn(answer);
}
