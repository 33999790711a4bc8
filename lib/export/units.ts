/** Numbers in few characters, for columns. */

/** `340us`, `2.5ms`, `12.3s`, `75min`; `-` for what is not known. */
export function shortMs(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '-';
  if (ms < 0.9995) return `${Math.round(ms * 1000)}us`;
  if (ms < 999.5) return `${threeDigits(ms)}ms`;
  const seconds = ms / 1000;
  return seconds < 999.5 ? `${threeDigits(seconds)}s` : `${Math.round(seconds / 60)}min`;
}

/** `120`, `4.5k`, `12.3M`: thousands, as sizes on the wire are told. */
export function shortBytes(bytes: number): string {
  let value = bytes;
  for (const unit of ['', 'k', 'M', 'G']) {
    if (value < 999.5) return unit === '' ? String(value) : `${threeDigits(value)}${unit}`;
    value /= 1000;
  }
  return `${threeDigits(value)}T`;
}

function threeDigits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
