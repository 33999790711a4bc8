import type { RawHeader } from '../headers.js';

/** The value of a field, those of a repeated field joined with `', '`; '' when it was not sent. `name` is lower-case. */
export function headerValue(headers: readonly RawHeader[], name: string): string {
  return headers
    .filter(([sent]) => sent.toLowerCase() === name)
    .map(([, value]) => value)
    .join(', ');
}
