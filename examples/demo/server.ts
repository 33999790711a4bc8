/** The API of the incident: three paths, answers in gzip, br and chunks. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { readClaims } from './tokens.js';

export interface DemoServer {
  port: number;
  close(): Promise<void>;
}

/** @param port 0 for any free one */
export async function startServer(port = 0): Promise<DemoServer> {
  const server = createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Server', 'payments/4.2');
  const path = request.url?.split('?')[0];
  if (path === '/healthcheck') {
    response.setHeader('Content-Type', 'text/plain');
    response.end('ok\n');
    return;
  }
  const claims = readClaims(request.headers.authorization);
  if (claims === undefined || claims.exp * 1000 <= Date.now()) {
    refuse(response, claims !== undefined);
  } else if (path === '/api/me') {
    send(request, response, { id: 1207, name: claims.sub, roles: ['reader', 'payer'], locale: 'en-GB' });
  } else if (path === '/api/transactions' && request.method === 'POST') {
    request.resume().once('end', () => {
      response.statusCode = 201;
      response.setHeader('Location', '/api/transactions/90004');
      send(request, response, { id: 90004, state: 'pending' });
    });
  } else if (path === '/api/transactions') {
    sendInPieces(request, response, transactions);
  } else {
    response.statusCode = 404;
    send(request, response, { error: 'not_found' });
  }
}

/** RFC 6750, section 3: what a bearer token that is no longer good gets. */
function refuse(response: ServerResponse, expired: boolean): void {
  const details = expired ? ', error="invalid_token", error_description="The access token expired"' : '';
  response.statusCode = 401;
  response.setHeader('WWW-Authenticate', `Bearer realm="payments"${details}`);
  response.setHeader('Content-Type', 'application/json');
  response.end(`${JSON.stringify({ error: expired ? 'invalid_token' : 'missing_token' })}\n`);
}

const transactions = [
  { id: 90001, date: '2022-11-10', amount: '-12.80', currency: 'EUR', text: 'Café Zentral' },
  { id: 90002, date: '2022-11-11', amount: '-49.00', currency: 'EUR', text: 'Rail ticket' },
  { id: 90003, date: '2022-11-12', amount: '1250.00', currency: 'EUR', text: 'Salary' },
];

/** Whole, with a Content-Length. */
function send(request: IncomingMessage, response: ServerResponse, value: unknown): void {
  const body = encode(request, response, JSON.stringify(value));
  response.setHeader('Content-Length', body.length);
  response.end(body);
}

/** In three chunks, without a Content-Length. */
function sendInPieces(request: IncomingMessage, response: ServerResponse, value: unknown): void {
  const body = encode(request, response, JSON.stringify(value));
  const step = Math.ceil(body.length / 3);
  for (let start = 0; start < body.length; start += step) response.write(body.subarray(start, start + step));
  response.end();
}

function encode(request: IncomingMessage, response: ServerResponse, text: string): Buffer {
  response.setHeader('Content-Type', 'application/json');
  const accepted = String(request.headers['accept-encoding'] ?? '');
  const coding = ['br', 'gzip'].find((name) => accepted.includes(name));
  if (coding === undefined) return Buffer.from(text);
  response.setHeader('Content-Encoding', coding);
  return coding === 'br' ? brotliCompressSync(text) : gzipSync(text);
}
