/** Several capture files, one after the other, as if they were one: connections go on from one to the next. */
import { createReadStream } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { createGunzip } from 'node:zlib';

const pcapHeaderLength = 24;
const pcapng = 0x0a0d0d0a;
const gzipMagic = 0x1f8b;

/**
 * The files that the names mean; `*` and `?` in the last part of a path stand for any text and any character.
 * @throws Error when nothing matches
 */
export async function expandNames(names: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const name of names) files.push(...(await expand(name)));
  return files;
}

async function expand(name: string): Promise<string[]> {
  const pattern = path.basename(name);
  if (!/[*?]/.test(pattern) || (await exists(name))) return [name];
  const folder = path.dirname(name);
  const regExp = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    's',
  );
  const found = (await readdir(folder)).filter(
    (one) => regExp.test(one) && (!one.startsWith('.') || pattern.startsWith('.')),
  );
  if (found.length === 0) throw new Error(`${name}: there is no such file`);
  return found.sort().map((one) => path.join(name.includes('/') ? folder : '', one));
}

async function exists(name: string): Promise<boolean> {
  try {
    await (await open(name)).close();
    return true;
  } catch {
    return false;
  }
}

/**
 * The bytes of a capture with the packets of all of them.
 * @throws Error when a file cannot be read, or not follow the one before: of pcap, link type, byte order and resolution must agree
 */
export async function* joinFiles(names: readonly string[]): AsyncGenerator<Buffer, void, undefined> {
  let first: Buffer | undefined;
  for (const name of await expandNames(names)) {
    let head = Buffer.alloc(0);
    let begun = false;
    for await (const chunk of await bytesOf(name)) {
      if (begun) {
        yield chunk;
        continue;
      }
      head = Buffer.concat([head, chunk]);
      if (head.length < pcapHeaderLength) continue;
      begun = true;
      if (first === undefined) yield head;
      else yield following(first, head, name);
      first ??= head.subarray(0, pcapHeaderLength);
    }
    if (!begun) throw new Error(`${name} is no capture file: it has ${head.length} bytes`);
  }
}

function following(first: Buffer, head: Buffer, name: string): Buffer {
  const format = first.readUInt32BE(0);
  if (head.readUInt32BE(0) === format) {
    if (format === pcapng) return head;
    if (head.readUInt32BE(20) === first.readUInt32BE(20)) return head.subarray(pcapHeaderLength);
  }
  throw new Error(`${name} differs from the first file in format, byte order or link type: mergecap joins such files`);
}

async function bytesOf(name: string): Promise<AsyncIterable<Buffer>> {
  const file = await open(name);
  const magic = Buffer.alloc(2);
  await file.read(magic, 0, 2, 0);
  await file.close();
  const stream = createReadStream(name);
  if (magic.readUInt16BE(0) !== gzipMagic) return stream;
  const unzipped = createGunzip();
  stream.on('error', (error) => unzipped.destroy(error)).pipe(unzipped);
  return unzipped;
}
