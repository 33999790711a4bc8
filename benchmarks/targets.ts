/** How fast it is meant to be: CPU time of another row divided by that of this row, at least. */
import type { WorkloadName } from './workloads/truth.js';

export interface Target {
  row: string;
  /** The row that it is compared with. */
  against: string;
  ratio: number;
}

const against = (other: string, rows: Record<string, number>): Target[] =>
  Object.entries(rows).map(([row, ratio]) => ({ row, against: other, ratio }));

export const targets: Record<WorkloadName, Target[]> = {
  api: [
    ...against('tcpflow', { pipeline: 18, fields: 10, headers: 5, batches: 12, json: 3, console: 2 }),
    ...against('libtins', { pipeline: 4 }),
    // At most 1.3 times its cost.
    ...against('pipeline-bodyless', { 'pipeline-match': 0.77 }),
  ],
  bulk: [
    ...against('tcpflow', { pipeline: 20, everything: 15 }),
    ...against('pcap-aligned', { 'pipeline-bodyless': 1 }),
  ],
  short: against('tcpflow', { pipeline: 30, fields: 14 }),
  hostile: against('tcpflow', { pipeline: 14, fields: 9 }),
  many: against('tcpflow', { pipeline: 18, fields: 12 }),
  noise: against('pcap-aligned', { pipeline: 1, fields: 1 }),
};
