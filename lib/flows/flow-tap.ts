import { BaseTap } from '../base-tap.js';
import type { EngineParts } from '../engine.js';
import type { ResolvedOptions } from '../options.js';
import type { FlowBatch } from './flow-batch.js';
import { FlowDecoder } from './flow-decoder.js';
import type { FlowEvent } from './flow-event.js';

/** A running capture, made by `flows()`. Iterate over it for events, chain it, or iterate over `batches()`: one of them, once. */
export class FlowTap extends BaseTap<FlowEvent, FlowBatch> {
  /** @internal */
  constructor(options: ResolvedOptions, parts: EngineParts) {
    super({ ...options, native: { ...options.native, mode: 'flows' } }, parts, new FlowDecoder(options));
  }

  get [Symbol.toStringTag](): string {
    return 'FlowTap';
  }
}
