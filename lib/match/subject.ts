/** What an expression is decided on: a message, as far as it is known, and the other side of its exchange. */
import type { Message } from '../message.js';
import type { Side } from './fields.js';

export interface KnownMessage {
  readonly message: Message;
  /** It is over. Before, only its head counts. */
  readonly ended: boolean;
  /** The decoded body, see bodyText(); null when there is none to look at; undefined when it was not decoded yet. */
  readonly body?: string | null;
}

export interface Subject extends KnownMessage {
  /** The other message of the exchange; null when there will be none; undefined when it may still come. */
  readonly other?: KnownMessage | null;
}

/** That side of the exchange; without a side the message itself. */
export function sideOf(subject: Subject, side: Side | undefined): KnownMessage | null | undefined {
  return side === undefined || side === subject.message.kind ? subject : subject.other;
}

/**
 * What `body` conditions look at: the text of the body with its content codings undone, or as it was sent when that is not
 * possible; null when it is empty or was not kept.
 */
export async function bodyText(message: Message): Promise<string | null> {
  const { body } = message;
  if (body === undefined || body.length === 0) return null;
  try {
    return await message.text();
  } catch {
    return body.toString();
  }
}
