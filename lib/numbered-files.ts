/** Names of outputs of which there are several, one after the other. */
import { readdirSync } from 'node:fs';
import path from 'node:path';

/** What a file may have behind its name when it is compressed. */
const compressed = ['.gz', '.zst'];

/** `day-0001.har` for `day.har`. */
export function numberedFile(file: string, number: number): string {
  const { dir, name, ext } = path.parse(file);
  return path.join(dir, `${name}-${String(number).padStart(4, '0')}${ext}`);
}

/** The highest number of those that {@link numberedFile} names and that are there, be they compressed; 0 when there are none. */
export function lastNumberOf(file: string): number {
  return found(file).reduce((highest, [, number]) => Math.max(highest, number), 0);
}

/** Those that {@link numberedFile} names and that are there. */
export function numberedFilesOf(file: string): string[] {
  return found(file).map(([name]) => path.join(path.dirname(file), name));
}

function found(file: string): [name: string, number: number][] {
  const { dir, name, ext } = path.parse(file);
  return namesIn(dir || '.').flatMap((one): [string, number][] => {
    if (!one.startsWith(`${name}-`)) return [];
    const [, digits, rest] = /^(\d{4,15})(.*)$/s.exec(one.slice(name.length + 1)) ?? [];
    const isOurs = rest === ext || compressed.some((suffix) => rest === ext + suffix);
    return isOurs ? [[one, Number(digits)]] : [];
  });
}

/** A folder that cannot be listed may take files all the same. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
