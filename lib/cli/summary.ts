/** What the command says on standard error besides errors: what it listens to, and at the end what it saw and what it could not read. */
import type { CaptureStats, Message } from '../index.js';
import type { CaptureFlags } from './flags.js';
import { formatAmount, formatCount } from './format.js';
import { sanitizeLine } from './terminal.js';

/** libpcap's names of link types, as people say them. */
const linkTypes: Record<string, string> = {
  EN10MB: 'Ethernet',
  LINUX_SLL: 'Linux cooked v1',
  LINUX_SLL2: 'Linux cooked v2',
  NULL: 'BSD loopback',
  LOOP: 'OpenBSD loopback',
  RAW: 'raw IP',
  IEEE802_11: '802.11',
  IEEE802_11_RADIO: '802.11 with radiotap',
  PPP: 'PPP',
  PPP_ETHER: 'PPPoE',
  PPP_SERIAL: 'PPP in HDLC',
  NFLOG: 'Netfilter log',
};

export function linkTypeName(linkType: string): string {
  return linkTypes[linkType] ?? sanitizeLine(linkType);
}

function listOf(words: readonly (string | number)[], conjunction: string): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${conjunction} ${words.at(-1)}`;
}

/** `port 8000`, `ports 80 and 8080, filter "host 10.1.2.3"`, '' when nothing was asked for. */
function selectionOf(flags: Pick<CaptureFlags, 'ports' | 'expression'>): string {
  const parts: string[] = [];
  if (flags.ports.length > 0) parts.push(`port${flags.ports.length > 1 ? 's' : ''} ${listOf(flags.ports, 'and')}`);
  if (flags.expression !== '') parts.push(`filter "${sanitizeLine(flags.expression)}"`);
  return parts.join(', ');
}

/** ` in the network namespace blue`, ` for processes named ruby`, '' when nothing was asked for. */
function placeOf({ pid, process, netns }: Pick<CaptureFlags, 'pid' | 'process' | 'netns'>): string {
  if (pid !== undefined) return ` for process ${pid}`;
  if (process !== undefined) return ` for processes named ${sanitizeLine(process)}`;
  if (netns === undefined) return '';
  return ` in the network namespace ${typeof netns === 'number' ? `of process ${netns}` : sanitizeLine(netns)}`;
}

/** `listening on any (Linux cooked v2), port 8000`, `reading incident.pcapng, port 8000`. */
export function describeSource(
  flags: CaptureFlags,
  info: { interface: string; linkType: string } | undefined,
  match = '',
): string {
  const selection = selectionOf(flags);
  const wanted = match === '' ? '' : `, where ${sanitizeLine(match)}`;
  const what = (() => {
    if (flags.read === '-') return 'reading standard input';
    if (flags.read !== undefined) return `reading ${sanitizeLine(flags.read)}`;
    const linkType = info?.linkType ?? '';
    const name = sanitizeLine(info?.interface || flags.interfaces.join(', ') || 'the default interface');
    return `listening on ${name}${linkType === '' ? '' : ` (${linkTypeName(linkType)})`}${placeOf(flags)}`;
  })();
  return `${what}, ${selection === '' ? 'every TCP port' : selection}${wanted}`;
}

/** What the command itself counts while messages pass. */
export class Tally {
  requests = 0;
  responses = 0;
  exchanges = 0;
  /** Messages that came, also those that are not shown. */
  seen = 0;
  /** Of all: with a gap, truncated or aborted. */
  incomplete = 0;
  /** Of all: `--max-body` cut what was kept of the body. */
  cut = 0;

  add(message: Message): void {
    if (message.kind === 'request') this.requests++;
    else this.responses++;
    if (message.integrity !== 'complete') this.incomplete++;
    if (message.bodyTruncated) this.cut++;
  }

  /** Messages that were written natively. */
  addAll(written: Pick<Tally, 'exchanges' | 'requests' | 'responses' | 'incomplete' | 'cut'>): void {
    this.exchanges += written.exchanges;
    this.seen += written.requests + written.responses;
    this.requests += written.requests;
    this.responses += written.responses;
    this.incomplete += written.incomplete;
    this.cut += written.cut;
  }

  get messages(): number {
    return this.requests + this.responses;
  }
}

/** Lines for the end of a run. What was not seen, and why, so that silence is never a riddle. */
export function summarize(flags: CaptureFlags, tally: Tally, stats: CaptureStats): string[] {
  const { packets, decode, tcp, http, delivery } = stats;
  const lines = [
    `${formatAmount(tally.messages, 'message')} (${formatAmount(tally.requests, 'request')}, ${formatAmount(tally.responses, 'response')}), ` +
      `${formatAmount(packets.received, 'packet')}`,
  ];
  const unmatched = http.messagesNotSelected + delivery.messagesNotMatched;
  if (unmatched > 0) lines.push(`${formatAmount(unmatched, 'message')} did not match`);
  if (tally.incomplete > 0) lines.push(`${formatAmount(tally.incomplete, 'message')} not complete${rawEnd(flags)}`);
  if (tally.cut > 0) lines.push(`${formatAmount(tally.cut, 'body', 'bodies')} cut by --max-body`);
  const undecoded = undecodedConnections(http);
  if (undecoded !== '') lines.push(`${undecoded}: not decoded`);
  if (http.otherConnections > 0)
    lines.push(`${formatAmount(http.otherConnections, 'connection')} carried something else than HTTP`);
  if (http.tunnelBytes > 0) lines.push(`${formatAmount(http.tunnelBytes, 'byte')} behind CONNECT or 101: not decoded`);
  if (tcp.gaps > 0) lines.push(`${formatAmount(tcp.missingBytes, 'byte')} missing in ${formatAmount(tcp.gaps, 'gap')}`);
  if (packets.truncated > 0) lines.push(`${formatAmount(packets.truncated, 'packet')} cut off by the snap length`);
  if (packets.unsupported > 0)
    lines.push(`${formatAmount(packets.unsupported, 'packet')} of link types or encapsulations that are not supported`);
  if (packets.malformed > 0) lines.push(`${formatAmount(packets.malformed, 'malformed packet')}`);
  const dropped = droppedPackets(packets);
  if (dropped !== '') lines.push(`dropped before they could be read: ${dropped}`);
  if (delivery.messagesDropped > 0) {
    lines.push(`${formatAmount(delivery.messagesDropped, 'message')} dropped because the output was too slow`);
  }
  const lost = tcp.evictedBytes - tcp.lateBytes + decode.fragmentsEvicted;
  if (lost > 0) lines.push('a buffer was full: not everything that was captured could be put together (see --stats)');
  const hint = tally.messages === 0 ? hintWhyNothing(flags, stats) : '';
  if (hint !== '') lines.push(hint);
  return lines;
}

/** Other outputs tell it with the message. */
function rawEnd(flags: CaptureFlags): string {
  return flags.outputs.raw ? ': cut off at the first missing byte' : '';
}

/** `12 TLS and 3 HTTP/2 connections`, `1 TLS connection and 3 HTTP/2 connections`, '' when everything could be read. */
function undecodedConnections(http: CaptureStats['http']): string {
  const kinds = [
    { count: http.tlsConnections, name: 'TLS' },
    { count: http.http2Connections, name: 'HTTP/2' },
  ].filter((kind) => kind.count > 0);
  if (kinds.some((kind) => kind.count === 1)) {
    return listOf(
      kinds.map((kind) => formatAmount(kind.count, `${kind.name} connection`)),
      'and',
    );
  }
  const counts = kinds.map((kind) => `${formatCount(kind.count)} ${kind.name}`);
  return counts.length === 0 ? '' : `${listOf(counts, 'and')} connections`;
}

function droppedPackets(packets: CaptureStats['packets']): string {
  const by: string[] = [];
  if (packets.kernelDropped > 0) by.push(`${formatAmount(packets.kernelDropped, 'packet')} by the kernel`);
  if (packets.interfaceDropped > 0) by.push(`${formatAmount(packets.interfaceDropped, 'packet')} by the interface`);
  return listOf(by, 'and');
}

/** The likeliest reason for not one message: the first stage at which everything stopped. */
function hintWhyNothing(flags: CaptureFlags, { packets, tcp, http }: CaptureStats): string {
  const live = flags.read === undefined;
  if (packets.received === 0) {
    if (packets.filteredOut > 0) return `the filter matched none of ${formatAmount(packets.filteredOut, 'packet')}`;
    if (!live) return 'there are no packets in it';
    const asked = flags.ports.length > 0 || flags.expression !== '' ? ' that match' : '';
    const elsewhere =
      flags.interfaces.length === 0 || flags.interfaces.includes('any') ? '' : '; -i any listens on every interface';
    return `no packets${asked} were seen${elsewhere}`;
  }
  if (packets.decoded === 0) return 'none of the packets carried TCP';
  if (tcp.segments === 0 && flags.ports.length > 0) {
    return `${formatAmount(packets.decoded, 'TCP packet')}, but none of port ${listOf(flags.ports, 'or')}`;
  }
  if (tcp.payloadBytes === 0) return 'connections without data: nothing was said on them';
  if (http.tlsConnections + http.http2Connections > 0 && http.connections === 0)
    return 'no plain HTTP/1 was seen beside them';
  return '';
}

/** Every counter, a line each: `tcp.gaps 3`. */
export function formatStats(stats: CaptureStats): string[] {
  const rows = Object.entries(stats).flatMap(([group, counters]) =>
    Object.entries(counters as Record<string, number>).map(
      ([name, value]) => [`${group}.${name}`, formatCount(value)] as const,
    ),
  );
  const nameWidth = Math.max(0, ...rows.map(([name]) => name.length));
  const valueWidth = Math.max(0, ...rows.map(([, value]) => value.length));
  return rows.map(([name, value]) => `${name.padEnd(nameWidth)}  ${value.padStart(valueWidth)}`);
}
