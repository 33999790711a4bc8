import type { BatchPuller } from './body/open-bodies.js';
import type { NativeBatch, NativeTextWriter } from './native.js';

/** What only JavaScript can count. */
export interface DecoderCounters {
  readonly requestsForgotten: number;
  readonly bodyBytesLetGo: number;
  readonly messagesNotMatched: number;
}

/** What a decoder may ask of the engine. */
export interface Puller extends BatchPuller {
  /** Absent unless packets are written: connections of which the consumer took messages, up to this message. */
  readonly decide?: ((connections: Float64Array, upTo: number) => void) | undefined;
}

/** Makes what a tap delivers of what the addon gives. `B` is a batch of records, `T` an item, `Items` a batch as the consumer sees it. */
export interface Decoder<T, B extends { readonly length: number }, Items> {
  /** Call it with each batch, in order. */
  decode(taken: NativeBatch): B;
  /** Told once, when the consumer is known and before the first batch. Tells whether it wants exchanges. Throws when that cannot be. */
  begin?(): boolean;
  /** What of a batch the consumer gets. Absent: all. */
  select?(batch: B): B | Promise<B>;
  /** The consumer has taken so many items of this batch, and takes none of the others. Of each batch that it began with, in order. */
  taken?(batch: B, count: number): void;
  /** The consumer asks for more than there is: it is done with what it has. */
  pass?(): void;
  itemAt(batch: B, index: number): T;
  itemsOf(batch: B): Items;
  /** No batch follows. */
  end(): void;
  /** Told once, before anything else. */
  attach?(puller: Puller): void;
  /** From begin() on: not all that native code delivers is selected. */
  readonly selects?: boolean;
  /** From begin() on: what is to be made of batches instead of handing them over. */
  readonly writer?: NativeTextWriter | undefined;
  /** This batch is let go without anybody having looked at it. */
  letGo?(batch: B): void;
  /** Something that is to come is waited for, whether or not the consumer asks for the next item. */
  readonly wantsMore?: boolean;
  /** For `stats().delivery`. */
  readonly counters?: DecoderCounters;
}
