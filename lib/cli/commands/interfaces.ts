/** `flowtap interfaces`: what can be captured on. */
import { type InterfaceInfo, interfaces } from '../../index.js';
import type { ListFlags } from '../flags.js';
import { linkTypeName } from '../summary.js';
import type { Terminal } from '../terminal.js';
import { showList } from './list.js';

/** The others are counted. */
const shownAddresses = 2;

const columns = ['interface', 'state', 'addresses', 'capture'].map((heading) => ({ heading }));

export async function runInterfaces(flags: ListFlags, terminal: Terminal): Promise<number> {
  const items = await interfaces();
  // The same is to be done about all.
  const refusal = items.find(({ error }) => error?.code === 'ERR_PERMISSION')?.error;
  const notes = items.length === 0 ? ['libpcap sees no interface at all'] : refusal ? [refusal.message] : [];
  return showList({ items, columns, row: rowOf, json: jsonOf, notes }, flags, terminal);
}

function rowOf({ name, addresses, up, running, loopback, linkType, error }: InterfaceInfo): string[] {
  const state = [up ? 'up' : 'down', ...(up && !running ? ['no carrier'] : []), ...(loopback ? ['loopback'] : [])];
  const more = addresses.length - shownAddresses;
  const shown = [...addresses.slice(0, shownAddresses), ...(more > 0 ? [`+${more}`] : [])];
  return [name, state.join(', '), shown.join(' ') || '-', error ? reasonOf(error) : linkTypeName(linkType ?? '')];
}

function reasonOf({ code, message }: NonNullable<InterfaceInfo['error']>): string {
  return code === 'ERR_PERMISSION' ? 'not permitted' : message;
}

function jsonOf({ error, ...rest }: InterfaceInfo): unknown {
  return { ...rest, ...(error && { error: { code: error.code, message: error.message } }) };
}
