import { networkInterfaces } from 'node:os';

/** Name of the loopback interface: lo, on macOS lo0. */
export function loopback(): string {
  const found = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some(({ internal }) => internal),
  );
  return found?.[0] ?? 'lo';
}
