/** Follows the sockets of processes as they come and go, and tells the capture thread whose packets are wanted. */
import type { NativeSession } from '../native.js';
import { type AddressKey, bytesOfKey, isWildcard } from './address-key.js';
import { localAddressesOf } from './local-addresses.js';
import { networkNamespacePath } from './network-namespace.js';
import { openSocketsOf } from './proc.js';
import { ProcessGroup, type ProcessTarget } from './process-group.js';
import { tcpSocketsOf } from './tcp-sockets.js';
import { requireLinux } from './unsupported.js';

/** The capture thread holds back what comes within a second, so that looking this often loses nothing. */
const intervalMs = 150;
/** Looking may take this share of the time. */
const maxShare = 0.05;
/** Packets of a connection go on for a moment after its socket is gone. */
const lingerMs = 2000;

/** native/decode/endpoint_set.h */
const endpointSize = 18;

export class SocketFollower {
  readonly #group: ProcessGroup;
  /** Ends when there will be nothing more to follow. */
  readonly #ends: boolean;
  readonly networkNamespace: string;
  /** When each was last seen, by what is handed to the capture thread. */
  readonly #seen = new Map<string, number>();
  #told = '';
  #timer: NodeJS.Timeout | undefined;

  /** @throws CaptureError see ProcessGroup; `ERR_UNSUPPORTED` */
  constructor(target: ProcessTarget) {
    requireLinux('Following a process', 'Give its port instead: `lsof -nP -iTCP` tells it');
    this.#ends = 'pid' in target;
    this.#group = new ProcessGroup(target);
    this.networkNamespace = networkNamespacePath(this.#group.pids[0] as number);
    this.#look();
  }

  /** What is wanted now, as the addon takes it. */
  get endpoints(): Uint8Array {
    return Buffer.from([...this.#seen.keys()].join(''), 'hex');
  }

  /** Until stop(). `gone` is called when the process, known by its pid, and all that it started have ended. */
  start(session: NativeSession, gone: () => void): void {
    this.#told = [...this.#seen.keys()].sort().join();
    const next = (delayMs: number) => {
      // Not what keeps the event loop alive: whoever reads does.
      this.#timer = setTimeout(() => {
        const began = performance.now();
        this.#group.update();
        this.#look();
        const wanted = [...this.#seen.keys()].sort().join();
        if (wanted !== this.#told) session.follow(this.endpoints);
        this.#told = wanted;
        if (this.#ends && this.#group.pids.length === 0) gone();
        else next(Math.max(intervalMs, (performance.now() - began) / maxShare));
      }, delayMs).unref();
    };
    next(intervalMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const now = performance.now();
    const inodes = new Set<string>();
    // They are in one namespace, so that any of them shows its tables.
    let member: number | undefined;
    for (const pid of this.#group.pids) {
      for (const inode of openSocketsOf(pid)?.keys() ?? []) {
        inodes.add(inode);
        member = pid;
      }
    }
    if (member !== undefined) {
      let everywhere: AddressKey[] | undefined;
      for (const socket of tcpSocketsOf(member, inodes)) {
        // One that is neither bound nor connected.
        if (socket.localPort === 0) continue;
        let addresses = [socket.local];
        if (isWildcard(socket.local)) addresses = everywhere ??= localAddressesOf(member);
        for (const address of addresses) this.#seen.set(endpointText(address, socket.localPort), now);
      }
    }
    for (const [endpoint, seen] of this.#seen) if (now - seen > lingerMs) this.#seen.delete(endpoint);
  }
}

/** Hexadecimal digits of what the addon takes. */
function endpointText(address: AddressKey, port: number): string {
  const bytes = Buffer.alloc(endpointSize);
  bytesOfKey(address).copy(bytes);
  bytes.writeUInt16BE(port, 16);
  return bytes.toString('hex');
}
