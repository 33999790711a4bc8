import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { describe as suite, test } from 'node:test';
import { parseCookies, parseSetCookie } from '../lib/export/cookies.js';
import { toHar } from '../lib/export/har.js';
import type { Har, HarEntry } from '../lib/export/har-format.js';
import { HarWriter } from '../lib/export/har-writer.js';
import { CaptureError, capture, type Exchange } from '../lib/index.js';
import { pcap, toPackets } from './support/capture-file.js';
import { Conversation } from './support/conversation.js';
import { collect, skip, temporaryFile, temporaryFolder, top, within } from './support/environment.js';
import { readExchanges } from './support/exchanges.js';
import { assertValidHar } from './support/har.js';
import { type HttpRequest, type HttpResponse, request, response } from './support/http.js';
import { mangle } from './support/network.js';
import { traffic } from './support/traffic.js';

function assertValidEntries(entries: HarEntry[]): void {
  assertValidHar({ log: { version: '1.2', creator: { name: 'test', version: '1' }, entries } });
}

async function exchangeOf(asked: HttpRequest, ...answers: HttpResponse[]): Promise<Exchange> {
  const conversation = new Conversation({ stepNs: 1_000_000n }).handshake().exchange(asked, ...answers);
  const [exchange] = await readExchanges([conversation.close()]);
  assert.ok(exchange);
  return exchange;
}

async function entryOf(
  asked: HttpRequest,
  answer: HttpResponse,
  options: object = { redact: false },
): Promise<HarEntry> {
  const entry = await toHar(await exchangeOf(asked, answer), options);
  assertValidEntries([entry]);
  return entry;
}

suite('toHar', () => {
  test('an exchange', async () => {
    const asked = request({
      method: 'POST',
      target: '/orders?id=1&na%20me=a+b',
      headers: [
        ['Cookie', 'a=1; b=x=y'],
        ['Content-Type', 'application/json'],
      ],
      body: '{"a":"é"}',
    });
    const answer = response({
      status: 302,
      statusText: 'Found',
      headers: [
        ['Location', '/orders/1'],
        ['Set-Cookie', 'sid=1; Path=/; HttpOnly'],
        ['Content-Type', 'text/plain'],
      ],
      body: 'hello '.repeat(50),
      coding: 'gzip',
    });
    const exchange = await exchangeOf(asked, answer);
    const entry = await toHar(exchange, { redact: false, firstOfConnection: true });
    assertValidEntries([entry]);
    const { request: one, response: other, ...rest } = entry;
    assert.deepEqual(rest, {
      // The SYN; the request came three segments later, and the first of them is the handshake's last.
      startedDateTime: '2022-11-12T04:59:00.124456789Z',
      time: 2 + (exchange.timing.total ?? 0),
      cache: {},
      timings: { blocked: -1, dns: -1, connect: 2, ssl: -1, send: 0, wait: exchange.timing.wait, receive: 0 },
      serverIPAddress: '100.100.102.17',
      connection: '8000',
      _connectionId: '1',
      _resourceType: 'fetch',
      _clientIPAddress: '100.100.102.33',
      _clientPort: 47106,
    });
    assert.deepEqual(one, {
      method: 'POST',
      url: 'http://example.test/orders?id=1&na%20me=a+b',
      httpVersion: 'HTTP/1.1',
      cookies: [
        { name: 'a', value: '1' },
        { name: 'b', value: 'x=y' },
      ],
      headers: asked.headers.map(([name, value]) => ({ name, value })),
      queryString: [
        { name: 'id', value: '1' },
        { name: 'na me', value: 'a b' },
      ],
      postData: { mimeType: 'application/json', text: '{"a":"é"}' },
      headersSize: asked.head.length,
      bodySize: asked.body.length,
      _id: exchange.request?.id,
      _integrity: 'complete',
    });
    assert.deepEqual(other, {
      status: 302,
      statusText: 'Found',
      httpVersion: 'HTTP/1.1',
      cookies: [{ name: 'sid', value: '1', path: '/', httpOnly: true }],
      headers: answer.headers.map(([name, value]) => ({ name, value })),
      content: { size: 300, compression: 300 - answer.body.length, mimeType: 'text/plain', text: 'hello '.repeat(50) },
      redirectURL: '/orders/1',
      headersSize: answer.head.length,
      bodySize: answer.body.length,
      _id: exchange.response?.id,
      _integrity: 'complete',
    });
    assert.equal((await toHar(exchange)).timings.connect, -1);
    assert.equal((await toHar(exchange)).startedDateTime, '2022-11-12T04:59:00.126456789Z');
  });

  test('forms have their parameters', async () => {
    const type = (value: string): [string, string][] => [['Content-Type', value]];
    const form = request({
      method: 'POST',
      body: 'a=1&b=%C3%A9+x',
      headers: type('application/x-www-form-urlencoded'),
    });
    assert.deepEqual((await entryOf(form, response())).request.postData, {
      mimeType: 'application/x-www-form-urlencoded',
      params: [
        { name: 'a', value: '1' },
        { name: 'b', value: 'é x' },
      ],
      text: 'a=1&b=%C3%A9+x',
    });
    const part = 'Content-Disposition: form-data; name="f"; filename="x.txt"\r\nContent-Type: text/plain\r\n\r\nhi\r\n';
    const parts = request({
      method: 'POST',
      body: `--b\r\n${part}--b--\r\n`,
      headers: type('multipart/form-data; boundary=b'),
    });
    assert.deepEqual((await entryOf(parts, response())).request.postData?.params, [
      { name: 'f', fileName: 'x.txt', contentType: 'text/plain' },
    ]);
  });

  test('text is text in its charset; other bytes are base64; what cannot be decoded is as sent', async () => {
    const bytes = Buffer.from([0xe9, 0x74, 0xe9]);
    const content = async (answer: HttpResponse) => (await entryOf(request(), answer)).response.content;
    const latin = response({ body: bytes, headers: [['Content-Type', 'text/plain; charset=iso-8859-1']] });
    assert.deepEqual(await content(latin), { size: 3, mimeType: 'text/plain; charset=iso-8859-1', text: 'été' });
    const image = response({ body: bytes, headers: [['Content-Type', 'image/png']] });
    assert.deepEqual(await content(image), { size: 3, mimeType: 'image/png', text: '6XTp', encoding: 'base64' });
    const damaged = await content(response({ body: bytes, headers: [['Content-Encoding', 'gzip']] }));
    assert.equal(damaged.text, '6XTp');
    assert.match(damaged.comment ?? '', /not valid gzip/);
    const large = await toHar(await exchangeOf(request(), response({ body: 'x'.repeat(5000) })), {
      maxDecodedBytes: 1000,
    });
    assert.equal(large.response.content.text?.length, 1000);
    assert.match(large.response.content.comment ?? '', /maxDecodedBytes/);
    const binary = await entryOf(request({ method: 'PUT', body: bytes }), response());
    assert.deepEqual(binary.request.postData, { mimeType: '', text: '6XTp', _encoding: 'base64' });
  });

  test('no response, and no request', async () => {
    const entry = await toHar(await exchangeOf(request()));
    assertValidEntries([entry]);
    assert.equal(entry.response.status, 0);
    assert.equal(entry.response._error, 'closed');
    assert.equal(entry._noResponse, 'closed');
    assert.match(entry.response.comment ?? '', /connection was closed/);
    assert.deepEqual([entry.response.headersSize, entry.response.bodySize, entry.timings.wait], [-1, -1, 0]);

    const conversation = new Conversation().withoutHandshake();
    conversation.say([response({ status: 404 })]);
    const [exchange] = await readExchanges([conversation.close()]);
    const half = await toHar(exchange as Exchange);
    assertValidEntries([half]);
    assert.equal(half.response.status, 404);
    assert.equal(half.request.url, 'http://100.100.102.17:8000/');
    assert.equal(half.request.headersSize, -1);
  });

  test('what developer tools call a WebSocket', async () => {
    for (const [protocol, type] of [
      ['websocket', 'websocket'],
      ['h2c', 'fetch'],
    ] as const) {
      const headers: [string, string][] = [
        ['Connection', 'Upgrade'],
        ['Upgrade', protocol],
      ];
      const exchange = await exchangeOf(request({ headers }), response({ status: 101, headers }));
      const entry = await toHar(exchange);
      assertValidEntries([entry]);
      assert.equal(entry._resourceType, type);
    }
  });

  test('bodies that were not kept', async () => {
    const conversation = new Conversation().handshake();
    conversation.exchange(request({ method: 'POST', body: 'abc' }), response({ body: 'defg' }));
    const [exchange] = await readExchanges([conversation.close()], { body: 'none' });
    const entry = await toHar(exchange as Exchange);
    assertValidEntries([entry]);
    assert.deepEqual([entry.request.bodySize, entry.request.postData], [3, undefined]);
    assert.deepEqual(entry.response.content, {
      size: 4,
      mimeType: 'application/octet-stream',
      comment: 'The body was not kept',
    });
  });

  test('bodies that are streamed', async () => {
    const body = 'streamed '.repeat(20_000);
    const conversation = new Conversation().handshake();
    conversation.exchange(request({ method: 'POST', body: 'abc' }), response({ body, coding: 'gzip', chunked: true }));
    const file = temporaryFile(pcap(toPackets(conversation.close().segments, { link: 'ethernet' })));
    const entries: HarEntry[] = [];
    for await (const exchange of capture({ file, body: 'stream' }).exchanges()) entries.push(await toHar(exchange));
    assertValidEntries(entries);
    assert.equal(entries[0]?.response.content.text, body);
    assert.equal(entries[0]?.request.postData?.text, 'abc');
    assert.equal(entries[0]?.response.bodySize, (await readExchanges([conversation]))[0]?.response?.bodyLength);
  });

  test('odd targets become valid URLs', async () => {
    const urls: [string, string | null, string, string?][] = [
      ['/a\xe9', 'example.test', 'http://example.test/a%E9'],
      ['/%zz?a=[1]', 'example.test', 'http://example.test/%25zz?a=%5B1%5D'],
      ['/a', null, 'http://100.100.102.17:8000/a'],
      ['/a', 'not a host', 'http://100.100.102.17:8000/a'],
      ['http://proxy.test/x', 'other.test', 'http://proxy.test/x'],
      ['/a#b#c', 'example.test', 'http://example.test/a#b%23c'],
    ];
    for (const [target, host, url] of urls) {
      const entry = await entryOf(request({ target, host }), response());
      assert.equal(entry.request.url, url);
      assert.ok(url.endsWith(target) || entry.request._target === target, target);
    }
    const connect = await toHar(
      await exchangeOf(request({ method: 'CONNECT', target: 'a.test:443', host: 'a.test:443' })),
    );
    assertValidEntries([connect]);
    assert.equal(connect.request.url, 'http://a.test:443');
  });

  test('is redacted by default, without the sizes changing', async () => {
    const secret = 'hunter2-hunter2';
    const asked = request({
      method: 'POST',
      target: `/a?token=${secret}`,
      headers: [
        ['Authorization', `Bearer ${secret}`],
        ['Cookie', `sid=${secret}`],
        ['Content-Type', 'application/x-www-form-urlencoded'],
      ],
      body: `password=${secret}`,
    });
    const answer = response({ headers: [['Set-Cookie', `sid=${secret}`]], body: `you sent ${secret}`, coding: 'gzip' });
    const entry = await entryOf(asked, answer, {});
    assert.doesNotMatch(JSON.stringify(entry), /hunter2/);
    assert.match(entry.request.cookies[0]?.value ?? '', /^redacted-[0-9a-f]{6}$/);
    assert.equal(entry.request.postData?.params?.[0]?.value, entry.request.cookies[0]?.value);
    assert.deepEqual([entry.request.headersSize, entry.request.bodySize], [asked.head.length, asked.body.length]);
    assert.equal(entry.response.bodySize, answer.body.length);
    const named = await entryOf(request({ headers: [['X-Mine', 'mine']] }), response(), {
      redact: { headers: ['x-mine'] },
    });
    assert.doesNotMatch(JSON.stringify(named), /"mine"/);
    assert.match(JSON.stringify(await entryOf(asked, answer, { redact: false })), /hunter2/);
  });

  test('options are checked', async () => {
    const exchange = await exchangeOf(request(), response());
    await assert.rejects(toHar(exchange, { redacted: true } as object), { code: 'ERR_OPTION' });
    await assert.rejects(toHar(exchange, { redact: { header: [] } } as object), { code: 'ERR_OPTION' });
  });
});

suite('cookies', () => {
  test('of requests', () => {
    assert.deepEqual(parseCookies('a=1;b=;  c = "x=y" ; ; flag'), [
      { name: 'a', value: '1' },
      { name: 'b', value: '' },
      { name: 'c', value: '"x=y"' },
      { name: '', value: 'flag' },
    ]);
  });
  test('of responses', () => {
    assert.deepEqual(
      parseSetCookie(
        'a=%20; EXPIRES=Wed, 21-Oct-2015 07:28:00 GMT; domain=.x.test; path=/p; secure; httponly; samesite=Lax; x',
      ),
      {
        name: 'a',
        value: '%20',
        expires: '2015-10-21T07:28:00.000Z',
        domain: '.x.test',
        path: '/p',
        secure: true,
        httpOnly: true,
        sameSite: 'Lax',
      },
    );
    assert.deepEqual(parseSetCookie('a=1; expires=someday'), { name: 'a', value: '1' });
  });
});

suite('HarWriter', () => {
  const folder = temporaryFolder();
  let files = 0;
  const newFile = () => path.join(folder, `${files++}.har`);
  const readHar = (file: string): Har => {
    const har: unknown = JSON.parse(readFileSync(file, 'utf8'));
    assertValidHar(har);
    return har;
  };

  test('a file is a valid archive all the time', async () => {
    const conversation = new Conversation().handshake();
    for (let i = 0; i < 5; i++) conversation.exchange(request({ target: `/${i}` }), response({ body: 'é'.repeat(i) }));
    const other = new Conversation({ client: { port: 1 } }).handshake().exchange(request(), response());
    const exchanges = await readExchanges([conversation.close(), other.close()]);
    const file = newFile();
    const har = new HarWriter(file);
    let written = 0;
    for (const exchange of exchanges) {
      await har.write(exchange);
      await har.flush();
      assert.equal(readHar(file).log.entries.length, ++written);
    }
    await har.end();
    const { entries } = readHar(file).log;
    assert.equal(entries.length, 6);
    assert.equal(entries.filter((entry) => entry.timings.connect >= 0).length, 2, 'one handshake a connection');
    await assert.rejects(har.write(exchanges[0] as Exchange), { code: 'ERR_STATE' });
    await har.end();
  });

  test('none at all is an archive too', async () => {
    const file = newFile();
    await new HarWriter(file).end();
    assert.deepEqual(readHar(file).log.entries, []);
  });

  test('in the order of the calls, also when nobody waits', async () => {
    const conversation = new Conversation().handshake();
    for (let i = 0; i < 30; i++)
      conversation.exchange(request({ target: `/${i}` }), response({ body: 'x', coding: i % 2 ? 'gzip' : undefined }));
    const file = newFile();
    {
      await using har = new HarWriter(file);
      for (const exchange of await readExchanges([conversation.close()])) void har.write(exchange);
    }
    assert.deepEqual(
      readHar(file).log.entries.map((entry) => new URL(entry.request.url).pathname),
      Array.from({ length: 30 }, (_, i) => `/${i}`),
    );
  });

  test('to a stream, waiting for a slow one', async () => {
    const exchange = await exchangeOf(request(), response({ body: 'x'.repeat(5000) }));
    const parts: Buffer[] = [];
    let release: (() => void) | undefined;
    const slow = new Writable({
      highWaterMark: 1000,
      write(bytes, _encoding, done) {
        parts.push(bytes);
        release = done;
      },
    });
    const har = new HarWriter(slow);
    void har.write(exchange);
    const first = har.flush();
    let through = false;
    void first.then(() => {
      through = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(through, false);
    const pump = setInterval(() => release?.(), 1);
    await within(first, 'the slow stream');
    await within(har.end(), 'the end');
    clearInterval(pump);
    assert.ok(slow.writableFinished);
    const archive: unknown = JSON.parse(Buffer.concat(parts).toString());
    assertValidHar(archive);
    assert.equal(archive.log.entries.length, 1);
  });

  test('write() waits when too much is queued', async () => {
    const exchange = await exchangeOf(request(), response({ body: 'x'.repeat(300_000) }));
    let written = 0;
    let release: (() => void) | undefined;
    const slow = new Writable({
      write(bytes, _encoding, done) {
        written += bytes.length;
        release = done;
      },
    });
    const har = new HarWriter(slow);
    for (let i = 0; i < 3; i++) await within(har.write(exchange), 'room');
    const fourth = har.write(exchange);
    const state = () =>
      Promise.race([fourth.then(() => 'room'), new Promise((resolve) => setTimeout(resolve, 50, 'none'))]);
    assert.equal(await state(), 'none');
    const pump = setInterval(() => release?.(), 1);
    await within(fourth, 'the slow stream');
    await within(har.end(), 'the end');
    clearInterval(pump);
    assert.ok(written > 1_200_000);
  });

  test('to a pipe, which cannot go back', async () => {
    const fifo = path.join(folder, 'fifo');
    assert.equal((await once(spawn('mkfifo', [fifo]), 'exit'))[0], 0);
    const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'inherit'] });
    const text = collect(reader.stdout);
    const har = new HarWriter(fifo);
    await har.write(await exchangeOf(request(), response()));
    await har.end();
    const archive: unknown = JSON.parse(Buffer.concat(await within(text, 'the pipe')).toString());
    assertValidHar(archive);
    assert.equal(archive.log.entries.length, 1);
  });

  test('failures are CaptureErrors, and never unhandled', async () => {
    const exchange = await exchangeOf(request(), response());
    const nowhere = new HarWriter(path.join(folder, 'missing', 'x.har'));
    await nowhere.write(exchange).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 20));
    await assert.rejects(nowhere.write(exchange), { code: 'ERR_FILE', message: /missing.*x\.har/ });
    await assert.rejects(nowhere.end(), { code: 'ERR_FILE' });
    const broken = new PassThrough();
    const har = new HarWriter(broken);
    await har.write(exchange);
    await har.flush();
    broken.destroy(new Error('gone'));
    await assert.rejects(
      har.write(exchange).then(() => har.flush()),
      (error) => error instanceof CaptureError && /gone/.test(error.message),
    );
    await assert.rejects(har.end(), { code: 'ERR_FILE' });
    const full = existsSync('/dev/full') ? new HarWriter('/dev/full') : undefined;
    if (full)
      await assert.rejects(
        full.write(exchange).then(() => full.end()),
        { code: 'ERR_FILE' },
      );
    assert.throws(() => new HarWriter('x.har', { firstOfConnection: true } as object), { code: 'ERR_OPTION' });
    assert.throws(() => new HarWriter(7 as unknown as string), { code: 'ERR_OPTION' });
  });

  test('memory does not grow with it', async () => {
    const exchange = (await exchangeOf(request(), response({ body: 'x'.repeat(20_000) }))).detach();
    const sink = new Writable({ write: (_bytes, _encoding, done) => done() });
    const har = new HarWriter(sink);
    const batch = async (count: number) => {
      for (let i = 0; i < count; i++) await har.write(exchange);
      return process.memoryUsage().heapUsed;
    };
    await batch(300);
    const before = await batch(300);
    const later = await batch(3000);
    // All of them would be 60 MB.
    assert.ok(later - before < 30_000_000, `${(later - before) / 1e6} MB`);
    await har.end();
  });
});

suite('archives of captures follow the published schema', () => {
  for (const seed of [1, 2]) {
    test(`random traffic on a lossy network, seed ${seed}`, async () => {
      const { segments } = traffic({ seed, conversations: 12, exchanges: 10 });
      const lossy = mangle(segments, { seed, lose: 0.02, reorder: 0.05, duplicate: 0.02 });
      const file = temporaryFile(pcap(toPackets(lossy, { link: 'ethernet' }), { nanoseconds: true }));
      const entries: HarEntry[] = [];
      for await (const exchange of capture({ file }).exchanges()) entries.push(await toHar(exchange));
      assert.ok(entries.length > 50);
      assertValidEntries(entries);
    });
  }

  const corpus = path.resolve(top, '../shared/corpus/pcaps');
  const missing = existsSync(corpus) ? false : skip('the corpus of real captures is not here');
  test('real captures', { skip: missing }, async () => {
    let count = 0;
    for (const name of readdirSync(corpus)) {
      const entries: HarEntry[] = [];
      try {
        for await (const exchange of capture({ file: path.join(corpus, name) }).exchanges())
          entries.push(await toHar(exchange));
      } catch (error) {
        // Some are no captures, or damaged at their end.
        if (!(error instanceof CaptureError) || error.code !== 'ERR_FILE') throw new Error(name, { cause: error });
      }
      try {
        assertValidEntries(entries);
      } catch (error) {
        throw new Error(name, { cause: error });
      }
      count += entries.length;
    }
    assert.ok(count > 500, `${count} exchanges`);
  });
});
