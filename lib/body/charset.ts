/** Bytes as text. */
import { TextDecoder } from 'node:util';

const charsetParameter = /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;"]+))/i;
const decoders = new Map<string, TextDecoder>();

/**
 * Bytes as text: by their byte order mark, by the charset parameter of Content-Type, as UTF-8 when there is none or it is unknown.
 * What is not valid becomes U+FFFD, and a byte order mark is removed.
 */
export function decodeText(bytes: Uint8Array, contentType: string | null): string {
  return (markedDecoder(bytes) ?? declaredDecoder(contentType) ?? decoderFor('utf-8')).decode(bytes);
}

function markedDecoder(bytes: Uint8Array): TextDecoder | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decoderFor('utf-16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return decoderFor('utf-16be');
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return decoderFor('utf-8');
  return undefined;
}

function declaredDecoder(contentType: string | null): TextDecoder | undefined {
  const match = contentType === null ? null : charsetParameter.exec(contentType);
  if (match === null) return undefined;
  try {
    return decoderFor((match[1] ?? match[2] ?? '').trim().toLowerCase());
  } catch {
    return undefined;
  }
}

/** Throws a RangeError for an unknown label, so that only the few hundred labels of the Encoding standard are ever remembered. */
function decoderFor(label: string): TextDecoder {
  let decoder = decoders.get(label);
  if (decoder === undefined) {
    decoder = new TextDecoder(label);
    decoders.set(label, decoder);
  }
  return decoder;
}
