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

export class Engine<B extends { readonly length: number }> implements BatchSource<B> {
  readonly ready: Promise<void>;
  readonly #decoder: Decoder<unknown, B, unknown>;
  readonly #signal: AbortSignal | undefined;
  readonly #session: NativeSession | undefined;
  readonly #feed: Feed | undefined;
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
  #lastStats: Float64Array | undefined;

  constructor(options: ResolvedOptions, parts: EngineParts, decoder: Decoder<unknown, B, unknown>) {
    this.#decoder = decoder;
    this.#signal = options.signal;
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
      this.#session = parts.open(options.native, () => this.#ring());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#end({
        error: new CaptureError('ERR_CAPTURE', `The capture could not be started: ${reason}`, { cause: error }),
      });
      return;
    }
    if (options.stream) this.#feed = new Feed(this.#session, options.stream, () => this.#update());
    this.#signal?.addEventListener('abort', this.#abort, { once: true });
  }

  get over(): boolean {
    return this.#over;
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
    this.#consumer = consumer;
    return true;
  }

  stop(): void {
    if (this.#over) return;
    this.#session?.stop();
    this.#feed?.cancel();
  }

  async close(): Promise<void> {
    // Also what the consumer was not told yet.
    this.#failure = undefined;
    this.#consumer?.discard();
    this.#end(undefined);
  }

  take(): B | undefined {
    const session = this.#session;
    if (this.#over || session === undefined || this.#batchesThisTurn >= batchesPerTurn) return undefined;
    let taken = session.take();
    if (taken === undefined) {
      const state = this.#update();
      if (state.phase !== 'ended') return undefined;
      // The last batch may have come between the two calls; after the state none does.
      taken = session.take();
      if (taken === undefined) {
        const error = this.#feed?.error ?? (state.error && fromNativeError(state.error));
        this.#end(error && { error });
        return undefined;
      }
    } else if (this.#feed?.waiting) {
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
    if (this.#readyWanted && this.#settleReady) this.wait();
  }

  /** Asks the session how it is and passes on what is new. */
  #update(): NativeState {
    const state: NativeState = this.#session?.state() ?? { phase: 'ended', wantsInput: false };
    if (state.info) this.#info = state.info;
    if (this.#settleReady) this.#tryReady(this.#settleReady, state);
    if (state.wantsInput) this.#feed?.resume();
    return state;
  }

  #tryReady(ready: { resolve(): void; reject(error: unknown): void }, state: NativeState): void {
    // A stream captures when its first bytes have come: before, nobody knows whether its sender works.
    const waiting = state.phase === 'opening' || (state.phase === 'capturing' && this.#feed && !this.#feed.started);
    if (waiting) return;
    this.#settleReady = undefined;
    const error =
      state.phase === 'ended' ? (this.#feed?.error ?? (state.error && fromNativeError(state.error))) : undefined;
    // A short file can have come and gone, and its end been damaged: that it was opened shows in the link type.
    if (error === undefined || state.info?.linkType) ready.resolve();
    else ready.reject(error);
  }

  readonly #abort = (): void => {
    this.#consumer?.discard();
    this.#end({ error: this.#signal?.reason });
  };

  /** The one way out, whether by the end of the input, an error, close() or the signal. */
  #end(failure: { error: unknown } | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    this.#signal?.removeEventListener('abort', this.#abort);
    if (this.#turn) clearImmediate(this.#turn);
    this.#feed?.cancel();
    if (this.#session) {
      this.#session.close();
      this.#lastStats = this.#session.stats();
    }
    this.#decoder.end();
    this.#settleReady?.reject(
      failure ? failure.error : new CaptureError('ERR_CLOSED', 'The tap was closed before it captured anything'),
    );
    this.#settleReady = undefined;
    this.#consumer?.settle();
  }
}
