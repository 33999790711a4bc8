/** IPv4 and IPv6 addresses and prefixes of them (RFC 4291, 2.3). */
import { isIP } from 'node:net';
import { formatAddress } from '../address.js';
import type { Prefix } from './ast.js';

const addressBytes = 16;
/** Bits in front of an IPv4 address in its IPv4-mapped form. */
const mappedBits = 96;

/** `'10.0.0.0/8'`, `'::1'`; undefined when it is none. Bits behind the prefix are cleared. */
export function parsePrefix(text: string): Prefix | undefined {
  const [, address = '', digits] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  if (family !== 4 && family !== 6) return undefined;
  const most = family === 4 ? 32 : 128;
  const length = digits === undefined ? most : Number(digits);
  if (length > most) return undefined;
  const bytes = parseAddress(address, family);
  clearBehind(bytes, bitsOf(family, length));
  return { type: 'prefix', family, bytes, length };
}

export function formatPrefix({ family, bytes, length }: Prefix): string {
  const address = formatAddress(bytes, 0, family);
  return length === (family === 4 ? 32 : 128) ? address : `${address}/${length}`;
}

/** Length of the prefix in the 16-byte form. */
export function prefixBits({ family, length }: Prefix): number {
  return bitsOf(family, length);
}

/** A function that tells whether an address, as messages have it, begins with the prefix. */
export function prefixTest(prefix: Prefix): (address: string) => boolean {
  const bits = prefixBits(prefix);
  return (address) => {
    if (isIP(address) !== prefix.family) return false;
    const bytes = parseAddress(address, prefix.family);
    clearBehind(bytes, bits);
    return bytes.every((byte, i) => byte === prefix.bytes[i]);
  };
}

function bitsOf(family: 4 | 6, length: number): number {
  return family === 4 ? mappedBits + length : length;
}

/** Of text that isIP() accepts, without a zone. */
function parseAddress(address: string, family: 4 | 6): Uint8Array {
  const bytes = new Uint8Array(addressBytes);
  if (family === 4) {
    bytes.set([0xff, 0xff, ...address.split('.').map(Number)], addressBytes - 6);
    return bytes;
  }
  // '::' stands for as many zero groups as are missing.
  const [front = '', back] = address.split('::');
  bytes.set(groupBytes(front));
  if (back !== undefined) {
    const end = groupBytes(back);
    bytes.set(end, addressBytes - end.length);
  }
  return bytes;
}

/** The last group may be an IPv4 address. */
function groupBytes(groups: string): number[] {
  if (groups === '') return [];
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function clearBehind(bytes: Uint8Array, bits: number): void {
  for (let i = 0; i < addressBytes; i++) {
    const kept = Math.min(8, Math.max(0, bits - i * 8));
    bytes[i] = (bytes[i] as number) & (0xff << (8 - kept));
  }
}
