/** Commands of toCurl(), run by bash and curl against a server that keeps the bytes. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe as suite, test } from 'node:test';
import { promisify } from 'node:util';
import { toCurl } from '../lib/export/curl.js';
import type { RequestMessage } from '../lib/index.js';
import { Conversation } from './support/conversation.js';
import { skip, temporaryFile, temporaryFolder, within } from './support/environment.js';
import { readExchanges } from './support/exchanges.js';
import { type HttpRequest, type RequestOptions, randomExchange, request } from './support/http.js';
import { Random } from './support/random.js';

const run = promisify(execFile);
const folder = temporaryFolder();

async function whyNoCurl(): Promise<string | false> {
  try {
    await run('bash', ['-c', 'curl --version && base64 --version']);
    return false;
  } catch {
    return skip('bash, curl or base64 is not installed');
  }
}

interface Received {
  startLine: string;
  headers: [string, string][];
  body: Buffer;
}

function dechunk(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const length = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (bytes.length < end + 4 + length) return undefined;
    if (length === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(end + 2, end + 2 + length));
    at = end + 4 + length;
  }
}

/** undefined while it is not complete. */
function parse(bytes: Buffer): Received | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [startLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const value = (name: string) => headers.find(([sent]) => sent.toLowerCase() === name)?.[1];
  const rest = bytes.subarray(end + 4);
  const length = Number(value('content-length') ?? 0);
  const body = value('transfer-encoding') === 'chunked' ? dechunk(rest) : rest.length < length ? undefined : rest;
  return body && { startLine, headers, body };
}

/** What curl sends of it: Host first, Content-Length last. */
function expected({ wire, headers, body }: HttpRequest): Received {
  const named = (wanted: string) => headers.filter(([name]) => name.toLowerCase() === wanted);
  const others = headers.filter(([name]) => !['host', 'content-length'].includes(name.toLowerCase()));
  const chunked = named('transfer-encoding').length > 0;
  const hasLength = named('content-length').length > 0 || body.length > 0;
  return {
    startLine: wire.toString('latin1', 0, wire.indexOf('\r\n')),
    headers: [
      ...named('host'),
      ...others,
      ...(hasLength && !chunked ? [['Content-Length', String(body.length)] as [string, string]] : []),
    ],
    body,
  };
}

suite('toCurl', { skip: await whyNoCurl() }, () => {
  let received = Buffer.alloc(0);
  let arrived: (one: Received) => void = () => {};
  const server = createServer((socket) => {
    received = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      if (received.length === 0 && /^expect: 100-continue/im.test(bytes.toString('latin1')))
        socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      received = Buffer.concat([received, bytes]);
      const one = parse(received);
      if (one === undefined) return;
      arrived(one);
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    });
  });
  let port = 0;
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as { port: number }).port;
  });
  after(() => server.close());

  async function captured(message: HttpRequest): Promise<RequestMessage> {
    const conversation = new Conversation({ server: { address: '127.0.0.1', port } }).handshake();
    conversation.say([message]);
    const [exchange] = await readExchanges([conversation.close()]);
    assert.ok(exchange?.request, `not captured: ${message.head.toString('latin1')}`);
    return exchange.request;
  }

  /** Sends a request's command and compares what arrives. */
  async function check(message: HttpRequest, multiline = true): Promise<string> {
    const command = toCurl(await captured(message), { toServer: true, multiline });
    const arrival = new Promise<Received>((resolve) => {
      arrived = resolve;
    });
    const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, HOME: folder, LC_ALL: 'C.UTF-8' };
    const done = run('bash', [temporaryFile(Buffer.from(command), 'command.sh')], {
      cwd: folder,
      env,
      timeout: 15_000,
    }).catch((error) => {
      throw new Error(`${command}\n${error.stderr}`, { cause: error });
    });
    const [got] = await within(Promise.all([arrival, done]), command, 20_000);
    assert.deepEqual(normalize(got), normalize(expected(message)), command);
    return command;
  }

  /** curl writes the name of Host as it likes. */
  function normalize({ startLine, headers, body }: Received) {
    return {
      startLine,
      headers: headers.map(([name, value]) => [name.toLowerCase() === 'host' ? 'Host' : name, value]),
      body: body.toString('latin1'),
    };
  }

  test('of a plain request is what one would write', async () => {
    const message = request({
      target: '/orders/17?verbose=1',
      headers: [
        ['Accept', '*/*'],
        ['User-Agent', 'curl/8'],
        ['Authorization', "Bearer it's"],
      ],
    });
    const plain = await captured(message);
    assert.equal(
      toCurl(plain),
      [
        "curl 'http://example.test/orders/17?verbose=1'",
        "-H 'Accept: */*'",
        "-H 'User-Agent: curl/8'",
        "-H 'Authorization: Bearer it'\\''s'",
      ].join(' \\\n  '),
    );
    assert.match(toCurl(plain.detach(), { toServer: true, multiline: false }), / --connect-to ::127\.0\.0\.1:\d+ -H /);
    await check(message);
  });

  const cases: Record<string, RequestOptions> = {
    'a form': {
      method: 'POST',
      body: "a=1&b=it's $HOME `id` \\n !x",
      headers: [['Content-Type', 'application/x-www-form-urlencoded']],
    },
    'a body that begins with @': { method: 'POST', body: '@/etc/passwd' },
    'lines and control characters': { method: 'PUT', body: 'one\r\ntwo\u0001\u001b[31m9\n\u202e日本\n' },
    'binary with NUL': { method: 'POST', body: Buffer.from([0, 1, 2, 255, 10, 0]) },
    'no UTF-8': { method: 'POST', body: Buffer.from([0xe9, 0x31, 0x27]) },
    'a large text': { method: 'POST', body: 'x'.repeat(300_000) },
    'an empty body': { method: 'POST', body: '' },
    'a chunked body': { method: 'POST', body: 'chunk by chunk', chunked: [3] },
    'a GET with a body': { body: '{"query":{}}', headers: [['Content-Type', 'application/json']] },
    'no body at all': { method: 'POST' },
    'an unusual method': { method: 'PROPFIND', headers: [['Depth', '1']] },
    HEAD: { method: 'HEAD' },
    'HTTP/1.0': { httpVersion: '1.0', host: null },
    'no Host': { host: null },
    'another port': { host: 'example.test:8080' },
    'the default port': { host: 'example.test:80' },
    'a name in capitals': { host: 'Example.TEST' },
    'an odd number as address': { host: '127.1' },
    'no name at all': { host: "it's; $(id)" },
    'an IPv6 address': { host: '[2001:db8::1]:81' },
    'an asterisk': { method: 'OPTIONS', target: '*' },
    'an absolute target': { target: 'http://elsewhere.test/a?b' },
    'dots and brackets': { target: '/a/../b/./[1-3]{x,y}?q=[]' },
    dots: { target: '/a/../b/.' },
    'two slashes': { target: '//evil.test/a' },
    'a fragment and quotes': { target: '/a#b\'"`$(id)\\' },
    'raw bytes': { target: '/caf\xe9/\xc3\xa9' },
    'an empty query': { target: '/a?' },
    'headers of all kinds': {
      headers: [
        ['accept-encoding', 'gzip, br'],
        ['X-Empty', ''],
        ['x-empty', ''],
        ['X-Quotes', '\'"`$HOME\\ !!'],
        ['X-At', '@file'],
        ['X-Semicolon', 'a;'],
        ['X-Latin', 'caf\xe9'],
        ['X-Utf8', 'caf\xc3\xa9'],
        ['X-Bidi', '\xe2\x80\xae'],
        ['Cookie', 'a=1; b=2'],
        ['ACCEPT', 'x/y'],
        ['Cookie', 'c=3'],
      ],
    },
  };
  for (const [name, options] of Object.entries(cases)) test(name, async () => void (await check(request(options))));

  test('a name that curl would read a file for is left out', async () => {
    const plain = (await captured(request())).detach();
    const command = toCurl({ ...plain, headers: [...plain.headers, ['@/etc/passwd', 'x'], ['a b', 'c']] });
    assert.doesNotMatch(command, /passwd|a b/);
  });

  test('a body that was not kept comes from a file', async () => {
    const conversation = new Conversation().handshake();
    conversation.say([request({ method: 'POST', body: 'gone' })]);
    const [exchange] = await readExchanges([conversation.close()], { body: 'none' });
    assert.match(toCurl(exchange?.request as RequestMessage), /--data-binary @request-body\.bin$/);
  });

  test('options are checked', async () => {
    const plain = await captured(request());
    assert.throws(() => toCurl(plain, { multiLine: true } as object), { code: 'ERR_OPTION', message: /'multiline'/ });
  });

  test('random requests arrive as they were', async () => {
    const random = new Random(7);
    for (let i = 0; i < 25; i++) {
      const { request: message } = randomExchange(random, `r${i}`, { maxBodyBytes: 3000 });
      if (message.trailers.length === 0) await check(message, random.chance(0.5));
    }
  });
});
