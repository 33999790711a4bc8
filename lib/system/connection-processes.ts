/** Remembers whose connections are, and looks at sockets and processes again when that is needed and not too often. */
import { statSync } from 'node:fs';
import type { ConnectionProcess, KnownProcesses, SeenConnection } from './connection-process.js';
import { isLocal, processOf } from './connection-process.js';
import { networkNamespaceOf, processIds } from './proc.js';
import { SocketTable } from './socket-table.js';

/** Looking may take this share of the time, and so much at once. */
const maxShare = 0.1;
const maxAtOnceMs = 300;
const maxRemembered = 65_536;

export class ConnectionProcesses implements KnownProcesses {
  /** Path of the network namespace that is captured in, `''` for that of this process. */
  readonly #namespacePath: () => string;
  /** Of connections of which nothing more can be found out, by id. */
  readonly #remembered = new Map<number, ConnectionProcess | undefined>();
  #table: SocketTable | undefined;
  #reading: Promise<void> | undefined;
  /** How long looking may take, as of the time when that was reckoned. */
  #credit = { ms: maxAtOnceMs, atMs: performance.now() };
  #namespace: string | undefined;
  #member: number | 'self' | undefined;

  constructor(namespacePath: () => string) {
    this.#namespacePath = namespacePath;
  }

  /** What a connection's process is, as far as lookUp() has found out. */
  of(connectionId: number): ConnectionProcess | undefined {
    return this.#remembered.get(connectionId);
  }

  /** Whether lookUp() is of no use any more. */
  knows(connectionId: number): boolean {
    return this.#remembered.has(connectionId);
  }

  /** Finds out what it can; a promise when sockets have to be looked at for it. */
  lookUp(connections: readonly SeenConnection[]): Promise<void> | undefined {
    const open = connections.filter((seen) => !this.#tryNow(seen));
    if (open.length === 0) return undefined;
    // Nobody waits for long: when too much was looked at, some connections stay without, or get it with a later message.
    return this.#reading !== undefined || this.#creditMs() > 0 ? this.#look(open) : undefined;
  }

  async #look(connections: readonly SeenConnection[]): Promise<void> {
    // One that is under way may have begun too early.
    await this.#reading;
    const open = connections.filter((seen) => !this.#tryNow(seen));
    if (open.length === 0 || this.#creditMs() <= 0) return;
    await this.#read();
    for (const seen of open) this.#tryNow(seen);
  }

  /** Looks at what there is before connections come: who listened before is known to have been the one. */
  async start(): Promise<void> {
    // Where the capture is becomes known in between.
    await undefined;
    await this.#read();
  }

  /** Whether that is all that can be found out. */
  #tryNow(seen: SeenConnection): boolean {
    const table = this.#table;
    if (table === undefined) return false;
    const process = processOf(seen, table);
    const final = process !== undefined || table.beganMs >= seen.openMs || !isLocal(seen.connection, table);
    if (final) this.#remember(seen.connection.id, process);
    return final;
  }

  #remember(id: number, process: ConnectionProcess | undefined): void {
    this.#remembered.set(id, process);
    if (this.#remembered.size <= maxRemembered) return;
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest);
      break;
    }
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readTable().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readTable(): Promise<void> {
    const began = performance.now();
    const member = this.#findMember();
    if (member !== undefined) this.#table = await SocketTable.read(member, this.#table);
    this.#credit = { ms: this.#creditMs() - (performance.now() - began), atMs: performance.now() };
  }

  #creditMs(): number {
    return Math.min(maxAtOnceMs, this.#credit.ms + (performance.now() - this.#credit.atMs) * maxShare);
  }

  /** A process in the network namespace, through which its tables can be read. */
  #findMember(): number | 'self' | undefined {
    const path = this.#namespacePath();
    this.#namespace ??= path === '' ? networkNamespaceOf('self') : nameOfNamespace(path);
    const wanted = this.#namespace;
    if (wanted === undefined) return undefined;
    if (this.#member !== undefined && networkNamespaceOf(this.#member) === wanted) return this.#member;
    if (networkNamespaceOf('self') === wanted) this.#member = 'self';
    else this.#member = processIds().find((pid) => networkNamespaceOf(pid) === wanted);
    return this.#member;
  }
}

function nameOfNamespace(path: string): string | undefined {
  try {
    return `net:[${statSync(path).ino}]`;
  } catch {
    return undefined;
  }
}
