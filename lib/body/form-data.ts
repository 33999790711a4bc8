/** Bodies of HTML forms. */
import { CaptureError } from '../errors.js';

/** Parses `multipart/form-data` (RFC 7578) and `application/x-www-form-urlencoded`, as `Response.formData()` does. Rejects with ERR_DECODE. */
export async function parseFormData(bytes: Uint8Array, contentType: string | null): Promise<FormData> {
  try {
    return await new Response(bytes, { headers: { 'content-type': contentType ?? '' } }).formData();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CaptureError(
      'ERR_DECODE',
      `The body is not a form (Content-Type: ${contentType ?? 'none'}; ${reason}); the property body has the bytes as sent`,
      { cause: error },
    );
  }
}
