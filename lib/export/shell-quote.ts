import { isUtf8 } from 'node:buffer';

const plainWord = /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/;

/** Escaped: control characters, and what changes how other text is shown (bidirectional controls and the like). */
const unprintable = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;
const escaped = /[\\'!\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/**
 * Bytes as one word for bash: bare, in single quotes, or in `$'…'` when there is something that cannot be seen (bash(1), QUOTING). What
 * is UTF-8 stands as text, other bytes as escapes. There can be no NUL.
 */
export function quote(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isUtf8(buffer)) {
    return `$'${buffer.toString('latin1').replace(/[^ -~]|[\\'!]/g, (byte) => hexEscapes(Buffer.from(byte, 'latin1')))}'`;
  }
  const text = buffer.toString('utf8');
  if (plainWord.test(text)) return text;
  if (!unprintable.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  return `$'${text.replace(escaped, (character) => shortEscapes[character] ?? hexEscapes(Buffer.from(character)))}'`;
}

const shortEscapes: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
  "'": "\\'",
};

/** Two digits each, as many as bash takes, so that a digit may follow. */
function hexEscapes(bytes: Buffer): string {
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
