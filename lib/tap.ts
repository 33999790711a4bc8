import { BaseTap } from './base-tap.js';
import type { EngineParts } from './engine.js';
import type { Message } from './message.js';
import type { MessageBatch } from './message-batch.js';
import { MessageDecoder } from './message-decoder.js';
import type { ResolvedOptions } from './options.js';

export type { CaptureInfo } from './base-tap.js';

/** A running capture, made by `capture()`. Iterate over it for messages, or over `batches()` of them: one of the two, once. */
export class Tap extends BaseTap<Message, MessageBatch> {
  /** @internal */
  constructor(options: ResolvedOptions, parts: EngineParts) {
    super(options, parts, new MessageDecoder({ maxDecodedBytes: options.maxDecodedBytes }));
  }

  get [Symbol.toStringTag](): string {
    return 'Tap';
  }
}
