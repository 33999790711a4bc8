/** A body that is streamed: its message was delivered before its end, and what follows waits here until somebody reads it. */
import type { MessageRest } from '../continuations.js';
import { CaptureError } from '../errors.js';
import type { Collected } from './pieces.js';

/** Bytes in order, or the number of bytes that are missing between them. */
export type Piece = Buffer | number;

/** Whoever keeps account of the streamed bodies. */
export interface BodyKeeper {
  /** Body bytes that nobody read in time. */
  bytesLetGo: number;
  /** What a body holds has changed by so much. */
  held(body: OpenBody, change: number): void;
  /** A reader asks for more than there is. */
  await(body: OpenBody): void;
  /** No reader does any more. */
  served(body: OpenBody): void;
}

/** What a piece takes beside its bytes. Small ones cost more memory than they hold. */
const pieceBytes = 128;
const sizeOf = (piece: Piece) => (typeof piece === 'number' ? pieceBytes : pieceBytes + piece.length);
const bytesOf = (piece: Piece) => (typeof piece === 'number' ? 0 : piece.length);

/** The rest of a message: pieces of its body, then its end. */
export class OpenBody {
  readonly #keeper: BodyKeeper;
  /** As they came. */
  #pieces: Piece[] = [];
  /** The older ones, last first. */
  #older: Piece[] = [];
  #heldBytes = 0;
  #rest: MessageRest | undefined;
  #dropped = false;
  #closed = false;
  #claimed = false;
  #passed = false;
  #released = false;
  #waiters: (() => void)[] = [];
  #whole: Promise<Buffer> | undefined;
  #cut = false;

  constructor(keeper: BodyKeeper) {
    this.#keeper = keeper;
  }

  /** What is known since the message is over. */
  get rest(): MessageRest | undefined {
    return this.#rest;
  }
  /** Memory that what waits to be read takes. */
  get heldBytes(): number {
    return this.#heldBytes;
  }
  /** The consumer has gone on without beginning to read it. */
  get passed(): boolean {
    return this.#passed;
  }
  get claimed(): boolean {
    return this.#claimed;
  }
  /** There was more of it than what was collected. */
  get cut(): boolean {
    return this.#cut;
  }

  /** For the one who reads the body. */
  claim(): void {
    if (this.#claimed) {
      throw new CaptureError('ERR_STATE', 'The body of this message is read already: a streamed body can be read once');
    }
    this.#setPassed(false);
    this.#claimed = true;
  }

  /** The consumer goes on to the next message. */
  pass(): void {
    if (!this.#claimed) this.#setPassed(true);
  }

  /** The body as the first call collected it, when the message is over. */
  collected(collect: () => Promise<Collected>): Promise<Buffer> {
    this.#whole ??= this.#keep(collect());
    return this.#whole;
  }

  async #keep(collected: Promise<Collected>): Promise<Buffer> {
    const { bytes, cut } = await collected;
    this.#cut = cut;
    await this.ended();
    return bytes;
  }

  /** The next piece, undefined at the end of the message or when it was released. Rejects when it was let go or the tap closed. */
  async next(): Promise<Piece | undefined> {
    for (;;) {
      const piece = this.#take();
      if (piece !== undefined) {
        this.#hold(-sizeOf(piece));
        return piece;
      }
      if (this.#released) return undefined;
      if (this.#dropped) throw droppedError();
      if (this.#rest) return undefined;
      if (this.#closed) throw closedError();
      await this.#news();
    }
  }

  /** Resolves when the message is over. Rejects when the tap is closed before. */
  async ended(): Promise<void> {
    while (this.#rest === undefined) {
      if (this.#closed) throw closedError();
      await this.#news();
    }
  }

  /** Its reader wants no more. */
  release(): void {
    this.#released = true;
    this.#clear();
    this.#wake();
  }

  add(piece: Piece): void {
    if (this.#dropped) this.#keeper.bytesLetGo += bytesOf(piece);
    if (this.#dropped || this.#released) return;
    // A copy: a view would keep the whole batch.
    const own = typeof piece === 'number' ? piece : Buffer.from(piece);
    this.#pieces.push(own);
    this.#hold(sizeOf(own));
    this.#wake();
  }

  /** So many bytes were captured, but there was no room for them. What came before them can still be read. */
  skip(length: number): void {
    if (this.#released) return;
    this.#keeper.bytesLetGo += length;
    this.#dropped = true;
    this.#wake();
  }

  end(rest: MessageRest): void {
    this.#rest = rest;
    this.#wake();
  }

  /** Nothing follows because the tap is closed. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  letGo(): void {
    for (const piece of [...this.#older, ...this.#pieces]) this.#keeper.bytesLetGo += bytesOf(piece);
    this.#clear();
    this.#dropped = true;
    this.#wake();
  }

  #take(): Piece | undefined {
    if (this.#older.length === 0) {
      this.#older = this.#pieces.reverse();
      this.#pieces = [];
    }
    return this.#older.pop();
  }

  #setPassed(passed: boolean): void {
    if (this.#passed === passed) return;
    const held = this.#heldBytes;
    this.#hold(-held);
    this.#passed = passed;
    this.#hold(held);
  }

  #clear(): void {
    this.#pieces = [];
    this.#older = [];
    this.#hold(-this.#heldBytes);
  }

  #hold(change: number): void {
    this.#heldBytes += change;
    this.#keeper.held(this, change);
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#keeper.await(this);
    });
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
    this.#keeper.served(this);
  }
}

function closedError(): CaptureError {
  return new CaptureError('ERR_CLOSED', 'The tap was closed before the end of this message');
}

function droppedError(): CaptureError {
  return new CaptureError(
    'ERR_BODY_DROPPED',
    'The body of this message was not read in time and let go; read bodies as they come, or raise maxQueuedBytes and maxBufferedBytes',
  );
}
