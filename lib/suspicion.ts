/** Reasons to look twice at a message. */

/**
 * The reasons by name, as the bits of a record; the names are those of native/http1/suspicion.h. docs/http.md explains each, with the
 * section of the RFC.
 */
export const suspicions = {
  'conflicting-content-length': 1 << 0,
  'repeated-content-length': 1 << 1,
  'invalid-content-length': 1 << 2,
  'content-length-and-transfer-encoding': 1 << 3,
  'transfer-encoding-not-chunked': 1 << 4,
  'unusual-transfer-encoding': 1 << 5,
  'transfer-encoding-in-http-1.0': 1 << 6,
  'framing-of-bodiless-response': 1 << 7,
  'obs-fold': 1 << 8,
  'space-before-first-field': 1 << 9,
  'space-before-colon': 1 << 10,
  'invalid-field-line': 1 << 11,
  'invalid-field-name': 1 << 12,
  'control-character': 1 << 13,
  'bare-cr': 1 << 14,
  'bare-lf': 1 << 15,
  'odd-start-line': 1 << 16,
  'invalid-target': 1 << 17,
  'missing-host': 1 << 18,
  'repeated-host': 1 << 19,
  'invalid-chunk-size': 1 << 20,
  'invalid-chunk-extension': 1 << 21,
  'chunk-bare-lf': 1 << 22,
  'invalid-chunk-end': 1 << 23,
} as const;

/** A way of writing a message that receivers read differently, which request smuggling lives on. */
export type Suspicion = keyof typeof suspicions;

const none: readonly Suspicion[] = Object.freeze([]);
/** The same few combinations come again and again. */
const known = new Map<number, readonly Suspicion[]>();
const maxKnown = 1000;

/** The names of the bits that are set, in the order of the table. */
export function suspicionsOf(bits: number): readonly Suspicion[] {
  if (bits === 0) return none;
  let names = known.get(bits);
  if (names === undefined) {
    names = Object.freeze((Object.keys(suspicions) as Suspicion[]).filter((name) => (bits & suspicions[name]) !== 0));
    if (known.size < maxKnown) known.set(bits, names);
  }
  return names;
}
