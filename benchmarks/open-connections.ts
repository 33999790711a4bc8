import { runForJson } from './child.js';

interface Report {
  connections: number;
  requests: number;
  responses: number;
  delivered: number;
  missingBytes: number;
  openNsPerPacket: number;
  exchangeNsPerPacket: number;
  bytesPerConnection: number;
}

/** The native pipeline with that many connections open. Rejects when it does not see what was sent. */
export async function measureConnections(program: string, count: number, exchanges: number) {
  const args = ['--connections', String(count), '--exchanges', String(exchanges)];
  const seen = await runForJson<Report>(program, args);
  // Each connection has spoken once before they are picked.
  const expected = exchanges + count;
  const told = [seen.connections, seen.requests, seen.responses, seen.delivered, seen.missingBytes];
  if (told.join() !== [count, expected, expected, 2 * expected, 0].join())
    throw new Error(`${count} connections: connections, requests, responses, delivered, missing bytes are ${told}`);
  return {
    /** CPU nanoseconds a packet: while they speak, and while they are opened. */
    exchangeNs: seen.exchangeNsPerPacket,
    openNs: seen.openNsPerPacket,
    /** Resident memory, of connections that have spoken. */
    bytesPerConnection: seen.bytesPerConnection,
  };
}
