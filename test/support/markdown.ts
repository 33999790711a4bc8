/** Pages of the documentation, as far as tests look at them. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { top } from './environment.js';

/** @param page path from the top of the checkout: `docs/api.md` */
export function readPage(page: string): string {
  return readFileSync(path.join(top, page), 'utf8');
}

/** What is under a heading, down to the next one of its level or above; '' when there is no such heading. */
export function sectionOf(text: string, heading: string): string {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (start < 0) return '';
  const level = /^#+/.exec(lines[start] as string)?.[0].length ?? 0;
  const end = lines.findIndex((line, at) => at > start && (/^(#+) /.exec(line)?.[1]?.length ?? 9) <= level);
  return lines.slice(start + 1, end < 0 ? undefined : end).join('\n');
}

/** The cells of all rows of tables, without those of headings. */
export function rowsOf(text: string): string[][] {
  return text
    .split('\n')
    .filter(
      (line, at, lines) =>
        /^\|/.test(line) && !/^\|[ :|-]+\|$/.test(line) && !/^\|[ :|-]+\|$/.test(lines[at + 1] ?? ''),
    )
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

/** Names in code spans, without their arguments: `stream` of `stream(options)`. */
export function namesIn(text: string): string[] {
  return [...text.matchAll(/`([\w.]+)(?:\([^`]*\))?`/g)].map(([, name]) => name as string);
}

/** Everything that is code: spans and blocks. */
export function codeOf(text: string): string {
  return [...text.matchAll(/^ *```\w*\n(.*?)^ *```$|`([^`\n]+)`/gms)].map((match) => match[1] ?? match[2]).join('\n');
}

/** Where its links lead within the documentation: `api.md#tap`, `#tap`. */
export function linksOf(text: string): string[] {
  return [...text.replace(/^ *```.*?^ *```$/gms, '').matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target as string)
    .filter((target) => !/^(?:https?|mailto):/.test(target));
}

/** Names by which other pages refer to the headings. */
export function anchorsOf(text: string): string[] {
  const headings = [...text.replace(/^ *```.*?^ *```$/gms, '').matchAll(/^#+ (.*)$/gm)];
  return headings.map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/ /g, '-'),
  );
}

export interface Block {
  /** `docs/api.md:12` */
  where: string;
  page: string;
  line: number;
  /** `ts`, `console`, …; '' for none. */
  language: string;
  code: string;
}

/** Pages for users and developers, by their paths from the top of the checkout. */
export function pages(): string[] {
  const markdown = (folder: string) => readdirSync(path.join(top, folder)).filter((file) => file.endsWith('.md'));
  return [...markdown('.'), ...markdown('docs').map((file) => `docs/${file}`)];
}

/** The blocks of code on a page, in order. */
export function blocksOf(page: string): Block[] {
  const text = readPage(page);
  return [...text.matchAll(/^( *)```(\w*)\n(.*?)^\1```$/gms)].map((match) => {
    const [, indent = '', language = '', code = ''] = match;
    const line = text.slice(0, match.index).split('\n').length;
    return {
      where: `${page}:${line}`,
      page,
      line,
      language,
      code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    };
  });
}
