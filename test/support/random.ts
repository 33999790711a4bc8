/** Reproducible random numbers: a test names its seed, and the seed gives the same traffic everywhere. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)] as T;
  }

  bytes(length: number): Buffer {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let i = 0; i < words.length; i++) words[i] = this.next() * 4294967296;
    return Buffer.from(words.buffer, 0, length);
  }

  /** Printable text that compresses, but not to nothing. */
  text(length: number): string {
    const words = ['alpha', 'beta', '{"id":', '"name":', ',', ' ', 'transaction', '0', '17', '\n', 'ünï', '}'];
    let text = '';
    while (text.length < length) text += this.chance(0.2) ? this.between(0, 1e9).toString(36) : this.pick(words);
    return text.slice(0, length);
  }
}
