/** Addresses as /proc and the addon write them, and as text. */
import { isIPv4 } from 'node:net';
import { formatAddress } from '../address.js';
import { LE } from '../layout.js';

/** An address as hexadecimal digits in network order: 8 of IPv4, 32 of IPv6. IPv4-mapped addresses are IPv4. */
export type AddressKey = string;

const mapped = '00000000000000000000ffff';

export function keyOfText(address: string): AddressKey {
  if (isIPv4(address))
    return address
      .split('.')
      .map((byte) => hex(Number(byte), 2))
      .join('');
  const [head = '', tail] = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, dottedToGroups).split('::');
  const groups = (part: string) =>
    part === ''
      ? ''
      : part
          .split(':')
          .map((group) => group.padStart(4, '0'))
          .join('');
  const key = tail === undefined ? groups(head) : groups(head).padEnd(32 - groups(tail).length, '0') + groups(tail);
  return withoutMapping(key.toLowerCase());
}

export function textOfKey(key: AddressKey): string {
  return formatAddress(bytesOfKey(key), 0, key.length === 8 ? 4 : 6);
}

/** 16 bytes; IPv4 is IPv4-mapped. */
export function bytesOfKey(key: AddressKey): Buffer {
  return Buffer.from(key.length === 8 ? mapped + key : key, 'hex');
}

/** Of the form in /proc/net/tcp: words of 32 bits, printed as numbers of the machine. */
export function keyOfProc(digits: string): AddressKey {
  if (!LE) return withoutMapping(digits.toLowerCase());
  let key = '';
  for (let word = 0; word < digits.length; word += 8)
    for (let byte = 6; byte >= 0; byte -= 2) key += digits.slice(word + byte, word + byte + 2);
  return withoutMapping(key.toLowerCase());
}

/** `0.0.0.0` or `::`, on which a socket takes what comes for any address. */
export function isWildcard(key: AddressKey): boolean {
  return /^0+$/.test(key);
}

function withoutMapping(key: string): AddressKey {
  return key.startsWith(mapped) ? key.slice(mapped.length) : key;
}

function dottedToGroups(_: string, a: string, b: string, c: string, d: string): string {
  return `${hex(Number(a), 2)}${hex(Number(b), 2)}:${hex(Number(c), 2)}${hex(Number(d), 2)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
