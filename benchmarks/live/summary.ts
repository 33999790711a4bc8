/** Medians of rounds, as they are printed. */
import { median, rate, short } from '../table.js';
import type { Round } from './round.js';
import type { Tool } from './tools.js';

export interface LiveRow {
  tool: Tool;
  requests: number;
  /** Of the requests and responses that were served, the greatest of all rounds, as is what was dropped: a median would hide them. */
  missedRequests: number | undefined;
  missedResponses: number | undefined;
  kernelDropped: number | undefined;
  messagesDropped: number | undefined;
  cpuPer100k: number;
  perSecond: number;
  /** Of what the load reaches beside bare libpcap in the same round. */
  relative: number;
  failure: string;
}

export function summarizeLive(results: ReadonlyMap<Tool, readonly Round[]>): LiveRow[] {
  const bare = [...results].find(([tool]) => tool.id === 'bare')?.[1] ?? [];
  return [...results].map(([tool, rounds]) => ({
    tool,
    requests: median(rounds.map(({ served }) => served.requests)),
    missedRequests: greatest(rounds.map((round) => round.missedRequests)),
    missedResponses: greatest(rounds.map((round) => round.missedResponses)),
    kernelDropped: greatest(rounds.map(({ seen }) => seen.kernelDropped)),
    messagesDropped: greatest(rounds.map(({ seen }) => seen.messagesDropped)),
    cpuPer100k: median(rounds.map(({ cpuSeconds, served }) => (cpuSeconds / served.requests) * 100_000)),
    perSecond: median(rounds.map(({ served }) => served.perSecond)),
    relative: median(
      rounds.map(({ served }, round) => served.perSecond / (bare[round]?.served.perSecond ?? Number.NaN)),
    ),
    failure: [...new Set(rounds.map(({ failure }) => failure).filter((failure) => failure !== ''))].join('; '),
  }));
}

function greatest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 ? Math.max(...known) : undefined;
}

/** Lines of a table, its head first. */
export function formatLive(rows: readonly LiveRow[]): string[][] {
  const head = ['', 'requests', 'missed: requests', 'responses', 'dropped: packets', 'messages'];
  const lines = [[...head, 'CPU s / 100 k requests', 'load, requests/s', '× bare', 'target']];
  const tcpflow = rows.find(({ tool }) => tool.id === 'tcpflow')?.cpuPer100k ?? Number.NaN;
  for (const row of rows) {
    if (row.failure !== '') {
      lines.push([row.tool.title, `FAILED: ${row.failure}`, ...Array.from({ length: 8 }, () => '')]);
      continue;
    }
    lines.push([
      row.tool.title,
      rate(row.requests),
      missed(row.missedRequests, row.requests),
      missed(row.missedResponses, row.requests),
      count(row.kernelDropped),
      count(row.messagesDropped),
      row.cpuPer100k.toFixed(3),
      rate(row.perSecond),
      short(row.relative),
      row.tool.isOurs ? liveTargets(row, tcpflow) : '',
    ]);
  }
  return lines;
}

function liveTargets(row: LiveRow, tcpflow: number): string {
  const targets: [string, boolean][] = [
    ['all seen', row.missedRequests === 0 && row.missedResponses === 0],
    ['no drops', row.kernelDropped === 0],
    ['load ≥ 0.9', row.relative >= 0.9],
  ];
  if (Number.isFinite(tcpflow)) targets.push(['CPU ≤ tcpflow / 3', row.cpuPer100k <= tcpflow / 3]);
  const failed = targets.filter(([, met]) => !met).map(([name]) => name);
  return failed.length === 0 ? 'met' : `missed: ${failed.join(', ')}`;
}

function count(value: number | undefined): string {
  return value === undefined ? '–' : String(value);
}

function missed(value: number | undefined, of: number): string {
  if (value === undefined) return '–';
  return value === 0 ? '0' : `${value} (${((value / of) * 100).toFixed(1)} %)`;
}
