import { type AddressKey, keyOfText } from './address-key.js';
import { textOf } from './proc.js';

/** The addresses that belong to the network namespace of a process; one of those in 127.0.0.0/8. */
export function localAddressesOf(pid: number | 'self'): AddressKey[] {
  const addresses = new Set<AddressKey>();
  // Leaves of the routing table: the address on one line, what it is on those that follow.
  let leaf = '';
  for (const line of (textOf(`/proc/${pid}/net/fib_trie`) ?? '').split('\n')) {
    const address = /^ *\|-- ([\d.]+)$/.exec(line)?.[1];
    if (address !== undefined) leaf = address;
    else if (line.endsWith('/32 host LOCAL')) addresses.add(keyOfText(leaf));
  }
  for (const line of (textOf(`/proc/${pid}/net/if_inet6`) ?? '').split('\n')) {
    if (line !== '') addresses.add(line.slice(0, 32));
  }
  return [...addresses];
}
