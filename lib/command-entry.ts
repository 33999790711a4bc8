/** What the command needs besides the public entry, and nobody else should rely on. */
export { lastNumberOf, numberedFile, numberedFilesOf } from './numbered-files.js';
export { isSameFile } from './same-file.js';
export { TextWriter } from './text-writer.js';
