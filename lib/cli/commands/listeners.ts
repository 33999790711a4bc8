/** `flowtap listeners`: who listens on which TCP port. */
import { type Listener, listeners } from '../../index.js';
import { waysToPermit } from '../../system/permission-advice.js';
import type { ListFlags } from '../flags.js';
import { formatAmount, shortContainerId } from '../format.js';
import type { Column } from '../table.js';
import type { Terminal } from '../terminal.js';
import { showList } from './list.js';

interface ListenerColumn extends Column {
  cell(listener: Listener): string;
}

export async function runListeners(flags: ListFlags, terminal: Terminal): Promise<number> {
  const items = await listeners();
  const columns = columnsFor(items);
  const row = (listener: Listener) => columns.map(({ cell }) => cell(listener));
  return showList({ items, columns, row, json: (listener) => listener, notes: notesOn(items) }, flags, terminal);
}

function columnsFor(items: readonly Listener[]): ListenerColumn[] {
  const columns: ListenerColumn[] = [
    { heading: 'port', right: true, cell: ({ port }) => String(port) },
    { heading: 'address', cell: ({ address }) => address },
    { heading: 'pid', right: true, cell: ({ processes: [first] }) => String(first?.pid ?? '-') },
    { heading: 'process', cell: nameOf },
  ];
  if (items.some(({ processes }) => processes.some(({ containerId }) => containerId !== undefined))) {
    columns.push({
      heading: 'container',
      cell: ({ processes: [first] }) => shortContainerId(first?.containerId ?? '-'),
    });
  }
  if (items.some(({ sameNamespace }) => !sameNamespace)) {
    columns.push({ heading: 'network', cell: ({ sameNamespace }) => (sameNamespace ? 'here' : 'other') });
  }
  columns.push({ heading: 'command', cell: ({ processes: [first] }) => first?.commandLine ?? '-' });
  return columns;
}

/** `nginx`, `nginx +3` with others that share the port. */
function nameOf({ processes: [first, ...others] }: Listener): string {
  if (first === undefined) return '-';
  return others.length === 0 ? first.name : `${first.name} +${others.length}`;
}

function notesOn(items: readonly Listener[]): string[] {
  if (items.length === 0) return ['nobody listens'];
  const notes: string[] = [];
  const unknown = items.filter(({ processes }) => processes.length === 0).length;
  if (unknown > 0) {
    const way = process.getuid?.() === 0 ? '' : `: ${waysToPermit('seeSockets')[0]}`;
    notes.push(`${formatAmount(unknown, 'listener')} whose process cannot be seen${way}`);
  }
  if (items.some(({ sameNamespace }) => !sameNamespace)) {
    notes.push('other networks, such as containers have, are captured with --pid');
  }
  return notes;
}
