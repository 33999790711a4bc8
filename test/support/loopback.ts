/** Real traffic on loopback, with what both ends saw of it. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Conversation } from './conversation.js';
import type { Exchange } from './http.js';

/** One message as the end that received it saw it. */
export interface Witnessed {
  clientPort: number;
  /** "GET /path" or "200 OK". */
  start: string;
  /** Name, value, name, value, … */
  rawHeaders: string[];
  rawTrailers: string[];
  body: Buffer;
}

export interface HttpServer {
  port: number;
  /** What the server received. */
  requests: Witnessed[];
  close(): Promise<void>;
}

/** Serves `answer` after it has read the whole request. */
export async function serve(
  answer: (body: Buffer, ...of: Parameters<RequestListener>) => void,
  host = '127.0.0.1',
): Promise<HttpServer> {
  const requests: Witnessed[] = [];
  const server: Server = createServer(async (incoming, outgoing) => {
    const clientPort = incoming.socket.remotePort as number;
    const witnessed = await witness(incoming, clientPort, `${incoming.method} ${incoming.url}`);
    requests.push(witnessed);
    answer(witnessed.body, incoming, outgoing);
  });
  server.keepAliveTimeout = 30_000;
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export async function witness(incoming: IncomingMessage, clientPort: number, start: string): Promise<Witnessed> {
  const body = await buffer(incoming);
  return { clientPort, start, rawHeaders: incoming.rawHeaders, rawTrailers: incoming.rawTrailers, body };
}

/** Bytes of a socket until as many have come as wanted. */
class Inbox {
  #have = 0;
  #wanted = 0;
  #done: (() => void) | undefined;

  constructor(socket: Socket) {
    socket.on('data', (bytes) => {
      this.#have += bytes.length;
      if (this.#have >= this.#wanted) this.#done?.();
    });
  }

  async more(bytes: number): Promise<void> {
    this.#wanted += bytes;
    if (this.#have >= this.#wanted) return;
    await new Promise<void>((resolve) => {
      this.#done = resolve;
    });
  }
}

export interface RawServer {
  port: number;
  /** Talks over a new connection: all requests of a turn at once, then all their responses. */
  talk(turns: Exchange[][], options?: { pieces?: (bytes: Buffer) => Buffer[] }): Promise<Conversation>;
  close(): Promise<void>;
}

/** Both ends send the bytes that they are told to. */
export async function rawServer(host = '127.0.0.1'): Promise<RawServer> {
  const waiting = new Map<number, (socket: Socket) => void>();
  const early = new Map<number, Socket>();
  const server = createTcpServer((socket) => {
    socket.setNoDelay(true).on('error', () => {});
    const port = socket.remotePort as number;
    const take = waiting.get(port);
    if (take) take(socket);
    else early.set(port, socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    port,
    async talk(turns, { pieces = (bytes: Buffer) => [bytes] } = {}) {
      const client = connect({ port, host, noDelay: true }).on('error', () => {});
      await once(client, 'connect');
      const clientPort = client.localPort as number;
      const accepted =
        early.get(clientPort) ?? (await new Promise<Socket>((resolve) => waiting.set(clientPort, resolve)));
      // Only the list of what was said is of use: the segments are real ones here.
      const conversation = new Conversation({
        client: { address: host, port: clientPort },
        server: { address: host, port },
      });
      const atServer = new Inbox(accepted);
      const atClient = new Inbox(client);
      for (const turn of turns) {
        conversation.pipeline(turn);
        const asked = Buffer.concat(turn.map((one) => one.request.wire));
        const answered = Buffer.concat(turn.flatMap((one) => one.responses.map((response) => response.wire)));
        for (const piece of pieces(asked)) client.write(piece);
        await atServer.more(asked.length);
        for (const piece of pieces(answered)) accepted.write(piece);
        await atClient.more(answered.length);
      }
      const closed = once(client, 'close');
      accepted.end();
      client.end();
      await closed;
      return conversation;
    },
    async close() {
      for (const socket of early.values()) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
