import type { Decoder } from '../decoder.js';
import type { NativeBatch } from '../native.js';
import type { ResolvedOptions } from '../options.js';
import { ConnectionProcesses } from '../system/connection-processes.js';
import { FlowBatch } from './flow-batch.js';
import { type FlowEvent, flowEventAt } from './flow-event.js';
import { FlowRecords } from './flow-records.js';

export class FlowDecoder implements Decoder<FlowEvent, FlowRecords, FlowBatch> {
  /** Only when connections tell of them. */
  readonly #processes: ConnectionProcesses | undefined;
  /** Absent when nothing has to be looked up. */
  readonly select?: (batch: FlowRecords) => FlowRecords | Promise<FlowRecords>;

  constructor({ native, processes }: ResolvedOptions) {
    if (!processes) return;
    const looked = new ConnectionProcesses(() => native.netns);
    this.#processes = looked;
    this.select = (batch) => looked.lookUp(batch.connectionsWithoutProcess(looked))?.then(() => batch) ?? batch;
  }

  attach(): void {
    void this.#processes?.start();
  }

  decode(taken: NativeBatch): FlowRecords {
    return new FlowRecords(taken.buffer, this.#processes);
  }

  itemAt(batch: FlowRecords, index: number): FlowEvent {
    return flowEventAt(batch, index);
  }

  itemsOf(batch: FlowRecords): FlowBatch {
    return new FlowBatch(batch);
  }

  end(): void {}
}
