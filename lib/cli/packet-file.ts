/** `--write FILE`: the packets of the connections whose messages are shown. */
import type { CaptureError, WriteOptions, WriteStats } from '../index.js';
import { formatAmount } from './format.js';
import { sanitizeLine } from './terminal.js';

/** The library writes it; here is what becomes of it. */
export class PacketFile {
  /** Of the capture. */
  readonly options: WriteOptions;
  #error: CaptureError | undefined;
  #tell: ((error: CaptureError) => void) | undefined;

  constructor(file: string) {
    this.options = {
      file,
      // It was made, or may be replaced.
      replace: true,
      onError: (error) => {
        this.#error = error;
        this.#tell?.(error);
      },
    };
  }

  /** Called once, when nothing more can be written. */
  onFailure(tell: (error: CaptureError) => void): void {
    this.#tell = tell;
  }

  get failed(): boolean {
    return this.#error !== undefined;
  }

  /** It was told already. */
  isFailure(error: unknown): boolean {
    return this.#error !== undefined && (error as Error | undefined)?.message === this.#error.message;
  }

  report({ packets, connections, packetsLetGo }: WriteStats): string[] {
    const file = sanitizeLine(this.options.file);
    const lines = this.failed
      ? []
      : [`wrote ${formatAmount(packets, 'packet')} of ${formatAmount(connections, 'connection')} to ${file}`];
    if (packetsLetGo > 0) {
      lines.push(`${formatAmount(packetsLetGo, 'packet')} not written to ${file}: too many waited for a match`);
    }
    return lines;
  }
}
