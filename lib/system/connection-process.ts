/** Whose socket an end of a connection is. Absent is better than wrong: numbers of processes, ports and addresses are used again. */
import type { Connection } from '../batch-buffer.js';
import { keyOfText } from './address-key.js';
import { hasSocket } from './proc.js';
import type { SocketOwner } from './socket-owners.js';
import type { SocketEnd, SocketTable } from './socket-table.js';

/** The process of this machine that has the socket of a connection. */
export interface ConnectionProcess {
  readonly pid: number;
  /** The name of the program: `'ruby'`. */
  readonly name: string;
  /** 64 hexadecimal digits. Absent outside of a container. */
  readonly containerId?: string;
  /** Which end of the connection it is: when both are on this machine, the server. */
  readonly end: 'client' | 'server';
}

/** A connection of which a message was captured. */
export interface SeenConnection {
  readonly connection: Connection;
  /** Its first packet, and the last of the message: milliseconds since the Unix epoch. */
  readonly openMs: number;
  readonly lastMs: number;
}

/** What is known of the processes of connections, by the ids of these. */
export interface KnownProcesses {
  of(connectionId: number): ConnectionProcess | undefined;
}

/** So soon after a packet its ends are not used by another connection. */
const freshMs = 1000;

/** By what the table shows; undefined when that is not certain. */
export function processOf(seen: SeenConnection, table: SocketTable): ConnectionProcess | undefined {
  const server = endOf(seen.connection.server);
  const client = endOf(seen.connection.client);
  return (
    describe(connectedOwner(server, client, seen, table), 'server', table) ??
    describe(listeningOwner(server, seen, table), 'server', table) ??
    describe(connectedOwner(client, server, seen, table), 'client', table)
  );
}

/** Whether an end is on this machine at all. */
export function isLocal({ server, client }: Connection, table: SocketTable): boolean {
  return table.isLocal(endOf(server).address) || table.isLocal(endOf(client).address);
}

/** Of the socket of the connection itself. */
function connectedOwner(
  local: SocketEnd,
  remote: SocketEnd,
  { openMs, lastMs }: SeenConnection,
  table: SocketTable,
): SocketOwner | undefined {
  const socket = table.connected(local, remote);
  // Else it can be that of an earlier connection between the same ends.
  if (socket === undefined || table.beganMs < openMs) return undefined;
  // Else that of a later one.
  const firstSeenMs = table.firstSeenMs(socket) ?? Number.POSITIVE_INFINITY;
  if (firstSeenMs > lastMs && table.beganMs - lastMs > freshMs) return undefined;
  return table.owner(socket);
}

/** Of the socket that takes connections there, when it took them before and after this one began; the connection may be over. */
function listeningOwner(end: SocketEnd, { openMs }: SeenConnection, table: SocketTable): SocketOwner | undefined {
  if (!table.isLocal(end.address)) return undefined;
  const socket = table.listening(end);
  if (socket === undefined || (table.firstSeenMs(socket) ?? Number.POSITIVE_INFINITY) > openMs) return undefined;
  const owner = table.owner(socket);
  if (owner === undefined || table.isParent(owner.pid)) return undefined;
  if (table.beganMs < openMs && !hasSocket(owner.pid, owner.descriptor, socket.inode)) return undefined;
  return owner;
}

function describe(
  owner: SocketOwner | undefined,
  end: ConnectionProcess['end'],
  table: SocketTable,
): ConnectionProcess | undefined {
  const info = owner && table.describe(owner);
  if (info === undefined) return undefined;
  const { pid, name, containerId } = info;
  return { pid, name, ...(containerId !== undefined && { containerId }), end };
}

function endOf({ address, port }: { address: string; port: number }): SocketEnd {
  return { address: keyOfText(address), port };
}
