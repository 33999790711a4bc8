/** /proc, as proc(5) describes it. Reading it never waits for a disk, so it is done synchronously. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What a process is told by, besides its number: two processes of the same number differ in it. */
export interface ProcessStat {
  /** The name of the program as the kernel keeps it: at most 15 bytes. */
  readonly name: string;
  readonly parent: number;
  /** Clock ticks from the start of the machine to that of the process. */
  readonly startTicks: string;
}

/** All that can be seen, in no order. */
export function processIds(): number[] {
  const ids: number[] = [];
  for (const name of namesIn('/proc')) if (isDigit(name.charCodeAt(0))) ids.push(Number(name));
  return ids;
}

/** undefined when the process is gone, or has ended and only waits for its parent to take notice. */
export function statOf(pid: number): ProcessStat | undefined {
  const text = textOf(`/proc/${pid}/stat`);
  // The name can hold anything, closing parentheses too.
  const nameEnd = text?.lastIndexOf(')') ?? -1;
  if (text === undefined || nameEnd < 0) return undefined;
  const fields = text.slice(nameEnd + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return {
    name: text.slice(text.indexOf('(') + 1, nameEnd),
    parent: Number(fields[1]),
    startTicks: fields[19] ?? '',
  };
}

/** The command line with its arguments, empty for a thread of the kernel. */
export function argumentsOf(pid: number): string[] {
  const text = textOf(`/proc/${pid}/cmdline`) ?? '';
  return text
    .replace(/\0+$/, '')
    .split('\0')
    .filter((argument, i) => i > 0 || argument !== '');
}

const socketLink = /^socket:\[(\d+)\]$/;

/** The sockets that a process has open, by their inodes, and the number of a descriptor of each; undefined when that may not be seen. */
export function openSocketsOf(pid: number): Map<string, number> | undefined {
  const folder = `/proc/${pid}/fd`;
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return undefined;
  }
  const sockets = new Map<string, number>();
  for (const name of names) {
    const inode = socketLink.exec(linkOf(`${folder}/${name}`) ?? '')?.[1];
    if (inode !== undefined) sockets.set(inode, Number(name));
  }
  return sockets;
}

/** Whether this descriptor of the process is that socket. */
export function hasSocket(pid: number, descriptor: number, inode: string): boolean {
  return linkOf(`/proc/${pid}/fd/${descriptor}`) === `socket:[${inode}]`;
}

/** A name of the network namespace of a process, such as `'net:[4026531840]'`; undefined when it may not be seen. */
export function networkNamespaceOf(pid: number | 'self'): string | undefined {
  return linkOf(`/proc/${pid}/ns/net`);
}

/** undefined when there is no such file, or it may not be read. */
export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
