import { type AddressKey, keyOfProc } from './address-key.js';
import { textOf } from './proc.js';

/** A TCP socket of a network namespace. */
export interface TcpSocket {
  readonly local: AddressKey;
  readonly localPort: number;
  readonly remote: AddressKey;
  readonly remotePort: number;
  readonly listening: boolean;
  /** Bound to an IPv6 address, `::` included, which by default takes IPv4 too. */
  readonly ipv6: boolean;
  /** Tells it apart from all others that are open. */
  readonly inode: string;
}

// sl, local, remote, state, queues, timer, retransmits, uid, timeout, inode
const row = /^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) \S+ \S+ \S+ +\d+ +\d+ (\d+)/gm;
const listenState = '0A';

/** The TCP sockets in the network namespace of a process; none when it is gone. Those that belong to nobody any more are left out. */
export function tcpSocketsOf(pid: number | 'self', wanted?: ReadonlySet<string>): TcpSocket[] {
  const sockets: TcpSocket[] = [];
  for (const table of ['tcp', 'tcp6']) {
    for (const match of (textOf(`/proc/${pid}/net/${table}`) ?? '').matchAll(row)) {
      const [, local = '', localPort = '', remote = '', remotePort = '', state, inode = '0'] = match;
      if (inode === '0' || (wanted !== undefined && !wanted.has(inode))) continue;
      sockets.push({
        local: keyOfProc(local),
        localPort: Number.parseInt(localPort, 16),
        remote: keyOfProc(remote),
        remotePort: Number.parseInt(remotePort, 16),
        listening: state === listenState,
        ipv6: table === 'tcp6',
        inode,
      });
    }
  }
  return sockets;
}
