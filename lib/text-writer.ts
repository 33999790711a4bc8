/** Messages as text, in native code: straight from where they were captured, save those that need the runtime. */
import type { Batch } from './batch.js';
import { type NativeTextWriter, type NativeWritten, native, type TextForm } from './native.js';

export interface TextWriterOptions {
  /** blocks: requests may be missing because nobody asked for them. Default false. */
  selected?: boolean;
}

/**
 * Give it to `batches()`. The batches then tell what was `_written` instead, one or more at a time, and hold messages only where that
 * is not all: print the one at `next`, and let {@link TextWriter.write} go on behind it. Batches of a tap that has to look at messages
 * itself hold all of them, and nothing was written.
 *
 * @internal
 */
export class TextWriter {
  readonly form: TextForm;
  readonly native: NativeTextWriter;

  constructor(form: TextForm, options: TextWriterOptions = {}) {
    this.form = form;
    this.native = new native.TextWriter(form, options.selected ?? false);
  }

  /** Of what comes: so many messages, and not the rest. */
  limit(count: number): void {
    // More than any batch holds.
    this.native.limit(Math.min(count, 0xfffffffe));
  }

  /** The messages of a batch from index `from` up to `to`, as far as it knows how to write them. */
  write(batch: { readonly _batch: Batch }, from: number, to: number): NativeWritten {
    const { bytes, bodies } = batch._batch;
    return this.native.write(bytes.buffer, bodies, from, to);
  }
}
