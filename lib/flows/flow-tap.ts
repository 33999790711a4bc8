import { BaseTap } from '../base-tap.js';
import type { Decoder } from '../decoder.js';
import type { EngineParts } from '../engine.js';
import type { NativeBatch } from '../native.js';
import type { ResolvedOptions } from '../options.js';
import { FlowBatch } from './flow-batch.js';
import { type FlowEvent, flowEventAt } from './flow-event.js';
import { FlowRecords } from './flow-records.js';

const decoder: Decoder<FlowEvent, FlowRecords, FlowBatch> = {
  decode: (taken: NativeBatch) => new FlowRecords(taken.buffer),
  itemAt: flowEventAt,
  itemsOf: (records) => new FlowBatch(records),
  end() {},
};

/** A running capture, made by `flows()`. Iterate over it for events, chain it, or iterate over `batches()`: one of them, once. */
export class FlowTap extends BaseTap<FlowEvent, FlowBatch> {
  /** @internal */
  constructor(options: ResolvedOptions, parts: EngineParts) {
    super({ ...options, native: { ...options.native, mode: 'flows' } }, parts, decoder);
  }

  get [Symbol.toStringTag](): string {
    return 'FlowTap';
  }
}
