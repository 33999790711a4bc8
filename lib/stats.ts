/** Counters by group, in the names of native/stats.h. */

/** Packets. `received = decoded + notTcp + malformed + unsupported`. */
export interface PacketStats {
  /** Packets handed over by the source. */
  received: number;
  /** Captured bytes of them. */
  bytes: number;
  /** Held a TCP segment. */
  decoded: number;
  /** Held no TCP segment: other protocols, and fragments. */
  notTcp: number;
  malformed: number;
  /** Of an unknown link type or encapsulation. */
  unsupported: number;
  /** Of `notTcp`: IP fragments that completed no datagram. The one that completes it is decoded. */
  fragments: number;
  /** Of all: cut off by the snap length. */
  truncated: number;
  /** Of a file: rejected by `filter`; not in `received`. */
  filteredOut: number;
  /** Live: packets that the kernel counted for this capture. */
  kernelReceived: number;
  /** Live: packets that the kernel dropped because its buffer was full. */
  kernelDropped: number;
  /** Live: packets that the interface or its driver dropped. */
  interfaceDropped: number;
}

/** IP fragments and checksums. */
export interface DecodeStats {
  /** Datagrams put together from fragments. */
  fragmentDatagrams: number;
  /** Fragments whose datagram never became complete. */
  fragmentsExpired: number;
  /** Fragments dropped because the buffer was full. */
  fragmentsEvicted: number;
  /** Fragments that overlapped others with different bytes. */
  fragmentsOverlapping: number;
  /** Packets with wrong checksums, with `verifyChecksums`. */
  badChecksums: number;
}

/**
 * TCP. `payloadBytes = deliveredBytes + duplicateBytes + conflictingBytes + evictedBytes + bufferedBytes`.
 */
export interface TcpStats {
  /** Decoded and selected segments. */
  segments: number;
  /** Decoded segments of no selected port or address. */
  notSelected: number;
  /** Of `notSelected`: could have been of a socket that is followed soon, but too many came before that was known. */
  heldDropped: number;
  connectionsOpened: number;
  /** For any reason. */
  connectionsClosed: number;
  /** Of the closed: idle for `idleTimeoutMs`. */
  connectionsExpired: number;
  /** Of the closed: more than `maxConnections`. */
  connectionsEvicted: number;
  /** Captured payload of the selected segments. */
  payloadBytes: number;
  /** Given to the protocol, in order. */
  deliveredBytes: number;
  /** Retransmitted, or captured twice. */
  duplicateBytes: number;
  /** Overlapped earlier bytes and differed from them: from the first byte that did to the last. */
  conflictingBytes: number;
  /** Of `evictedBytes`: of a gap that was declared already, from before the start, or behind a FIN. */
  lateBytes: number;
  /** Captured and never handed on: a buffer was full, or they came late. */
  evictedBytes: number;
  /** Now: out of order, waiting. */
  bufferedBytes: number;
  /** In gaps. */
  missingBytes: number;
  gaps: number;
  outOfOrderSegments: number;
  retransmittedSegments: number;
  keepAliveProbes: number;
  resets: number;
  /** Resets outside of the window. */
  resetsIgnored: number;
}

/** HTTP. `messagesStarted = messagesFinished + messagesNotSelected + delivery.messagesDropped + messagesOpen`. */
export interface HttpStats {
  /** Connections that carried HTTP/1. */
  connections: number;
  /** TLS: not decoded. */
  tlsConnections: number;
  /** HTTP/2 with prior knowledge: not decoded. */
  http2Connections: number;
  /** Carried something else. */
  otherConnections: number;
  /** Behind CONNECT or 101. */
  tunnelBytes: number;
  /** Not understood while looking for the next start line. */
  skippedBytes: number;
  /** Start lines found again after a gap or garbage. */
  resyncs: number;
  /** Heads beyond `maxHeadBytes` or `maxHeaders`. */
  headsTooLarge: number;
  /** Started. */
  requests: number;
  /** Started, interim ones included. */
  responses: number;
  messagesStarted: number;
  /** Whatever their integrity. */
  messagesFinished: number;
  /** Now: begun, not finished. */
  messagesOpen: number;
  /** Over, and rejected by `match` natively. */
  messagesNotSelected: number;
  /** Requests that waited for their response to be matched, and were given up because of `maxUndecidedBytes`; not selected then. */
  undecidedDropped: number;
  /** Now: kept for requests that wait for their response to be matched. */
  undecidedBytes: number;
  /** De-chunked, kept or not. */
  bodyBytes: number;
  /** Of them not kept: not wanted, beyond a limit, or behind a gap. */
  bodyBytesCut: number;
  /** Now: kept for open and held messages. */
  pendingBytes: number;
}

/** From the capture thread to JavaScript. */
export interface DeliveryStats {
  /** Now: responses that wait for their request. */
  messagesHeld: number;
  /** Handed to JavaScript or about to be. */
  messagesDelivered: number;
  /** Dropped because the consumer was too slow. */
  messagesDropped: number;
  batches: number;
  /** Of `flows()`: events handed to JavaScript or about to be. */
  eventsDelivered: number;
  /** Of `flows()`: events dropped because the consumer was too slow. */
  eventsDropped: number;
  /** Of `flows()`: captured bytes of dropped events; they show as gaps with the cause `'dropped'`. */
  eventBytesDropped: number;
  /** Requests that `response.request` can no longer give, because too many were waiting for their response. */
  requestsForgotten: number;
  /** Of streamed bodies: bytes that nobody read in time, see `ERR_BODY_DROPPED`. */
  bodyBytesLetGo: number;
  /** Messages that native code could not decide about, and JavaScript found not to match. They have used up their ids. */
  messagesNotMatched: number;
  /** Messages that nobody took while a streamed body was waited for, beyond `maxBufferedBytes`. */
  messagesLetGo: number;
}

/** Of the option `write`. */
export interface WriteStats {
  /** Files that were made; several with `write.rotate`. */
  files: number;
  /** Packets written to them. */
  packets: number;
  /** Captured bytes of them. */
  bytes: number;
  /** Connections whose packets they are. */
  connections: number;
  /** Packets that were not written because `maxSpoolBytes` was reached before it was known whether their connection matches. */
  packetsLetGo: number;
  /** Captured bytes of them. */
  bytesLetGo: number;
  /** Now: of packets that wait until it is known whether their connection matches. */
  waitingBytes: number;
}

/** What `tap.stats()` gives: totals since the start, save those that say "now". */
export interface CaptureStats {
  packets: PacketStats;
  decode: DecodeStats;
  tcp: TcpStats;
  http: HttpStats;
  delivery: DeliveryStats;
  write: WriteStats;
}

/** `names` and `values` as the addon gives them. */
export function groupStats(
  names: readonly (readonly [group: string, name: string])[],
  values: ArrayLike<number> | undefined,
  ours: Pick<DeliveryStats, 'requestsForgotten' | 'bodyBytesLetGo' | 'messagesNotMatched' | 'messagesLetGo'>,
): CaptureStats {
  const groups: Record<string, Record<string, number>> = {
    packets: {},
    decode: {},
    tcp: {},
    http: {},
    delivery: {},
    write: {},
  };
  names.forEach(([group, name], i) => {
    groups[group] ??= {};
    groups[group][name] = values?.[i] ?? 0;
  });
  const stats = groups as unknown as CaptureStats;
  Object.assign(stats.delivery, ours);
  return stats;
}
