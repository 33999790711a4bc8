/** What every output of the command is: something that takes messages one after the other. */
import type { Message } from '../../index.js';

export interface Printer {
  /**
   * Writes one message to the printer's output. Returns a promise only when content has to be decoded first; the next message
   * must wait for it.
   */
  print(message: Message): void | Promise<void>;
  /** Writes what belongs behind the last message. */
  end?(): void | Promise<void>;
}
