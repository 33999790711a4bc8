/** Text form of addresses: dotted IPv4, IPv6 as RFC 5952 recommends. */

/** `bytes` holds 16 bytes at `offset`; IPv4 is IPv4-mapped. */
export function formatAddress(bytes: Uint8Array, offset: number, ipVersion: number): string {
  return ipVersion === 4 ? formatIpv4(bytes, offset + 12) : formatIpv6(bytes, offset);
}

function formatIpv4(bytes: Uint8Array, offset: number): string {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
}

function formatIpv6(bytes: Uint8Array, offset: number): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[offset + i] ?? 0) << 8) | (bytes[offset + i + 1] ?? 0));
  // An address that embeds an IPv4 one in a well-known way is written with it (RFC 5952, 5).
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${formatIpv4(bytes, offset + 12)}`;
  }
  // The first of the longest runs of at least two zero groups becomes '::' (RFC 5952, 4.2).
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
    if (end > i) i = end;
  }
  const hex = (from: number, to?: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return start < 0 ? hex(0) : `${hex(0, start)}::${hex(start + length)}`;
}
