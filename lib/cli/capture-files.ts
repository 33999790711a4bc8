/** Several capture files, one after the other, as if they were one: connections go on from one to the next. */
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { CaptureError, decompress } from '../index.js';
import { headBytes, WholeRecords } from './whole-records.js';

const chunkBytes = 64 * 1024;

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
  return stat(name).then(
    () => true,
    () => false,
  );
}

interface CaptureFile {
  readonly name: string;
  /** It can be read again from its beginning; of anything else nothing is known before its turn. */
  readonly regular: boolean;
  handle?: FileHandle;
}

interface OpenOptions {
  /** Open all files at once, for who may not do it later. Else each is opened in its turn: a limit holds for those that are open. */
  keepOpen: boolean;
  /** Told of files of which not everything can be read. */
  say: (line: string) => void;
}

/** An iterable of the bytes of a capture with the packets of all files; one that ends too early does not keep others from being read. */
export class CaptureFiles implements AsyncIterable<Uint8Array> {
  readonly #files: CaptureFile[] = [];
  readonly #say: OpenOptions['say'];
  #incomplete = false;
  #destroyed = false;

  private constructor(say: OpenOptions['say']) {
    this.#say = say;
  }

  /**
   * @throws Error when a file cannot be read, or not follow the ones before: of pcap, link type, byte order and resolution must agree.
   * What pipes hold is seen in their turn: iterating throws then.
   */
  static async open(names: readonly string[], { keepOpen, say }: OpenOptions): Promise<CaptureFiles> {
    const files = new CaptureFiles(say);
    const follows = followsFirst();
    try {
      for (const name of await expandNames(names)) {
        const file: CaptureFile = { name, regular: await isRegular(name) };
        files.#files.push(file);
        // Opening a pipe can last until somebody writes into it.
        if (!file.regular && !keepOpen) continue;
        file.handle = await openFile(name);
        const head = file.regular ? await headOf(file, file.handle) : undefined;
        if (head && head.length > 0) follows(head, name);
        if (keepOpen) continue;
        await file.handle.close();
        file.handle = undefined;
      }
    } catch (error) {
      files.destroy();
      throw error;
    }
    return files;
  }

  /** Something was left out. */
  get incomplete(): boolean {
    return this.#incomplete;
  }

  /** Ends iterating, also while a pipe is waited for, and closes all files. */
  destroy(): void {
    this.#destroyed = true;
    for (const { handle } of this.#files) handle?.close().catch(() => {});
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const follows = followsFirst();
    let first = true;
    for (const file of this.#files) {
      if (this.#destroyed) return;
      file.handle ??= await openFile(file.name);
      try {
        if (this.#destroyed) return;
        for await (const bytes of this.#recordsOf(file, file.handle, follows, first)) {
          first = false;
          yield bytes;
        }
      } finally {
        await file.handle.close();
      }
    }
  }

  async *#recordsOf(
    { name, regular }: CaptureFile,
    handle: FileHandle,
    follows: ReturnType<typeof followsFirst>,
    withHeader: boolean,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let head = Buffer.alloc(0);
    let records: WholeRecords | undefined;
    let leftOut = 0;
    let damage: string | undefined;
    try {
      for await (let chunk of decompress(chunksOf(handle, regular), name)) {
        if (records === undefined) {
          head = Buffer.concat([head, chunk]);
          if (head.length < headBytes) continue;
          records = follows(head, name);
          chunk = head;
          if (!withHeader) leftOut = records.fileHeaderBytes;
        }
        const bytes = records.push(chunk);
        if (bytes.length === 0) continue;
        if (bytes.length > leftOut) yield bytes.subarray(leftOut);
        leftOut = 0;
        if (records.damaged) break;
      }
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      damage = error.message;
    }
    if (this.#destroyed) return;
    if (records?.damaged) damage = `${name} is damaged at byte ${records.offset}`;
    if (damage !== undefined) this.#tell(`${damage}: from there on it is left out`);
    else if (records === undefined && head.length > 0) follows(head, name);
    else if (records === undefined) this.#tell(`${name} is empty`);
    else if (records.rest > 0) this.#tell(`${name} is cut off: its last ${records.rest} bytes are left out`);
  }

  #tell(line: string): void {
    this.#incomplete = true;
    this.#say(line);
  }
}

/** @returns what throws an Error when a file that begins so is no capture, or of another kind than the first one that it was asked about */
function followsFirst(): (head: Buffer, name: string) => WholeRecords {
  let kind: string | undefined;
  return (head, name) => {
    const records = WholeRecords.of(head);
    if (records === undefined) throw new Error(`${name} is no capture file`);
    kind ??= records.kind;
    if (records.kind === kind) return records;
    throw new Error(
      `${name} differs from the first file in format, byte order or link type: mergecap joins such files`,
    );
  };
}

async function isRegular(name: string): Promise<boolean> {
  const stats = await stat(name).catch((error) => Promise.reject(openingError(name, error)));
  if (stats.isDirectory()) throw new Error(`${name} is a folder`);
  return stats.isFile();
}

async function openFile(name: string): Promise<FileHandle> {
  return open(name).catch((error) => Promise.reject(openingError(name, error)));
}

function openingError(name: string, error: NodeJS.ErrnoException): Error {
  if (error.code === 'ENOENT') return new Error(`${name}: there is no such file`);
  return new Error(`${name} cannot be opened (${error.message})`, { cause: error });
}

/** Shorter when there is not as much; empty when there is no telling. */
async function headOf({ name, regular }: CaptureFile, handle: FileHandle): Promise<Buffer> {
  let head = Buffer.alloc(0);
  try {
    for await (const chunk of decompress(chunksOf(handle, regular), name)) {
      head = Buffer.concat([head, chunk]);
      if (head.length >= headBytes) break;
    }
    return head;
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    // It is damaged, which is told in its turn.
    return Buffer.alloc(0);
  }
}

async function* chunksOf(handle: FileHandle, regular: boolean): AsyncGenerator<Uint8Array, void, undefined> {
  for (let position = 0; ; ) {
    // A buffer of its own each time: what is read is kept until it has been taken.
    const { bytesRead, buffer } = await handle.read(
      Buffer.allocUnsafeSlow(chunkBytes),
      0,
      chunkBytes,
      regular ? position : null,
    );
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
