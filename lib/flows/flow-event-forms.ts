/** What becomes of flow events outside of their batch: plain objects, JSON, text. */
import { inspect } from 'node:util';
import { formatTime } from '../time.js';
import type { FlowEvent, FlowsSent } from './flow-event.js';
import type {
  FlowCloseReason,
  FlowConnection,
  FlowCounts,
  FlowDirection,
  FlowGapCause,
  LinkAddresses,
} from './flow-records.js';

interface DetachedCommon {
  connection: FlowConnection;
  /** Nanoseconds since the Unix epoch. */
  time: bigint;
  timestamp: Date;
}

/** What `detach()` gives: plain data that structuredClone() and postMessage() take. */
export type DetachedFlowEvent = DetachedCommon &
  (
    | { kind: 'open' }
    | ({ kind: 'data'; length: number; bytes: Uint8Array } & Directed)
    | ({ kind: 'gap'; length: number; cause: FlowGapCause } & Directed)
    | ({ kind: 'end' } & Directed)
    | { kind: 'close'; reason: FlowCloseReason; conflict: boolean; sent: FlowsSent }
  );

/** What directions have. */
interface Directed {
  direction: FlowDirection;
  offset: number;
  /** On the first event of the direction, where the link has them. */
  linkAddresses?: LinkAddresses;
}

type CountsJson = Omit<FlowCounts, 'startTime' | 'endTime'> & { startTime: string; endTime: string };

interface JsonCommon {
  connection: FlowConnection;
  /** ISO 8601 in UTC with nine fractional digits. */
  time: string;
}

/** What `JSON.stringify()` makes of a flow event; `bytes` are base64. */
export type FlowEventJson =
  | ({ kind: 'open' } & JsonCommon)
  | ({ kind: 'data'; length: number; bytes: string } & Directed & JsonCommon)
  | ({ kind: 'gap'; length: number; cause: FlowGapCause } & Directed & JsonCommon)
  | ({ kind: 'end' } & Directed & JsonCommon)
  | ({
      kind: 'close';
      reason: FlowCloseReason;
      conflict?: true;
      /** Absent where no packet was seen. */
      sent: { client?: CountsJson; server?: CountsJson };
    } & JsonCommon);

export function detachFlowEvent(event: FlowEvent): DetachedFlowEvent {
  const { connection, time, timestamp } = event;
  const common = {
    connection: { ...connection, client: { ...connection.client }, server: { ...connection.server } },
    time,
    timestamp,
  };
  switch (event.kind) {
    case 'open':
      return { kind: event.kind, ...common };
    case 'data': {
      const { kind, length } = event;
      // A copy, and no Buffer: cloning would turn it into what it is here.
      return { kind, ...common, ...directed(event), length, bytes: Uint8Array.from(event.bytes) };
    }
    case 'gap': {
      const { kind, length, cause } = event;
      return { kind, ...common, ...directed(event), length, cause };
    }
    case 'end':
      return { kind: event.kind, ...common, ...directed(event) };
    case 'close': {
      const { kind, reason, conflict, sent } = event;
      return { kind, ...common, reason, conflict, sent };
    }
  }
}

export function flowEventToJson(event: FlowEvent): FlowEventJson {
  const { connection } = event;
  const common = { connection, time: formatTime(event.time) };
  switch (event.kind) {
    case 'open':
      return { kind: event.kind, ...common };
    case 'data': {
      const { kind, length, bytes } = event;
      return { kind, ...common, ...directed(event), length, bytes: bytes.toString('base64') };
    }
    case 'gap': {
      const { kind, length, cause } = event;
      return { kind, ...common, ...directed(event), length, cause };
    }
    case 'end':
      return { kind: event.kind, ...common, ...directed(event) };
    case 'close': {
      const { kind, reason, conflict, sent } = event;
      const { client, server } = sent;
      return {
        kind,
        ...common,
        reason,
        ...(conflict ? { conflict } : undefined),
        sent: { ...(client && { client: countsToJson(client) }), ...(server && { server: countsToJson(server) }) },
      };
    }
  }
}

function directed({ direction, offset, linkAddresses }: Exclude<FlowEvent, { kind: 'open' | 'close' }>): Directed {
  return { direction, offset, ...(linkAddresses && { linkAddresses }) };
}

function countsToJson({ startTime, endTime, ...counts }: FlowCounts): CountsJson {
  return { startTime: formatTime(startTime), endTime: formatTime(endTime), ...counts };
}

/** What util.inspect and console.log show. Bytes are shown as such, so that no control character gets out. */
export function inspectFlowEvent(name: string, event: FlowEvent, depth: number, options: object): string {
  if (depth < 0) return `[${name}]`;
  const { kind, connection, ...rest } = flowEventToJson(event);
  const { client, server, id, vlan } = connection;
  const ends = `#${id} ${formatEnd(client)} -> ${formatEnd(server)}${vlan === undefined ? '' : ` (VLAN ${vlan})`}`;
  const bytes = event.kind === 'data' ? { bytes: event.bytes } : undefined;
  return `${name} ${inspect({ connection: ends, ...rest, ...bytes }, { ...options, depth })}`;
}

function formatEnd({ address, port }: { address: string; port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
