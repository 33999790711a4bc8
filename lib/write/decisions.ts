import type { Batch } from '../batch.js';

/** Tells the capture thread which connections are wanted: those of which the consumer took messages. */
export class Decisions {
  readonly #decide: (connections: Float64Array, upTo: number) => void;
  #upTo = 0;
  #letGoUpTo = 0;
  readonly #letGo = new Set<number>();

  constructor(decide: (connections: Float64Array, upTo: number) => void) {
    this.#decide = decide;
  }

  /** Of each batch, in order: the consumer took so many messages. When these are not all, or it wants not all of them, it leaves. */
  taken(batch: Batch, count: number): void {
    if (batch.lastNativeId === 0) return;
    const { wantedConnections } = batch;
    const leaves = wantedConnections !== undefined || count < batch.length;
    this.#tell(wantedConnections ?? connectionsOf(batch, count), leaves ? this.#upTo : batch.lastNativeId);
  }

  /** Nothing of this batch is for the consumer, which has everything before it. */
  passOver(batch: Batch): void {
    if (batch.lastNativeId > 0) this.#tell([], batch.lastNativeId);
  }

  /** The consumer was too slow for this batch, which it gets to by pass(). `wanted`: it would have taken everything. */
  letGo(batch: Batch, wanted: boolean): void {
    if (batch.lastNativeId === 0) return;
    this.#letGoUpTo = batch.lastNativeId;
    if (wanted) for (const connection of connectionsOf(batch, batch.length)) this.#letGo.add(connection);
  }

  /** The consumer has all batches so far but those that were let go. */
  pass(): void {
    if (this.#letGoUpTo === 0) return;
    this.#tell(this.#letGo, this.#letGoUpTo);
    this.#letGo.clear();
    this.#letGoUpTo = 0;
  }

  #tell(connections: Iterable<number>, upTo: number): void {
    this.#upTo = upTo;
    this.#decide(Float64Array.from(connections), upTo);
  }
}

function connectionsOf(batch: Batch, count: number): Set<number> {
  const connections = new Set<number>();
  for (let index = 0; index < count; index++) connections.add(batch.connectionId(batch.recordAt(index)));
  return connections;
}
