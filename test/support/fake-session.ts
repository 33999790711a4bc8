/** A session without a thread: the test says what it captures and when. */
import type { NativeBatch, NativeOptions, NativeSession, NativeState } from '../../lib/native.js';
import { type CaptureOptions, resolveOptions } from '../../lib/options.js';
import { Tap } from '../../lib/tap.js';
import { type MessageSpec, writeBatch } from './batch-writer.js';

export class FakeSession implements NativeSession {
  readonly options: NativeOptions;
  readonly pushed: Buffer[] = [];
  stopped = 0;
  closed = 0;
  pushedEnd = false;
  parked = false;
  /** What push() answers. */
  wantsMore = true;
  readonly #doorbell: () => void;
  readonly #batches: NativeBatch[] = [];
  #state: NativeState = { phase: 'opening', wantsInput: true };
  #stateIsNew = false;

  constructor(options: NativeOptions, doorbell: () => void) {
    this.options = options;
    this.#doorbell = doorbell;
  }

  /** Something new, from the capture thread. */
  deliver(...specs: MessageSpec[]): void {
    this.#batches.push(writeBatch(specs));
    this.#ring();
  }
  change(state: Partial<NativeState>): void {
    this.#state = { ...this.#state, ...state };
    this.#stateIsNew = true;
    this.#ring();
  }
  start(): void {
    this.change({ phase: 'capturing', info: { interface: 'lo', linkType: 'EN10MB', filter: '', snaplen: 262144 } });
  }
  end(error?: { code: string; message: string }): void {
    this.change(error ? { phase: 'ended', error } : { phase: 'ended' });
  }

  take(): NativeBatch | undefined {
    if (this.closed > 0) throw new Error('take() after close()');
    return this.#batches.shift();
  }
  park(): boolean {
    if (this.closed > 0) throw new Error('park() after close()');
    if (this.parked) throw new Error('park() twice');
    if (this.#batches.length > 0 || this.#stateIsNew) return false;
    this.parked = true;
    return true;
  }
  state(): NativeState {
    this.#stateIsNew = false;
    return this.#state;
  }
  begin(): void {}
  decide(): void {}
  follow(): void {}
  stop(): void {
    this.stopped++;
    this.end();
  }
  close(): void {
    this.closed++;
    this.parked = false;
  }
  stats(): Float64Array {
    return Float64Array.of(7, 3);
  }
  push(chunk: Uint8Array): boolean {
    if (this.closed > 0) throw new Error('push() after close()');
    this.pushed.push(Buffer.from(chunk));
    if (!this.wantsMore) this.#state = { ...this.#state, wantsInput: false };
    return this.wantsMore;
  }
  pushEnd(): void {
    this.pushedEnd = true;
  }

  #ring(): void {
    if (!this.parked) return;
    this.parked = false;
    // As a thread does: later, and from the event loop.
    setImmediate(() => {
      if (this.closed === 0) this.#doorbell();
    });
  }
}

export const fakeCounters: [string, string][] = [
  ['packets', 'received'],
  ['delivery', 'messagesDropped'],
];

/** A tap on a fake session. */
export function fakeTap(options: CaptureOptions = {}): { tap: Tap; session: FakeSession } {
  let session: FakeSession | undefined;
  const tap = new Tap(resolveOptions(options), {
    open: (nativeOptions, doorbell) => {
      session = new FakeSession(nativeOptions, doorbell);
      return session;
    },
    counters: fakeCounters,
  });
  return { tap, session: session as FakeSession };
}

/** A GET and its answer. */
export function exchange(id: number, path = `/${id}`): [MessageSpec, MessageSpec] {
  return [
    { id, head: `GET ${path} HTTP/1.1\nHost: example.org`, body: '' },
    { id: id + 1, requestId: id, head: 'HTTP/1.1 200 OK\nContent-Type: text/plain', body: `answer to ${path}` },
  ];
}

/** How many listeners of the signal there are, of those that come from now on. */
export function countListeners(signal: AbortSignal): () => number {
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  return () => listeners;
}
