/**
 * Text of a message, a character a byte, for one line of a terminal or log: whatever is not printable ASCII becomes `\xHH`, and so does the
 * backslash, so that nothing else can look like it.
 */
export function toPrintable(text: string): string {
  return text.replace(/[^ -[\]-~]/g, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** At most `width` characters; an ellipsis stands for what was cut. */
export function fit(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
