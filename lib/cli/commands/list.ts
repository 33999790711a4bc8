/** What the commands that list something have in common: a table for people, NDJSON for programs. */
import { ExitCode } from '../exit.js';
import type { ListFlags } from '../flags.js';
import { Output } from '../output.js';
import { type Column, formatTable } from '../table.js';
import { sanitizeJson, sanitizeLine, sizeOf, type Terminal } from '../terminal.js';

export interface List<T> {
  items: readonly T[];
  columns: readonly Column[];
  row(item: T): string[];
  json(item: T): unknown;
  /** For people, behind the table, on standard error. */
  notes: readonly string[];
}

export async function showList<T>(list: List<T>, { json }: ListFlags, terminal: Terminal): Promise<number> {
  const { stdout, stderr } = terminal;
  const output = new Output(stdout);
  if (json) {
    for (const item of list.items) {
      const line = JSON.stringify(list.json(item));
      output.pending.text(`${stdout.isTTY ? sanitizeJson(line) : line}\n`);
    }
  } else if (list.items.length > 0) {
    output.pending.text(formatTable(list.columns, list.items.map(list.row), sizeOf(stdout)?.columns));
  }
  await output.finish();
  for (const note of json ? [] : list.notes) stderr.write(`flowtap: ${sanitizeLine(note)}\n`);
  if (output.error) throw new Error(`cannot write the output: ${output.error.message}`);
  return ExitCode.ok;
}
