/** Pumps a stream of capture bytes, compressed or not, into a session, no faster than the session takes them. */
import { decompress } from './compressed.js';
import { CaptureError } from './errors.js';
import type { NativeSession } from './native.js';
import type { ByteStream, ReadableStreamLike } from './options.js';

/** A large chunk is handed over in parts, so that it cannot fill memory a second time. */
const maxPushBytes = 1024 * 1024;

interface Input {
  /** undefined at the end. */
  read(): Promise<unknown>;
  /** Ends reading, whatever read() is doing. */
  cancel(): void;
}

export class Feed {
  readonly #session: NativeSession;
  #input: Input | undefined;
  #cancelled = false;
  #resume: (() => void) | undefined;
  #error: CaptureError | undefined;

  /** @param name for messages */
  constructor(session: NativeSession, stream: ByteStream, name: string) {
    this.#session = session;
    void this.#pump(stream, name);
  }

  /** Why the stream ended early. */
  get error(): CaptureError | undefined {
    return this.#error;
  }

  /** True while the session's `wantsInput` is waited for. */
  get waiting(): boolean {
    return this.#resume !== undefined;
  }

  /** Call it when the session wants input again. */
  resume(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  /** Ends reading and destroys the stream. The session can be gone afterwards. */
  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#input?.cancel();
    this.resume();
  }

  async #pump(stream: ByteStream, name: string): Promise<void> {
    try {
      const input = openInput(stream);
      this.#input = input;
      for await (const bytes of decompress(chunksOf(input), name)) {
        if (this.#cancelled) return;
        for (let at = 0; at < bytes.length; at += maxPushBytes) {
          const wantsMore = this.#session.push(bytes.subarray(at, at + maxPushBytes));
          if (!wantsMore) await new Promise<void>((resolve) => (this.#resume = resolve));
          if (this.#cancelled) return;
        }
      }
    } catch (error) {
      if (this.#cancelled) return;
      this.#error =
        error instanceof CaptureError
          ? error
          : new CaptureError(
              'ERR_FILE',
              `Reading ${name} failed: ${error instanceof Error ? error.message : String(error)}`,
              { cause: error },
            );
      this.#input?.cancel();
    }
    if (this.#cancelled) return;
    // What is inside is still delivered.
    this.#session.pushEnd();
  }
}

function openInput(stream: ByteStream): Input {
  if (Symbol.asyncIterator in stream && !('getReader' in stream)) return openIterable(stream);
  const reader = (stream as ReadableStreamLike).getReader();
  return {
    async read() {
      const { done, value } = await reader.read();
      return done ? undefined : value;
    },
    cancel() {
      reader.cancel().catch(ignore);
    },
  };
}

function openIterable(stream: AsyncIterable<Uint8Array>): Input {
  const iterator = stream[Symbol.asyncIterator]();
  return {
    async read() {
      const { done, value } = await iterator.next();
      return done ? undefined : value;
    },
    cancel() {
      // return() of a Readable's iterator waits for the read under way, which may never end; destroy() does not.
      const { destroy } = stream as { destroy?: unknown };
      if (typeof destroy === 'function') destroy.call(stream);
      else Promise.resolve(iterator.return?.()).catch(ignore);
    },
  };
}

async function* chunksOf(input: Input): AsyncIterable<Uint8Array> {
  for (;;) {
    const chunk = await input.read();
    if (chunk === undefined) return;
    yield toBytes(chunk);
  }
}

function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new CaptureError(
    'ERR_FILE',
    `The stream gave a ${chunk === null ? 'null' : typeof chunk} instead of bytes; capture files are binary, so set no encoding on it`,
  );
}

function ignore(): void {}
