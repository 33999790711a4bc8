/**
 * The records of a pcap or pcapng file, told apart by their lengths alone, so that the one can be left out in the middle of which a file
 * ends. https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcap, https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng
 */

/** So much of a file tells its format. */
export const headBytes = 24;

const magicModified = 0xa1b2cd34;
const ixiaMagics = [0x1c0001ac, 0x1c0001ab];
const magics = [0xa1b2c3d4, 0xa1b23c4d, magicModified, ...ixiaMagics];
const sectionHeader = 0x0a0d0d0a;
const byteOrderMagic = 0x1a2b3c4d;
const blockOverheadBytes = 12;

/** As large as packets of any link type may be; those of USB and D-Bus are larger than others. */
const maxPacketBytes = 256 * 1024;
const maxLargePacketBytes = 128 * 1024 * 1024;
const largeLinkTypes = [189, 220, 231, 249, 279];
const maxBlockBytes = maxLargePacketBytes + 128 * 1024;

interface Format {
  /** Files with the same can follow one another. */
  readonly kind: string;
  /** What only the first of them may have. */
  readonly fileHeaderBytes: number;
  /** So much of a record tells its length. */
  readonly minBytes: number;
  /** undefined when it cannot be. */
  lengthAt(bytes: Buffer, at: number): number | undefined;
  /** Whether the record can be what it claims to be. */
  isWhole?(bytes: Buffer, at: number, length: number): boolean;
}

export class WholeRecords {
  readonly #format: Format;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Before so many are there, nothing can be told. */
  #neededBytes: number;
  #begun = false;
  #damaged = false;
  #offset = 0;

  private constructor(format: Format) {
    this.#format = format;
    this.#neededBytes = headBytes;
  }

  /** @returns undefined when a file that begins like that is no capture */
  static of(head: Buffer): WholeRecords | undefined {
    const format = head.length < headBytes ? undefined : (pcapOf(head) ?? pcapngOf(head));
    return format && new WholeRecords(format);
  }

  get kind(): string {
    return this.#format.kind;
  }

  get fileHeaderBytes(): number {
    return this.#format.fileHeaderBytes;
  }

  /** Bytes that belong to no whole record, so far. */
  get rest(): number {
    return this.#pendingBytes;
  }

  /** What follows is no record. */
  get damaged(): boolean {
    return this.#damaged;
  }

  /** Bytes given out, which is where the damage is. */
  get offset(): number {
    return this.#offset;
  }

  /** @returns the records that have become whole, the file's header before the first */
  push(chunk: Uint8Array): Buffer {
    this.#pending.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#pendingBytes += chunk.length;
    if (this.#damaged || this.#pendingBytes < this.#neededBytes) return Buffer.alloc(0);
    const bytes = this.#pending.length === 1 ? (this.#pending[0] as Buffer) : Buffer.concat(this.#pending);
    const end = this.#endOfRecords(bytes);
    this.#pending = end === bytes.length ? [] : [bytes.subarray(end)];
    this.#pendingBytes = bytes.length - end;
    this.#offset += end;
    return bytes.subarray(0, end);
  }

  #endOfRecords(bytes: Buffer): number {
    const { fileHeaderBytes, minBytes } = this.#format;
    let at = 0;
    if (!this.#begun) {
      this.#neededBytes = fileHeaderBytes;
      if (bytes.length < fileHeaderBytes) return 0;
      at = fileHeaderBytes;
      this.#begun = true;
    }
    for (;;) {
      this.#neededBytes = minBytes;
      if (bytes.length - at < minBytes) return at;
      const length = this.#format.lengthAt(bytes, at);
      if (length !== undefined && bytes.length - at < length) {
        this.#neededBytes = length;
        return at;
      }
      if (length === undefined || this.#format.isWhole?.(bytes, at, length) === false) {
        this.#damaged = true;
        return at;
      }
      at += length;
    }
  }
}

function pcapOf(head: Buffer): Format | undefined {
  const little = magics.includes(head.readUInt32LE(0));
  if (!little && !magics.includes(head.readUInt32BE(0))) return undefined;
  const read16 = (bytes: Buffer, at: number) => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const read32 = (bytes: Buffer, at: number) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const magic = read32(head, 0);
  const recordHeaderBytes = magic === magicModified ? 24 : 16;
  const maxBytes = largeLinkTypes.includes(read16(head, little ? 20 : 22)) ? maxLargePacketBytes : maxPacketBytes;
  // Old versions had the two lengths of a record the other way round, and in between programs did as they liked.
  const [major, minor] = [read16(head, 4), read16(head, 6)];
  const wireFirst = major !== 2 || minor < 3;
  const smallerFirst = !wireFirst && minor === 3;
  const capturedAt = (bytes: Buffer, at: number): number => {
    if (smallerFirst) return Math.min(read32(bytes, at + 8), read32(bytes, at + 12));
    return read32(bytes, at + (wireFirst ? 12 : 8));
  };
  return {
    kind: `${head.toString('hex', 0, 8)} ${head.toString('hex', 20, 24)}`,
    fileHeaderBytes: ixiaMagics.includes(magic) ? headBytes + 4 : headBytes,
    minBytes: recordHeaderBytes,
    lengthAt(bytes, at) {
      const captured = capturedAt(bytes, at);
      return captured > maxBytes ? undefined : recordHeaderBytes + captured;
    },
  };
}

function pcapngOf(head: Buffer): Format | undefined {
  if (head.readUInt32BE(0) !== sectionHeader) return undefined;
  let little = true;
  const read32 = (bytes: Buffer, at: number) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  return {
    kind: 'pcapng',
    fileHeaderBytes: 0,
    minBytes: blockOverheadBytes,
    lengthAt(bytes, at) {
      // Each section has its own byte order.
      if (bytes.readUInt32BE(at) === sectionHeader) little = bytes.readUInt32LE(at + 8) === byteOrderMagic;
      const length = read32(bytes, at + 4);
      return length < blockOverheadBytes || length % 4 !== 0 || length > maxBlockBytes ? undefined : length;
    },
    isWhole: (bytes, at, length) => read32(bytes, at + length - 4) === length,
  };
}
