/** Numbers and times as people read them. */

/** 1234567 as `1,234,567`. */
export function formatCount(value: number): string {
  const digits = String(Math.trunc(value));
  return digits.length < 4 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 message`, `2 messages`; an irregular plural can be given. */
export function formatAmount(value: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(value)} ${value === 1 ? noun : plural}`;
}

/** Nanoseconds as `340 us`, `2.5 ms`, `12.25 s`. */
export function formatDuration(ns: bigint): string {
  const us = Math.round(Number(ns) / 1000);
  if (Math.abs(us) < 1000) return `${us} us`;
  const tenthsOfMs = Math.round(us / 100);
  if (Math.abs(tenthsOfMs) < 10_000) return `${tenthsOfMs / 10} ms`;
  return `${Math.round(us / 10_000) / 100} s`;
}

/** `10.0.0.1:80`, `[2001:db8::1]:80`. */
export function formatEndpoint(endpoint: { address: string; port: number }): string {
  return endpoint.address.includes(':')
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`;
}

/** As `docker ps` shows them. */
export function shortContainerId(id: string): string {
  return id.slice(0, 12);
}

const hexDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lines as `hexdump -C` writes them, of the first `maxBytes`. */
export function formatHexDump(bytes: Uint8Array, maxBytes = 256): string {
  const end = Math.min(bytes.length, maxBytes);
  let dump = '';
  for (let line = 0; line < end; line += 16) {
    let hex = '';
    let text = '';
    for (let at = line; at < line + 16; at++) {
      if (at === line + 8) hex += ' ';
      const byte = at < end ? bytes[at] : undefined;
      hex += byte === undefined ? '   ' : `${hexDigits[byte]} `;
      if (byte !== undefined) text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
    }
    dump += `${line.toString(16).padStart(8, '0')}  ${hex} |${text}|\n`;
  }
  return dump;
}
