/** What of a message goes into the file of its body. */
import type { Message } from '../message.js';

export interface BodyBytes {
  bytes: Buffer;
  /** What is to be said of it. */
  note: string | undefined;
}

/** With its content codings undone, or as it was sent where that is not possible. */
export async function decodedBody(message: Message): Promise<BodyBytes> {
  try {
    return { bytes: await message.bytes(), note: noteOn(message) };
  } catch (error) {
    return sentBody(message, `as sent: ${(error as Error).message}`);
  }
}

export function sentBody(message: Message, because?: string): BodyBytes {
  return { bytes: message.body ?? Buffer.alloc(0), note: noteOn(message, because) };
}

function noteOn({ bodyTruncated, integrity }: Message, because?: string): string | undefined {
  const notes = [
    because,
    bodyTruncated ? 'cut: longer than what is kept of a body' : undefined,
    integrity === 'complete' ? undefined : `not complete: ${integrity}`,
  ].filter((note) => note !== undefined);
  return notes.length === 0 ? undefined : notes.join('; ');
}
