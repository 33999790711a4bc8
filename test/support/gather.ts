/** Reads a tap in the background. */
import assert from 'node:assert/strict';
import type { Message, Tap } from '../../lib/index.js';
import { within } from './environment.js';

export class Gatherer {
  readonly messages: Message[] = [];
  readonly #tap: Tap;
  readonly #done: Promise<void>;
  #wake: (() => void) | undefined;
  #failure: unknown;

  constructor(tap: Tap) {
    this.#tap = tap;
    this.#done = this.#read();
  }

  async #read(): Promise<void> {
    try {
      for await (const message of this.#tap) {
        this.messages.push(message);
        this.#wake?.();
      }
    } catch (error) {
      this.#failure = error;
    }
    this.#wake?.();
  }

  /** Waits for so many messages, then stops the tap and takes what is left. Fails when they do not come in time. */
  async finish(count: number, ms = 10_000): Promise<Message[]> {
    const enough = async () => {
      while (this.messages.length < count && this.#failure === undefined)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    };
    try {
      await within(enough(), `${count} messages`, ms);
    } catch (error) {
      const { packets, tcp, http, delivery } = this.#tap.stats();
      const counters = JSON.stringify({ packets, tcp, http, delivery });
      assert.fail(`${(error as Error).message}: there were ${this.messages.length}; ${counters}`);
    } finally {
      await this.#tap.stop();
      await within(this.#done, 'the end after stop()');
    }
    if (this.#failure !== undefined) throw this.#failure;
    return this.messages;
  }
}
