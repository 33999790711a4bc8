/**
 * What runs a tap: one session, its doorbell, and the batches that a reader takes.
 *
 * Nothing is read from the capture thread unless the consumer asks. When there is no batch the session is asked to ring
 * (`park()`), which keeps the event loop alive until it does. Nothing else here keeps it alive.
 */
import type { Decoder } from './decoder.js';
import { CaptureError, fromNativeError } from './errors.js';
import { Feed } from './feed.js';
import type { NativeInfo, NativeOptions, NativeSession, NativeState } from './native.js';
import type { ResolvedOptions } from './options.js';
import type { BatchSource } from './readers.js';
import type { ProcessTarget } from './system/process-group.js';
import { SocketFollower } from './system/socket-follower.js';
import { warnOfLinkTypes } from './warning.js';

/** What an engine needs from outside; tests give their own. */
export interface EngineParts {
  open(options: NativeOptions, doorbell: () => void): NativeSession;
  /** Names of the counters, in the order of `NativeSession.stats()`. */
  readonly counters: readonly (readonly [group: string, name: string])[];
}

/** So many batches are delivered without a pause; then timers and sockets get their turn, however full the mailbox is. */
const batchesPerTurn = 4;

/** What the engine serves. */
interface Consumer {
  settle(): void;
  discard(): void;
}

/** A batch as the engine sees it. */
export interface Sized {
  readonly length: number;
  /** Holds nothing for the consumer. */
  readonly empty: boolean;
  readonly byteLength: number;
}

export class Engine<B extends Sized> implements BatchSource<B> {
  readonly ready: Promise<void>;
  readonly #decoder: Decoder<unknown, B, unknown>;
  readonly #signal: AbortSignal | undefined;
  readonly #session: NativeSession | undefined;
  readonly #feed: Feed | undefined;
  #follower: SocketFollower | undefined;
  /** Until `ready` is settled. */
  #settleReady: { resolve(): void; reject(error: unknown): void } | undefined;
  #readyWanted = false;
  #info: NativeInfo | undefined;
  #consumer: Consumer | undefined;
  #over = false;
  #failure: { error: unknown } | undefined;
  #parked = false;
  #turn: NodeJS.Immediate | undefined;
  #batchesThisTurn = 0;
  /** Taken because something that they hold is waited for; the consumer has not asked for them yet. */
  #prefetched: B[] = [];
  #prefetchedBytes = 0;
  readonly #maxPrefetchedBytes: number;
  #itemsLetGo = 0;
  #lastStats: Float64Array | undefined;
  /** Who listens wants to know at once; of a file all of it can be told at its end. */
  readonly #warnAtOnce: boolean;
  #warned = false;
  readonly #write: ResolvedOptions['write'];
  #writeFailed = false;
  #filesTold = 0;

  constructor(options: ResolvedOptions, parts: EngineParts, decoder: Decoder<unknown, B, unknown>) {
    this.#decoder = decoder;
    this.#maxPrefetchedBytes = options.native.maxBufferedBytes;
    this.#write = options.write;
    decoder.attach?.({
      pull: () => this.wait(),
      decide: options.write && ((connections, upTo) => this.#session?.decide(connections, upTo)),
    });
    this.#signal = options.signal;
    this.#warnAtOnce = options.native.file === '';
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    // Whoever awaits it sees the rejection; nobody has to.
    this.ready.catch(() => {});

    if (this.#signal?.aborted) {
      this.#end({ error: this.#signal.reason });
      return;
    }
    try {
      if (options.follow) this.#follower = this.#follow(options.follow, options.native);
      this.#session = parts.open(options.native, () => this.#ring());
    } catch (error) {
      this.#end({ error: startingError(error) });
      return;
    }
    this.#follower?.start(this.#session, () => this.stop());
    if (options.stream) this.#feed = new Feed(this.#session, options.stream, options.native.file || 'the stream');
    this.#signal?.addEventListener('abort', this.#abort, { once: true });
  }

  get over(): boolean {
    return this.#over && this.#prefetched.length === 0;
  }

  /** Items that the consumer did not take while it waited for something else, and for which there was no room. */
  get itemsLetGo(): number {
    return this.#itemsLetGo;
  }

  get info(): NativeInfo | undefined {
    if (!this.#over) this.#update();
    return this.#info;
  }

  stats(): Float64Array | undefined {
    return this.#over ? this.#lastStats : this.#session?.stats();
  }

  /** Keeps the event loop alive until `ready` is settled. */
  awaitReady(): void {
    this.#readyWanted = true;
    if (this.#over) return;
    this.#update();
    if (this.#settleReady) this.wait();
  }

  /** The one consumer. False when there is one already. */
  claim(consumer: Consumer): boolean {
    if (this.#consumer) return false;
    const wantsExchanges = this.#decoder.begin?.() ?? false;
    this.#consumer = consumer;
    if (!this.#over) this.#session?.begin(wantsExchanges, this.#decoder.selects ?? false);
    return true;
  }

  stop(): void {
    if (this.#over) return;
    this.#update();
    this.#session?.stop();
    this.#feed?.cancel();
    this.#failReady(closedEarly());
  }

  async close(): Promise<void> {
    // Also what the consumer was not told yet.
    this.#failure = undefined;
    this.#prefetched = [];
    this.#consumer?.discard();
    this.#end(undefined);
  }

  take(): B | undefined {
    const prefetched = this.#prefetched.shift();
    if (prefetched === undefined) return this.#takeNext();
    this.#prefetchedBytes -= prefetched.byteLength;
    return prefetched;
  }

  #takeNext(): B | undefined {
    const session = this.#session;
    if (this.#over || session === undefined || this.#batchesThisTurn >= batchesPerTurn) return undefined;
    const { writer } = this.#decoder;
    let taken = session.take(writer);
    if (taken === undefined) {
      const state = this.#update();
      if (state.phase !== 'ended') return undefined;
      // The last batch may have come between the two calls; after the state none does.
      taken = session.take(writer);
      if (taken === undefined) {
        const error = this.#errorOf(state);
        this.#end(error && { error });
        return undefined;
      }
    } else if (this.#settleReady || this.#feed?.waiting) {
      this.#update();
    }
    this.#batchesThisTurn++;
    return this.#decoder.decode(taken);
  }

  wait(): void {
    const session = this.#session;
    if (this.#over || session === undefined || this.#parked || this.#turn) return;
    if (this.#batchesThisTurn < batchesPerTurn && session.park()) {
      this.#parked = true;
      return;
    }
    // Somebody else's turn, or something came just now.
    this.#turn = setImmediate(() => {
      this.#turn = undefined;
      this.#serve();
    });
  }

  takeFailure(): { error: unknown } | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  #ring(): void {
    this.#parked = false;
    this.#serve();
  }

  #serve(): void {
    if (this.#over) return;
    this.#batchesThisTurn = 0;
    this.#update();
    this.#consumer?.settle();
    this.#prefetch();
    if (this.#readyWanted && this.#settleReady) this.wait();
  }

  /** Takes what the decoder waits for, and keeps what else it finds for the consumer. */
  #prefetch(): void {
    while (this.#decoder.wantsMore) {
      const batch = this.#takeNext();
      if (batch === undefined) {
        this.wait();
        return;
      }
      if (batch.empty) continue;
      if (this.#prefetchedBytes > this.#maxPrefetchedBytes) {
        this.#itemsLetGo += batch.length;
        this.#decoder.letGo?.(batch);
        continue;
      }
      this.#prefetched.push(batch);
      this.#prefetchedBytes += batch.byteLength;
    }
  }

  /** Asks the session how it is and passes on what is new. */
  #update(): NativeState {
    const state: NativeState = this.#session?.state() ?? { phase: 'ended', wantsInput: false };
    if (state.info) this.#info = state.info;
    if (this.#settleReady) this.#tryReady(this.#settleReady, state);
    if (state.wantsInput) this.#feed?.resume();
    if (this.#warnAtOnce) this.#warn(state);
    this.#tellWriteError(state);
    this.#tellFinishedFiles(state);
    return state;
  }

  #tryReady(ready: { resolve(): void; reject(error: unknown): void }, state: NativeState): void {
    if (state.phase === 'opening') return;
    this.#settleReady = undefined;
    const error = this.#errorOf(state);
    // A short file can have come and gone, and its end been damaged: that it was opened shows in the link type.
    if (state.info?.linkType || (state.info && !error)) ready.resolve();
    else ready.reject(error ?? closedEarly());
  }

  #errorOf(state: NativeState): CaptureError | undefined {
    const error = state.error ?? state.writeError;
    return this.#feed?.error ?? (error && fromNativeError(error));
  }

  /** Unless it ends the capture. */
  #tellWriteError({ error, writeError }: NativeState): void {
    if (this.#writeFailed || error || !writeError) return;
    this.#writeFailed = true;
    this.#write?.onError?.(fromNativeError(writeError));
  }

  #tellFinishedFiles({ filesMade = 0, filesFinished = 0 }: NativeState): void {
    while (this.#filesTold < filesFinished) {
      const index = this.#filesTold++;
      this.#write?.onFinished?.(this.#write.pathOf(index), index + 1 === filesMade);
    }
  }

  #warn(state: NativeState): void {
    if (this.#warned || !state.unsupportedLinkTypes) return;
    this.#warned = true;
    warnOfLinkTypes(state.unsupportedLinkTypes, this.#over);
  }

  readonly #abort = (): void => {
    this.#prefetched = [];
    this.#consumer?.discard();
    this.#end({ error: this.#signal?.reason });
  };

  /** Says in the options where to capture what. */
  #follow(target: ProcessTarget, native: NativeOptions): SocketFollower {
    const follower = new SocketFollower(target);
    native.netns = follower.networkNamespace;
    native.endpoints = follower.endpoints;
    return follower;
  }

  /** The one way out, whether by the end of the input, an error, close() or the signal. */
  #end(failure: { error: unknown } | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    this.#signal?.removeEventListener('abort', this.#abort);
    if (this.#turn) clearImmediate(this.#turn);
    this.#feed?.cancel();
    this.#follower?.stop();
    if (this.#session) {
      this.#session.close();
      this.#lastStats = this.#session.stats();
      const state = this.#session.state();
      this.#warn(state);
      this.#tellWriteError(state);
      this.#tellFinishedFiles(state);
    }
    this.#decoder.end();
    this.#failReady(failure ? failure.error : closedEarly());
    this.#consumer?.settle();
  }

  #failReady(error: unknown): void {
    this.#settleReady?.reject(error);
    this.#settleReady = undefined;
  }
}

function startingError(error: unknown): CaptureError {
  if (error instanceof CaptureError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new CaptureError('ERR_CAPTURE', `The capture could not be started: ${reason}`, { cause: error });
}

function closedEarly(): CaptureError {
  return new CaptureError('ERR_CLOSED', 'The tap was closed or stopped before it captured anything');
}
