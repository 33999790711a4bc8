/** What becomes of flow events outside of their batch: plain objects, JSON, text. */
import { inspect } from 'node:util';
import { formatTime } from '../time.js';
import type { FlowEvent } from './flow-event.js';
import type { FlowCloseReason, FlowConnection, FlowDirection, FlowGapCause } from './flow-records.js';

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
    | { kind: 'data'; direction: FlowDirection; offset: number; length: number; bytes: Uint8Array }
    | { kind: 'gap'; direction: FlowDirection; offset: number; length: number; cause: FlowGapCause }
    | { kind: 'end'; direction: FlowDirection; offset: number }
    | { kind: 'close'; reason: FlowCloseReason; conflict: boolean }
  );

interface JsonCommon {
  connection: FlowConnection;
  /** ISO 8601 in UTC with nine fractional digits. */
  time: string;
}

/** What `JSON.stringify()` makes of a flow event; `bytes` are base64. */
export type FlowEventJson =
  | ({ kind: 'open' } & JsonCommon)
  | ({ kind: 'data'; direction: FlowDirection; offset: number; length: number; bytes: string } & JsonCommon)
  | ({ kind: 'gap'; direction: FlowDirection; offset: number; length: number; cause: FlowGapCause } & JsonCommon)
  | ({ kind: 'end'; direction: FlowDirection; offset: number } & JsonCommon)
  | ({ kind: 'close'; reason: FlowCloseReason; conflict?: true } & JsonCommon);

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
      const { kind, direction, offset, length } = event;
      // A copy, and no Buffer: cloning would turn it into what it is here.
      return { kind, ...common, direction, offset, length, bytes: Uint8Array.from(event.bytes) };
    }
    case 'gap': {
      const { kind, direction, offset, length, cause } = event;
      return { kind, ...common, direction, offset, length, cause };
    }
    case 'end':
      return { kind: event.kind, ...common, direction: event.direction, offset: event.offset };
    case 'close':
      return { kind: event.kind, ...common, reason: event.reason, conflict: event.conflict };
  }
}

export function flowEventToJson(event: FlowEvent): FlowEventJson {
  const { connection } = event;
  const common = { connection, time: formatTime(event.time) };
  switch (event.kind) {
    case 'open':
      return { kind: event.kind, ...common };
    case 'data': {
      const { kind, direction, offset, length, bytes } = event;
      return { kind, ...common, direction, offset, length, bytes: bytes.toString('base64') };
    }
    case 'gap': {
      const { kind, direction, offset, length, cause } = event;
      return { kind, ...common, direction, offset, length, cause };
    }
    case 'end':
      return { kind: event.kind, ...common, direction: event.direction, offset: event.offset };
    case 'close':
      return {
        kind: event.kind,
        ...common,
        reason: event.reason,
        ...(event.conflict ? { conflict: true } : undefined),
      };
  }
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
