/** What every output of the command is: something that takes messages or exchanges one after the other. */
import type { TextWriter } from '../../command-entry.js';
import type { DetachedMessage, Exchange, Message, MessageHeaders, ResponseMessage } from '../../index.js';
import type { Output } from '../output.js';

interface PrintedCommon
  extends Pick<
      Message,
      'id' | 'connection' | 'startTime' | 'head' | 'body' | 'wireBody' | 'bodyLength' | 'bodyTruncated'
    >,
    Pick<Message, 'integrity' | 'missingBytes' | 'conflict' | 'suspicious' | 'bytes'> {
  readonly headers: Pick<MessageHeaders, 'get'>;
  readonly trailers: Pick<MessageHeaders, 'raw'>;
  detach(): DetachedMessage;
  toJSON(): unknown;
}

/** What printers read of a message: one that was captured, or one without its secrets. */
export type PrintedMessage =
  | (PrintedCommon & { readonly kind: 'request' })
  | (PrintedCommon & Pick<ResponseMessage, 'kind' | 'status' | 'requestId' | 'request'>);

export interface Printer {
  /**
   * Writes one message to the printer's output. Returns a promise only when content has to be decoded first; the next message
   * must wait for it.
   * @param asked start of the request that it answers, where the message itself cannot tell
   */
  print?(message: PrintedMessage, asked?: bigint): void | Promise<void>;
  /** What writes the same as `print()`, many times as fast, of most messages; or what `printExchange()` needs of each exchange. */
  readonly writer?: TextWriter | undefined;
  /** Where that goes. */
  readonly output?: Pick<Output, 'pending'>;
  /** The writer has written something there. */
  written?(): void;
  /** Writes one exchange; a promise when the next one must wait. */
  printExchange?(exchange: Exchange): void | Promise<void>;
  /** Writes what belongs behind everything else. */
  end?(): void | Promise<void>;
}
