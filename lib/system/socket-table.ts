/** Who has which TCP socket, as it was at one moment. */
import { type AddressKey, isWildcard } from './address-key.js';
import { localAddressesOf } from './local-addresses.js';
import { describeProcess, type ProcessInfo } from './process-info.js';
import { type ProcessTable, readProcessTable, type SocketOwner } from './socket-owners.js';
import { type TcpSocket, tcpSocketsOf } from './tcp-sockets.js';

/** An end of a connection. */
export interface SocketEnd {
  readonly address: AddressKey;
  readonly port: number;
}

/** What is there at one moment. */
export interface SeenSockets extends ProcessTable {
  readonly beganMs: number;
  readonly sockets: readonly TcpSocket[];
  /** Of the network namespace. */
  readonly local: ReadonlySet<AddressKey>;
}

export class SocketTable {
  /** Every socket that was open all the time since then is in it: milliseconds since the Unix epoch. */
  readonly beganMs: number;
  readonly #connected = new Map<string, TcpSocket>();
  readonly #listening = new Map<string, TcpSocket[]>();
  readonly #local: ReadonlySet<AddressKey>;
  readonly #owners: ReadonlyMap<string, readonly SocketOwner[]>;
  readonly #described = new Map<SocketOwner, ProcessInfo | undefined>();
  readonly #parents: ReadonlySet<number>;
  /** When each socket was first seen, by inode. */
  readonly #firstSeenMs: ReadonlyMap<string, number>;

  /** Reads the sockets in the network namespace that this process is in. */
  static async read(member: number | 'self', before: SocketTable | undefined): Promise<SocketTable> {
    const beganMs = Date.now();
    const sockets = tcpSocketsOf(member);
    const local = new Set(localAddressesOf(member));
    return new SocketTable({ beganMs, sockets, local, ...(await readProcessTable()) }, before);
  }

  /** @param before tells since when sockets are there */
  constructor({ beganMs, sockets, local, owners, stats }: SeenSockets, before?: SocketTable) {
    this.beganMs = beganMs;
    this.#local = local;
    this.#owners = owners;
    this.#parents = new Set([...stats.values()].map(({ parent }) => parent));
    const firstSeenMs = new Map<string, number>();
    for (const socket of sockets) {
      firstSeenMs.set(socket.inode, before?.firstSeenMs(socket) ?? beganMs);
      const { local: address, localPort: port, remote, remotePort } = socket;
      if (!socket.listening) {
        this.#connected.set(pairKey({ address, port }, { address: remote, port: remotePort }), socket);
        continue;
      }
      const key = endKey({ address: isWildcard(address) ? '' : address, port });
      this.#listening.set(key, [...(this.#listening.get(key) ?? []), socket]);
    }
    this.#firstSeenMs = firstSeenMs;
  }

  firstSeenMs({ inode }: TcpSocket): number | undefined {
    return this.#firstSeenMs.get(inode);
  }

  /** Whether the address belongs to the network namespace. */
  isLocal(address: AddressKey): boolean {
    return this.#local.has(address) || (address.startsWith('7f') && address.length === 8);
  }

  connected(local: SocketEnd, remote: SocketEnd): TcpSocket | undefined {
    return this.#connected.get(pairKey(local, remote));
  }

  /** The one socket that takes connections to this end; undefined when there are several. */
  listening(end: SocketEnd): TcpSocket | undefined {
    const sockets = this.#listening.get(endKey(end)) ?? this.#listening.get(endKey({ ...end, address: '' }));
    return sockets?.length === 1 ? sockets[0] : undefined;
  }

  /** The one process that has the socket; undefined when several have it, or it may not be seen. */
  owner({ inode }: TcpSocket): SocketOwner | undefined {
    const owners = this.#owners.get(inode);
    return owners?.length === 1 ? owners[0] : undefined;
  }

  /** What the owner of a socket is; undefined when it was gone before it could be asked, whoever has its number now. */
  describe(owner: SocketOwner): ProcessInfo | undefined {
    if (!this.#described.has(owner)) this.#described.set(owner, describeProcess(owner.pid, owner.startTicks));
    return this.#described.get(owner);
  }

  /** Has started others, which may have been given its connections. */
  isParent(pid: number): boolean {
    return this.#parents.has(pid);
  }
}

function endKey({ address, port }: SocketEnd): string {
  return `${address}:${port}`;
}

function pairKey(local: SocketEnd, remote: SocketEnd): string {
  return `${endKey(local)} ${endKey(remote)}`;
}
