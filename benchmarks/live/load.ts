/** What makes the traffic of the live benchmarks: nginx, asked by wrk as fast as it answers. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { endWithUs, hasProgram } from '../programs.js';

/**
 * The truth of one run. Requests that were on their way when the client went away may be on the wire though the server never read
 * them: at most one a connection.
 */
export interface Served {
  /** Counted by the server. */
  requests: number;
  /** Counted by the client, whole ones. */
  responses: number;
  perSecond: number;
}

export interface Load {
  readonly title: string;
  readonly port: number;
  readonly connections: number;
  run(seconds: number): Promise<Served>;
  close(): Promise<void>;
}

export const path = '/api/v2/users/0123456789';

const answer = JSON.stringify({
  id: '0123456789',
  names: Array.from({ length: 24 }, (_, index) => `an answer of about one kilobyte ${index}`),
});

const headers = [
  'User-Agent: benchmark/1.0',
  'Accept: application/json',
  'Accept-Encoding: gzip, br',
  'Accept-Language: en',
  'Authorization: Bearer 0123456789abcdef0123456789abcdef0123456789abcdef',
  'X-Request-Id: 00000000-0000-4000-8000-000000000000',
  'Cookie: session=0123456789abcdef0123456789abcdef',
];

export const hasNginxAndWrk = hasProgram('nginx') && hasProgram('wrk');

/** A port of loopback that nobody has. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function configuration(port: number, statusPort: number): string {
  return `
    daemon off;
    worker_processes 1;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    pid nginx.pid;
    events { worker_connections 1024; }
    http {
      access_log off;
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((use) => `${use}_temp_path ${use};`).join('\n')}
      server {
        listen 127.0.0.1:${port};
        location / { default_type application/json; return 200 '${answer}'; }
      }
      server {
        listen 127.0.0.1:${statusPort};
        location = /status { stub_status; }
      }
    }`;
}

export class NginxLoad implements Load {
  readonly title = 'nginx and wrk';

  static async start(connections = 64): Promise<NginxLoad> {
    const folder = mkdtempSync(join(tmpdir(), 'flowtap-nginx-'));
    const [port, statusPort] = [await freePort(), await freePort()];
    const config = join(folder, 'nginx.conf');
    writeFileSync(config, configuration(port, statusPort));
    const server = spawn('nginx', ['-p', folder, '-c', config, '-e', 'stderr'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    endWithUs(server);
    const load = new NginxLoad(port, connections, statusPort, server, folder);
    for (let attempt = 0; ; attempt++) {
      try {
        await load.#countRequests();
        return load;
      } catch (error) {
        if (attempt < 100 && server.exitCode === null) await sleep(50);
        else {
          await load.close();
          throw new Error('nginx does not start', { cause: error });
        }
      }
    }
  }

  readonly #statusPort: number;
  readonly #server: ChildProcess;
  readonly #folder: string;

  constructor(
    readonly port: number,
    readonly connections: number,
    statusPort: number,
    server: ChildProcess,
    folder: string,
  ) {
    this.#statusPort = statusPort;
    this.#server = server;
    this.#folder = folder;
  }

  /** All of them since the start, this question included. */
  async #countRequests(): Promise<number> {
    const status = await (await fetch(`http://127.0.0.1:${this.#statusPort}/status`)).text();
    const requests = /requests\s+\d+ \d+ (\d+)/.exec(status)?.[1];
    if (requests === undefined) throw new Error(`nginx says: ${status}`);
    return Number(requests);
  }

  async run(seconds: number): Promise<Served> {
    const before = await this.#countRequests();
    const { stdout } = await promisify(execFile)('wrk', [
      ...['-t1', `-c${this.connections}`, `-d${Math.max(1, Math.round(seconds))}s`],
      ...headers.flatMap((header) => ['-H', header]),
      `http://127.0.0.1:${this.port}${path}`,
    ]);
    const responses = /(\d+) requests in/.exec(stdout)?.[1];
    const perSecond = /Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1];
    if (responses === undefined || perSecond === undefined || /Socket errors|Non-2xx/.test(stdout))
      throw new Error(`wrk says: ${stdout}`);
    const requests = (await this.#countRequests()) - before - 1;
    return { requests, responses: Number(responses), perSecond: Number(perSecond) };
  }

  async close(): Promise<void> {
    if (this.#server.exitCode === null && this.#server.signalCode === null) {
      const exit = once(this.#server, 'exit');
      this.#server.kill('SIGTERM');
      await exit;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
