/** Where the text of an archive goes. Everything rejects with a CaptureError `ERR_FILE`. */
import { type FileHandle, open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { CaptureError } from '../errors.js';

export interface Sink {
  /** Resolves when there is room for more. */
  write(text: string): Promise<void>;
  /** Writes the footer; resolves when everything is through. */
  end(): Promise<void>;
}

/** Pipes and devices cannot go back: they get the footer at the end. */
export async function openFile(path: string, footer: string): Promise<Sink> {
  try {
    const file = await open(path, 'w');
    if ((await file.stat()).isFile()) return new FileSink(file, Buffer.from(footer), path);
    return new StreamSink(file.createWriteStream(), footer, path);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/** A file that has the footer after every write, over which the next one writes. */
class FileSink implements Sink {
  #position = 0;

  constructor(
    private readonly file: FileHandle,
    private readonly footer: Buffer,
    private readonly path: string,
  ) {}

  async write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    try {
      await this.#writeAt(Buffer.concat([bytes, this.footer]), this.#position);
    } catch (error) {
      throw cannotWrite(this.path, error);
    }
    this.#position += bytes.length;
  }

  async end(): Promise<void> {
    try {
      await this.file.close();
    } catch (error) {
      throw cannotWrite(this.path, error);
    }
  }

  async #writeAt(bytes: Buffer, position: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      at += (await this.file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
    }
  }
}

export class StreamSink implements Sink {
  #error: Error | undefined;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(
    private readonly stream: Writable,
    private readonly footer: string,
    private readonly name = 'the stream',
  ) {
    stream.on('error', (error) => {
      this.#error ??= error;
      this.#wake?.();
    });
    stream.on('close', () => {
      this.#closed = true;
      this.#wake?.();
    });
    stream.on('drain', () => this.#wake?.());
  }

  async write(text: string): Promise<void> {
    this.#check();
    if (!this.stream.write(text)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#check();
  }

  async end(): Promise<void> {
    this.#check();
    await new Promise<void>((resolve) => {
      const done = (error?: Error | null) => {
        this.#error ??= error ?? undefined;
        resolve();
      };
      this.#wake = resolve;
      const isStandard = this.stream === process.stdout || this.stream === process.stderr;
      if (isStandard) this.stream.write(this.footer, done);
      else this.stream.end(this.footer, done);
    });
    if (this.#error !== undefined) throw cannotWrite(this.name, this.#error);
  }

  #check(): void {
    if (this.#error !== undefined) throw cannotWrite(this.name, this.#error);
    if (this.#closed || this.stream.writableEnded) throw cannotWrite(this.name, new Error('it was closed'));
  }
}

function cannotWrite(name: string, error: unknown): CaptureError {
  const reason = error instanceof Error ? error.message : String(error);
  return new CaptureError('ERR_FILE', `Cannot write the archive to ${name}: ${reason}`, { cause: error });
}
