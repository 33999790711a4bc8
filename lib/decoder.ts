import type { NativeBatch } from './native.js';

/** Makes what a tap delivers of what the addon gives. `B` is a batch of records, `T` an item, `Items` a batch as the consumer sees it. */
export interface Decoder<T, B extends { readonly length: number }, Items> {
  /** Call it with each batch, in order. */
  decode(taken: NativeBatch): B;
  itemAt(batch: B, index: number): T;
  itemsOf(batch: B): Items;
  /** No batch follows. */
  end(): void;
  /** For `stats().delivery`. */
  readonly requestsForgotten: number;
}
