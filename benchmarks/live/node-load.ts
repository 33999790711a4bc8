/** Light traffic, by Node's own server and client in this process. */
import { once } from 'node:events';
import { Agent, createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Load, path, type Served } from './load.js';

export class NodeLoad implements Load {
  readonly title = "Node's own client and server";
  #requests = 0;

  /** @param everyMs a connection sends a request as often as that; 0: as soon as it has the answer to the last one */
  static async start(connections: number, everyMs = 0): Promise<NodeLoad> {
    const server = createServer((_, response) => response.end('{"answer":42}')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new NodeLoad(server, connections, everyMs);
  }

  readonly #server: Server;
  readonly #everyMs: number;

  constructor(
    server: Server,
    readonly connections: number,
    everyMs: number,
  ) {
    this.#server = server;
    this.#everyMs = everyMs;
    server.on('request', () => this.#requests++);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async run(seconds: number): Promise<Served> {
    const started = performance.now();
    const before = this.#requests;
    const agent = new Agent({ keepAlive: true, maxSockets: this.connections });
    let responses = 0;
    const talk = async () => {
      for (let next = started; performance.now() < started + seconds * 1000; ) {
        const [response] = await once(get({ host: '127.0.0.1', port: this.port, path, agent }), 'response');
        response.resume();
        await once(response, 'end');
        responses++;
        next += this.#everyMs;
        if (this.#everyMs > 0) await sleep(Math.max(0, next - performance.now()));
      }
    };
    await Promise.all(Array.from({ length: this.connections }, talk));
    agent.destroy();
    const perSecond = (responses / (performance.now() - started)) * 1000;
    return { requests: this.#requests - before, responses, perSecond };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
