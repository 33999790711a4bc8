/** What may stand behind an option, and what becomes of it. Everything throws an InvalidArgumentError that says what is possible. */
import { InvalidArgumentError } from 'commander';

/** A header that is asked for: by name alone, or with a glob for its value. */
export interface WantedHeader {
  name: string;
  value: string | undefined;
}

/** One value, or several with commas between them, added to those that were named before. */
function collect(value: string, previous: readonly string[] = []): string[] {
  return [...new Set([...previous, ...value.split(',').map((word) => word.trim())])];
}

/** `80` or `80,8080`, added to the ports named before. */
export function parsePorts(value: string, previous: number[] = []): number[] {
  const ports = value.split(',').map((word) => {
    const port = /^\d{1,5}$/.test(word.trim()) ? Number(word) : 0;
    if (port < 1 || port > 65535)
      throw new InvalidArgumentError(
        'a port is a number from 1 to 65535; several: -p 80,8080 (-p of tcpflow and tcpdump is --no-promiscuous here, the default)',
      );
    return port;
  });
  return [...new Set([...previous, ...ports])];
}

export function parseCount(value: string): number {
  const count = /^\d+$/.test(value) ? Number(value) : 0;
  if (count < 1 || !Number.isSafeInteger(count)) throw new InvalidArgumentError('a count is a number from 1 on');
  return count;
}

const sizeUnits: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Bytes, with an optional binary unit: `65536`, `64k`, `8m`, `1g`. */
export function parseSize(value: string): number {
  const match = /^(\d+)([kmg]?)(?:i?b)?$/i.exec(value);
  const bytes = match ? Number(match[1]) * (sizeUnits[match[2]?.toLowerCase() ?? ''] ?? Number.NaN) : Number.NaN;
  if (!Number.isSafeInteger(bytes)) throw new InvalidArgumentError('a size is a number of bytes, or 64k, 8m, 1g');
  return bytes;
}

export function parseNonEmpty(value: string): string {
  if (value === '') throw new InvalidArgumentError('it is empty');
  return value;
}

/** A name of which there can be one. */
export function parseOnce(value: string, previous?: string): string {
  if (previous !== undefined) throw new InvalidArgumentError('there can be one only');
  return parseNonEmpty(value);
}

export function parsePid(value: string, previous?: number): number {
  if (previous !== undefined) throw new InvalidArgumentError('there can be one only');
  const pid = /^\d{1,10}$/.test(value) ? Number(value) : 0;
  if (pid < 1 || pid >= 2 ** 31) throw new InvalidArgumentError('it is the number of a process, such as 1355');
  return pid;
}

/** The number of a process that is in the network namespace, or a path or a name of it. */
export function parseNamespace(value: string, previous?: string | number): string | number {
  if (previous !== undefined) throw new InvalidArgumentError('there can be one only');
  return /^\d+$/.test(value) ? parsePid(value) : parseNonEmpty(value);
}

/** The path of a file that is written. */
export function parseFile(value: string): string {
  if (value === '-') throw new InvalidArgumentError('it must be the name of a file');
  return parseNonEmpty(value);
}

export function parseText(value: string, previous: readonly string[] = []): string[] {
  return [...previous, parseNonEmpty(value)];
}

export function parseNames(value: string, previous?: readonly string[]): string[] {
  const names = collect(value, previous);
  if (names.includes('')) throw new InvalidArgumentError('a name is empty');
  return names;
}

/** `404`, `4xx`, `500..504`, and several of them. */
export function parseStatuses(value: string, previous?: readonly string[]): string[] {
  const statuses = collect(value.toLowerCase(), previous);
  if (!statuses.every((status) => /^(?:\d{3}|[1-9]xx|\d{3}\.\.\d{3})$/.test(status))) {
    throw new InvalidArgumentError('a status is 404, 4xx or 500..504; several: --status 401,403');
  }
  return statuses;
}

/** `NAME` or `NAME=GLOB`. */
export function parseHeader(value: string, previous: readonly WantedHeader[] = []): WantedHeader[] {
  const [, name = '', glob] = /^([^=]*)(?:=(.*))?$/s.exec(value) ?? [];
  if (name.trim() === '')
    throw new InvalidArgumentError("a header is NAME or NAME=GLOB, such as 'content-type=*json*'");
  return [...previous, { name: name.trim(), value: glob }];
}

export function parseKind(value: string): 'request' | 'response' {
  if (value === 'request' || value === 'response') return value;
  throw new InvalidArgumentError('it is request or response');
}

export function parseRegExp(value: string): string {
  try {
    new RegExp(parseNonEmpty(value));
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  return value;
}
