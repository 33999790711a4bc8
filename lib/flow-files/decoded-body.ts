import type { Message } from '../message.js';

/** The body with its content codings undone, or as it was sent where that is not possible; and what is to be said of it. */
export async function decodedBody(message: Message): Promise<{ bytes: Buffer; note: string | undefined }> {
  const notes: string[] = [];
  let bytes: Buffer;
  try {
    bytes = await message.bytes();
  } catch (error) {
    bytes = message.body ?? Buffer.alloc(0);
    notes.push(`as sent: ${(error as Error).message}`);
  }
  if (message.bodyTruncated) notes.push('cut: longer than what is kept of a body');
  if (message.integrity !== 'complete') notes.push(`not complete: ${message.integrity}`);
  return { bytes, note: notes.length === 0 ? undefined : notes.join('; ') };
}
