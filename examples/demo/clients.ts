/** The clients of the incident, each on a connection of its own. */
import { Agent, type OutgoingHttpHeaders, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { makeToken } from './tokens.js';

/** Requests that `runClients` makes; each gets one response. */
export const exchanges = 9;

/** @param pauseMs between two requests, so that one can follow with the eyes */
export async function runClients(port: number, pauseMs: number): Promise<void> {
  const soon = new Date(Date.now() + 3600_000);
  const balancer = new Client(port, { 'User-Agent': 'balancer/1.9' });
  const web = new Client(port, {
    'User-Agent': 'web-app/3.7',
    'Accept-Encoding': 'gzip',
    Authorization: `Bearer ${makeToken('alice', soon)}`,
  });
  const mobile = new Client(port, {
    'User-Agent': 'mobile-app/12.1',
    'Accept-Encoding': 'gzip, br',
    Authorization: `Bearer ${makeToken('bob', soon)}`,
  });
  // Its token was never refreshed, and its log only says "could not fetch transactions".
  const report = new Client(port, {
    'User-Agent': 'nightly-report/0.4',
    Authorization: `Bearer ${makeToken('nightly-report', new Date('2022-11-12T03:59:00Z'))}`,
  });
  const script: (() => Promise<void>)[] = [
    () => balancer.send('GET', '/healthcheck'),
    () => web.send('GET', '/api/me'),
    () => mobile.send('GET', '/api/me'),
    () => web.send('GET', '/api/transactions'),
    () => report.send('GET', '/api/transactions?since=2022-11-01'),
    () => mobile.send('GET', '/api/transactions?limit=3'),
    () => balancer.send('GET', '/healthcheck'),
    () => web.send('POST', '/api/transactions', { amount: '-25.00', currency: 'EUR', text: 'Flowers' }),
    () => mobile.send('GET', '/api/me'),
  ];
  try {
    for (const step of script) {
      await step();
      await delay(pauseMs);
    }
  } finally {
    for (const client of [balancer, web, mobile, report]) client.close();
  }
}

class Client {
  readonly #port: number;
  readonly #headers: OutgoingHttpHeaders;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(port: number, headers: OutgoingHttpHeaders) {
    this.#port = port;
    this.#headers = { Host: 'api.example.org', ...headers };
  }

  /** Resolves when the whole answer is there; whatever its status is fine. */
  send(method: string, path: string, json?: object): Promise<void> {
    const body = json && JSON.stringify(json);
    const headers = body
      ? { ...this.#headers, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
      : this.#headers;
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.#port, method, path, headers, agent: this.#agent };
      request(options, (response) => {
        response.resume().once('end', resolve).once('error', reject);
      })
        .once('error', reject)
        .end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
