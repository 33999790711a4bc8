/** The real captures, which are kept beside the project. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { top } from './environment.js';

const folder = path.join(top, '../shared/corpus/pcaps');

/** Paths of all capture files; none where the corpus is not there. */
export function corpusCaptures(): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(pcap|pcapng|cap)$/.test(file))
      .map((file) => path.join(folder, file));
  } catch {
    return [];
  }
}
