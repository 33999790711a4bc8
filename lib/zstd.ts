/**
 * Zstandard (RFC 8878) on top of fzstd, which decodes but allocates whatever window a frame asks for, up to 2 GiB. This walks over
 * the frames (headers, block sizes, checksums) and refuses what is too large before fzstd sees it.
 */
import { Decompress } from 'fzstd';

const magic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;

type Part = 'magic' | 'descriptor' | 'header' | 'block' | 'pass' | 'skipSize' | 'skip';

export class ZstdDecoder {
  readonly #maxWindowBytes: number;
  readonly #decompress: Decompress;
  /** The beginning of a part that has not arrived completely. */
  #held: Uint8Array = new Uint8Array(0);
  #part: Part = 'magic';
  /** Bytes that `part` needs, or has left. */
  #need = 4;
  #hasChecksum = false;
  #lastBlock = false;
  #inChecksum = false;

  /** `onData` is called synchronously, from push(). */
  constructor(maxWindowBytes: number, onData: (bytes: Uint8Array) => void) {
    this.#maxWindowBytes = maxWindowBytes;
    this.#decompress = new Decompress((bytes) => {
      if (bytes.length > 0) onData(bytes);
    });
  }

  /** True between frames: what was pushed is complete. */
  get complete(): boolean {
    return this.#part === 'magic' && this.#held.length === 0;
  }

  /** Throws when the bytes are not Zstandard or need too large a window. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#part === 'pass' || this.#part === 'skip') {
        const taken = Math.min(this.#need, chunk.length - at);
        if (this.#part === 'pass') this.#decompress.push(chunk.subarray(at, at + taken));
        at += taken;
        this.#need -= taken;
        if (this.#need === 0) this.#afterData();
        continue;
      }
      const taken = Math.min(this.#need - this.#held.length, chunk.length - at);
      this.#held = Buffer.concat([this.#held, chunk.subarray(at, at + taken)]);
      at += taken;
      if (this.#held.length === this.#need) this.#afterHeld(this.#held);
    }
  }

  #expect(part: Part, need: number): void {
    this.#part = part;
    this.#need = need;
    if (need === 0) this.#afterData();
  }

  #forward(held: Uint8Array): void {
    this.#held = new Uint8Array(0);
    this.#decompress.push(held);
  }

  #afterHeld(held: Uint8Array): void {
    const view = new DataView(held.buffer, held.byteOffset, held.byteLength);
    switch (this.#part) {
      case 'magic': {
        const number = view.getUint32(0, true);
        if (number === magic) {
          this.#part = 'descriptor';
          this.#need = 5;
        } else if ((number & 0xfffffff0) >>> 0 === skippableMagic) {
          this.#held = new Uint8Array(0);
          this.#expect('skipSize', 4);
        } else {
          throw new Error('not Zstandard data');
        }
        return;
      }
      case 'descriptor': {
        const descriptor = view.getUint8(4);
        const singleSegment = (descriptor >> 5) & 1;
        const sizeFlag = descriptor >> 6;
        if ((descriptor & 3) !== 0) throw new Error('the frame needs a dictionary');
        this.#hasChecksum = (descriptor & 4) !== 0;
        this.#part = 'header';
        this.#need = 5 + (1 - singleSegment) + (sizeFlag === 0 ? singleSegment : 1 << sizeFlag);
        return;
      }
      case 'header': {
        const windowBytes = frameWindowBytes(view);
        if (windowBytes > this.#maxWindowBytes) {
          throw new Error(
            `the frame needs a window of ${windowBytes} bytes, more than the ${this.#maxWindowBytes} allowed`,
          );
        }
        this.#forward(held);
        this.#expect('block', 3);
        return;
      }
      case 'block': {
        const header = view.getUint16(0, true) | (view.getUint8(2) << 16);
        this.#lastBlock = (header & 1) !== 0;
        const repeated = ((header >> 1) & 3) === 1;
        this.#forward(held);
        this.#expect('pass', repeated ? 1 : header >> 3);
        return;
      }
      case 'skipSize':
        this.#held = new Uint8Array(0);
        this.#expect('skip', view.getUint32(0, true));
        return;
    }
  }

  #afterData(): void {
    if (this.#part === 'pass' && !this.#inChecksum && !this.#lastBlock) {
      this.#expect('block', 3);
      return;
    }
    if (this.#part === 'pass' && !this.#inChecksum && this.#hasChecksum) {
      this.#inChecksum = true;
      this.#expect('pass', 4);
      return;
    }
    // fzstd holds the first bytes of a frame back until it has a certain number of them; a short frame may have fewer.
    if (this.#part === 'pass') this.#decompress.push(new Uint8Array(0), true);
    this.#inChecksum = false;
    this.#part = 'magic';
    this.#need = 4;
  }
}

/** Window size of a frame whose header is complete (RFC 8878, 3.1.1.1). */
function frameWindowBytes(view: DataView): number {
  const descriptor = view.getUint8(4);
  if ((descriptor & 0x20) === 0) {
    const window = view.getUint8(5);
    const base = 2 ** (10 + (window >> 3));
    return base + (base / 8) * (window & 7);
  }
  switch (descriptor >> 6) {
    case 0:
      return view.getUint8(5);
    case 1:
      return view.getUint16(5, true) + 256;
    case 2:
      return view.getUint32(5, true);
    default:
      return Number(view.getBigUint64(5, true));
  }
}
