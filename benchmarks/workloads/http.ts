/** Makes HTTP/1.1 messages: heads like those that services send each other, JSON and opaque bodies. */
import { crc32 } from 'node:zlib';
import { allocatePayload, type Payload } from './checksum.js';
import type { Random } from './random.js';
import { messageDigest } from './truth.js';

const mebibyte = 1 << 20;

/** One message: `length` bytes at the start of `payload`, which the next message overwrites. */
export interface Message {
  kind: 'request' | 'response';
  payload: Payload;
  length: number;
  headBytes: number;
  headerFields: number;
  bodyBytes: number;
  digest: number;
}

const hosts = [
  'api.example.com',
  'accounts.internal.example.net',
  'payments-v2.svc.cluster.local',
  'search.example.org',
];
const agents = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15',
  'okhttp/4.12.0',
  'axios/1.7.2',
  'Go-http-client/1.1',
  'python-requests/2.32.3',
];
const resources = ['users', 'accounts', 'transactions', 'orders', 'invoices', 'sessions', 'devices', 'notifications'];
const statuses = [
  '200 OK',
  '200 OK',
  '200 OK',
  '200 OK',
  '200 OK',
  '200 OK',
  '201 Created',
  '401 Unauthorized',
  '404 Not Found',
  '503 Service Unavailable',
];
const words = [
  'pending',
  'settled',
  'declined',
  'refund',
  'monthly',
  'transfer',
  'invoice',
  'subscription',
  'salary',
  'groceries',
];
/** Header fields that a request may have beside those that all of them have. */
const optionalFields: ((random: Random) => string)[] = [
  () => 'Accept-Language: en-US,en;q=0.9,de;q=0.7\r\n',
  () => 'Cache-Control: no-cache\r\n',
  (random) => `Referer: https://app.example.com/${random.pick(resources)}/${random.hex()}\r\n`,
  () => 'Origin: https://app.example.com\r\n',
  (random) => `X-Forwarded-For: 10.${random.below(256)}.${random.below(256)}.${random.below(256)}, 172.16.0.9\r\n`,
  () => 'X-Forwarded-Proto: https\r\n',
  () => 'DNT: 1\r\n',
  () => 'Sec-Fetch-Mode: cors\r\n',
  (random) => `If-None-Match: "${random.hex()}${random.hex()}"\r\n`,
  (random) => `X-Client-Version: 7.${random.below(40)}.${random.below(10)}\r\n`,
];

export class MessageMaker {
  readonly #random: Random;
  readonly #payload: Payload;
  readonly #items: string[] = [];
  /** Bytes that do not compress, to cut opaque bodies from. */
  readonly #noise: Buffer;

  constructor(random: Random, maxBodyBytes: number) {
    this.#random = random;
    this.#payload = allocatePayload(maxBodyBytes + (maxBodyBytes >>> 6) + 65_536);
    for (let index = 0; index < 1024; index++) {
      const amount = (random.below(1_000_000) / 100).toFixed(2);
      this.#items.push(
        `{"id":"${random.hex()}${random.hex()}","amount":${amount},"currency":"EUR","state":"${random.pick(words)}","note":"${random.pick(words)} ${random.pick(words)}"}`,
      );
    }
    const noise = new Uint32Array(maxBodyBytes > mebibyte ? mebibyte / 2 : 0);
    for (let index = 0; index < noise.length; index++) noise[index] = random.next();
    this.#noise = Buffer.from(noise.buffer);
  }

  /** A request of an API client with 12 to 18 header fields; one in eight has a JSON body. */
  apiRequest(): Message {
    const random = this.#random;
    const withBody = random.below(8) === 0;
    const method = withBody ? random.pick(['POST', 'PUT', 'PATCH']) : random.below(16) === 0 ? 'DELETE' : 'GET';
    let target = `/api/v2/${random.pick(resources)}/${random.hex()}`;
    if (!withBody && random.chance(0.5))
      target += `?limit=${random.between(10, 200)}&cursor=${random.hex()}${random.hex()}&expand=items`;
    let fields =
      `Host: ${random.pick(hosts)}\r\nUser-Agent: ${random.pick(agents)}\r\nAccept: application/json, text/plain, */*\r\n` +
      `Accept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\n` +
      `Authorization: Bearer eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.${this.#token(14)}.${this.#token(11)}\r\n` +
      `Cookie: session=${this.#token(4)}; theme=dark; consent=${random.hex()}\r\n` +
      `X-Request-Id: ${random.hex()}-${random.hex()}-${random.hex()}\r\ntraceparent: 00-${this.#token(4)}-${this.#token(2)}-01\r\n`;
    let count = 9;
    const wanted = random.between(12, 18);
    const first = random.below(optionalFields.length);
    const own = withBody ? 2 : 0;
    for (let index = 0; count + own < wanted && index < optionalFields.length; index++, count++)
      fields += (optionalFields[(first + index) % optionalFields.length] as (random: Random) => string)(random);
    const body = withBody ? this.#json(random.between(200, 900)) : '';
    if (withBody) {
      fields += `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
      count += 2;
    }
    return this.#text('request', `${method} ${target}`, `${method} ${target} HTTP/1.1\r\n${fields}\r\n`, count, body);
  }

  /** The answer: about 300 bytes of head and 200 to 2000 bytes of JSON. */
  apiResponse(): Message {
    const random = this.#random;
    const status = random.pick(statuses);
    const body = this.#json(random.between(200, 2000));
    const head =
      `HTTP/1.1 ${status}\r\nDate: Tue, 14 Nov 2023 22:13:${20 + random.below(40)} GMT\r\nServer: nginx/1.24.0\r\n` +
      `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: keep-alive\r\n` +
      `X-Request-Id: ${random.hex()}-${random.hex()}\r\nCache-Control: private, max-age=0\r\nVary: Accept-Encoding\r\n` +
      `ETag: W/"${random.hex()}${random.hex()}"\r\n\r\n`;
    return this.#text('response', status.slice(0, 3), head, 9, body);
  }

  /** What a load balancer asks, once a connection. */
  healthRequest(): Message {
    const target = `/healthz?probe=${this.#random.hex()}`;
    const head = `GET ${target} HTTP/1.1\r\nHost: 10.0.0.80:8000\r\nUser-Agent: kube-probe/1.29\r\nAccept: */*\r\nConnection: close\r\n\r\n`;
    return this.#text('request', `GET ${target}`, head, 4, '');
  }

  healthResponse(): Message {
    const body = `{"status":"ok","uptime":${this.#random.below(1_000_000)}}`;
    const head = `HTTP/1.1 200 OK\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    return this.#text('response', '200', head, 4, body);
  }

  downloadRequest(): Message {
    const target = `/objects/${this.#random.hex()}${this.#random.hex()}`;
    const head = `GET ${target} HTTP/1.1\r\nHost: objects.example.com\r\nUser-Agent: okhttp/4.12.0\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n`;
    return this.#text('request', `GET ${target}`, head, 4, '');
  }

  uploadResponse(): Message {
    const head = 'HTTP/1.1 201 Created\r\nServer: nginx/1.24.0\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n';
    return this.#text('response', '201', head, 3, '');
  }

  uploadRequest(bodyBytes: number, chunked: boolean): Message {
    const target = `/objects/${this.#random.hex()}${this.#random.hex()}`;
    const head = `PUT ${target} HTTP/1.1\r\nHost: objects.example.com\r\nUser-Agent: okhttp/4.12.0\r\nContent-Type: application/octet-stream\r\n`;
    return this.#opaque('request', `PUT ${target}`, head, 3, bodyBytes, chunked);
  }

  downloadResponse(bodyBytes: number, chunked: boolean): Message {
    const head =
      'HTTP/1.1 200 OK\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\nServer: nginx/1.24.0\r\nContent-Type: application/octet-stream\r\n';
    return this.#opaque('response', '200', head, 3, bodyBytes, chunked);
  }

  #token(groups: number): string {
    let token = '';
    for (let index = 0; index < groups; index++) token += this.#random.hex();
    return token;
  }

  #json(length: number): string {
    const items = this.#items;
    const random = this.#random;
    let text = `{"requestId":"${random.hex()}","items":[${items[random.below(items.length)]}`;
    let index = random.below(items.length);
    while (text.length < length - 140) {
      index = (index + 1) % items.length;
      text += `,${items[index]}`;
    }
    return `${text}],"next":"${random.hex()}"}`;
  }

  #text(kind: Message['kind'], start: string, head: string, headerFields: number, body: string): Message {
    const { bytes } = this.#payload;
    const length = bytes.write(head + body, 0, 'latin1');
    const crc = body.length > 0 ? crc32(bytes.subarray(head.length, length)) : 0;
    const digest = messageDigest(kind, start, body.length, crc);
    return {
      kind,
      payload: this.#payload,
      length,
      headBytes: head.length,
      headerFields,
      bodyBytes: body.length,
      digest,
    };
  }

  #opaque(
    kind: Message['kind'],
    start: string,
    head: string,
    headerFields: number,
    bodyBytes: number,
    chunked: boolean,
  ): Message {
    const { bytes } = this.#payload;
    const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bodyBytes}`;
    const whole = `${head}${framing}\r\n\r\n`;
    let length = bytes.write(whole, 0, 'latin1');
    let crc = 0;
    for (let left = bodyBytes; left > 0; ) {
      const piece = Math.min(left, chunked ? this.#random.between(4096, 32_768) : mebibyte);
      if (chunked) length += bytes.write(`${piece.toString(16)}\r\n`, length, 'latin1');
      this.#noise.copy(bytes, length, this.#random.below(this.#noise.length - piece), this.#noise.length);
      crc = crc32(bytes.subarray(length, length + piece), crc);
      length += piece;
      if (chunked) length += bytes.write('\r\n', length, 'latin1');
      left -= piece;
    }
    if (chunked) length += bytes.write('0\r\n\r\n', length, 'latin1');
    const digest = messageDigest(kind, start, bodyBytes, crc);
    return {
      kind,
      payload: this.#payload,
      length,
      headBytes: whole.length,
      headerFields: headerFields + 1,
      bodyBytes,
      digest,
    };
  }
}
