import { createHmac, randomBytes } from 'node:crypto';

/** Letters, digits and a hyphen: legal wherever a secret can stand, in a target, a cookie, a header, a form and JSON. */
const maskForm = /^redacted-[0-9a-f]{6}$/;

/** Shorter secrets are masked where they stand, but not looked for elsewhere: they may well be ordinary words. */
const leastSweptLength = 8;

/** Looked for in a whole message each: a sender must not make that take for ever with thousands of cookies. The longest are taken. */
const maxSwept = 256;

const processKey = randomBytes(32);

/**
 * The masks of some secrets. Text is a character a byte, so that a secret is the same wherever it stands. A fingerprint is the first 24
 * bits of HMAC-SHA-256 (RFC 2104): enough to tell a few tokens apart, too little to find them, and without the key nothing to try guesses
 * on.
 */
export class Masks {
  readonly #key: string | Uint8Array;
  readonly #seen = new Map<string, string>();
  #longestFirst: [string, string][] | undefined;

  /** @param key default: random, the same for the life of the process */
  constructor(key: string | Uint8Array = processKey) {
    this.#key = key;
  }

  /** What stands for a secret. `forms` are other ways in which it may be written. A mask, or nothing, is its own mask. */
  mask(secret: string, forms: readonly string[] = []): string {
    if (secret === '' || maskForm.test(secret)) return secret;
    const digest = createHmac('sha256', this.#key).update(Buffer.from(secret, 'latin1')).digest('hex');
    const mask = `redacted-${digest.slice(0, 6)}`;
    for (const form of [secret, ...forms]) {
      if (form.length < leastSweptLength || maskForm.test(form)) continue;
      this.#seen.set(form, mask);
      this.#longestFirst = undefined;
    }
    return mask;
  }

  /** Text without any secret that was masked before, such as a token that a server repeats in its answer. */
  sweep(text: string): string {
    this.#longestFirst ??= [...this.#seen].sort(([a], [b]) => b.length - a.length).slice(0, maxSwept);
    let swept = text;
    for (const [secret, mask] of this.#longestFirst) swept = swept.replaceAll(secret, mask);
    return swept;
  }
}
