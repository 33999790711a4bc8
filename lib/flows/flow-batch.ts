import { ItemBatch } from '../item-batch.js';
import { type FlowEvent, flowEventAt } from './flow-event.js';
import type { FlowRecords } from './flow-records.js';

/**
 * Flow events that arrived together, for loops without a promise an event. The events share one buffer of some hundred KiB, which
 * lives as long as one of them, or the bytes of one, does; `detach()` what is to be kept.
 */
export class FlowBatch extends ItemBatch<FlowEvent> {
  private readonly _records: FlowRecords;

  /** @internal */
  constructor(records: FlowRecords) {
    super();
    this._records = records;
  }

  /** Number of events, at least 1. */
  get length(): number {
    return this._records.length;
  }

  /** @internal */
  _itemAt(index: number): FlowEvent {
    return flowEventAt(this._records, index);
  }
}
