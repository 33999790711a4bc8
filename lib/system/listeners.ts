import { textOfKey } from './address-key.js';
import { networkNamespaceOf } from './proc.js';
import { describeProcess, type ProcessInfo } from './process-info.js';
import { readProcessTable } from './socket-owners.js';
import { type TcpSocket, tcpSocketsOf } from './tcp-sockets.js';
import { requireLinux } from './unsupported.js';

/** An address and port on which TCP connections are accepted. */
export interface Listener {
  /** `'0.0.0.0'` or `'::'`: every address. */
  readonly address: string;
  readonly port: number;
  /** Those that have it open, by pid: several when they share it. Empty when that may not be seen: others' sockets need root. */
  readonly processes: readonly ProcessInfo[];
  /** False in a network namespace other than this process's, such as a container's: capture with `pid`. */
  readonly sameNamespace: boolean;
}

interface Namespace {
  readonly pid: number | 'self';
  readonly same: boolean;
}

/**
 * Who listens on which TCP port, sorted by port: in this process's network namespace and in those of all processes that may be seen.
 * One's own need no privileges. Takes some milliseconds, in which the event loop goes on.
 *
 * @example
 * for (const { port, processes } of await listeners()) console.log(port, processes.map(({ name }) => name).join(', '));
 *
 * @throws CaptureError `ERR_UNSUPPORTED` on other systems than Linux
 */
export async function listeners(): Promise<Listener[]> {
  requireLinux('listeners()', 'Elsewhere `lsof -nP -iTCP -sTCP:LISTEN` tells it');
  const { owners, stats } = await readProcessTable();
  const described = new Map<number, ProcessInfo | undefined>();
  const found = new Map<string, { socket: TcpSocket; same: boolean; processes: Map<number, ProcessInfo> }>();
  for (const [name, { pid: member, same }] of namespacesOf(stats.keys())) {
    for (const socket of tcpSocketsOf(member)) {
      if (!socket.listening) continue;
      const key = `${name} ${socket.ipv6} ${socket.local} ${socket.localPort}`;
      const listener = found.get(key) ?? { socket, same, processes: new Map() };
      found.set(key, listener);
      for (const { pid, startTicks } of owners.get(socket.inode) ?? []) {
        if (!described.has(pid)) described.set(pid, describeProcess(pid, startTicks));
        const info = described.get(pid);
        if (info !== undefined) listener.processes.set(pid, info);
      }
    }
  }
  return [...found.values()]
    .map(({ socket, same, processes }) => ({
      address: textOfKey(socket.local),
      port: socket.localPort,
      processes: [...processes.values()].sort((a, b) => a.pid - b.pid),
      sameNamespace: same,
    }))
    .sort(
      (a, b) =>
        a.port - b.port || Number(b.sameNamespace) - Number(a.sameNamespace) || (a.address < b.address ? -1 : 1),
    );
}

/** One process of each. */
function namespacesOf(pids: Iterable<number>): Map<string, Namespace> {
  const own = networkNamespaceOf('self') ?? '';
  const namespaces = new Map<string, Namespace>([[own, { pid: 'self', same: true }]]);
  for (const pid of pids) {
    const name = networkNamespaceOf(pid);
    if (name !== undefined && !namespaces.has(name)) namespaces.set(name, { pid, same: false });
  }
  return namespaces;
}
