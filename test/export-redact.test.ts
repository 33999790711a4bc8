import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { Masks } from '../lib/export/masks.js';
import { redact } from '../lib/export/redact.js';
import type { RedactOptions } from '../lib/export/secret-names.js';
import type { DetachedRequest, DetachedResponse, Exchange } from '../lib/index.js';
import { Conversation } from './support/conversation.js';
import { readExchanges } from './support/exchanges.js';
import { type HttpResponse, type RequestOptions, request, response } from './support/http.js';

const key = 'key of the test';
const maskOf = (secret: string) => new Masks(key).mask(secret);

async function exchangeOf(options: RequestOptions, answer: HttpResponse = response()): Promise<Exchange> {
  const [exchange] = await readExchanges([new Conversation().handshake().exchange(request(options), answer).close()]);
  assert.ok(exchange?.request && exchange.response);
  return exchange;
}

async function redacted(options: RequestOptions, more: RedactOptions = {}): Promise<DetachedRequest> {
  const { request: asked } = await exchangeOf(options);
  assert.ok(asked);
  const once = redact(asked, { key, ...more });
  assert.deepEqual(redact(once, { key, ...more }), once, 'a second time changes nothing');
  assertAgrees(once);
  return once;
}

/** Head, headers, target and lengths say the same. */
function assertAgrees(message: DetachedRequest | DetachedResponse): void {
  const [startLine = '', ...lines] = textOf(message.head).split('\r\n');
  assert.deepEqual(
    lines.slice(0, -2),
    message.headers.map(([name, value]) => `${name}: ${value}`),
  );
  if (message.kind === 'request') {
    assert.equal(startLine, `${message.method} ${message.target} HTTP/${message.httpVersion}`);
    assert.equal(
      [message.path, message.query].filter((part) => part !== '').join('?'),
      message.target.replace(/\?$/, ''),
    );
    assert.equal(message.url, `http://example.test${message.target}`);
  } else assert.equal(startLine, `HTTP/${message.httpVersion} ${message.status} ${message.statusText}`);
  const length = fieldOf(message, 'content-length');
  if (length !== undefined) assert.equal(Number(length), message.body?.length);
  assert.equal(message.bodyLength, message.body?.length);
}

const textOf = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('latin1');
const fieldOf = ({ headers }: { headers: readonly (readonly [string, string])[] }, name: string) =>
  headers.find(([sent]) => sent.toLowerCase() === name)?.[1];

/** Every text in which a secret could be left. */
function everything(value: unknown): string {
  const texts: string[] = [];
  const visit = (one: unknown): void => {
    if (one instanceof Uint8Array) texts.push(textOf(one));
    else if (typeof one === 'string') texts.push(one);
    else if (typeof one === 'object' && one !== null)
      Object.entries(one).forEach(([name, part]) => {
        texts.push(name);
        visit(part);
      });
  };
  visit(value);
  return texts.join('\n');
}

suite('redact', () => {
  test('the usual headers, with scheme, names and attributes left', async () => {
    const message = await redacted({
      headers: [
        ['Authorization', 'Bearer eyJhbGciOi.payload.sig'],
        ['proxy-authorization', 'Basic dXNlcjpwYXNzd29yZA=='],
        ['Cookie', 'sid=s3cr3t; theme="dark mode"; flag'],
        ['X-Api-Key', 'k-123456'],
        ['X-Kept', 'as it was'],
      ],
    });
    assert.deepEqual(message.headers.slice(1), [
      ['Authorization', `Bearer ${maskOf('eyJhbGciOi.payload.sig')}`],
      ['proxy-authorization', `Basic ${maskOf('dXNlcjpwYXNzd29yZA==')}`],
      ['Cookie', `sid=${maskOf('s3cr3t')}; theme="${maskOf('dark mode')}"; ${maskOf('flag')}`],
      ['X-Api-Key', maskOf('k-123456')],
      ['X-Kept', 'as it was'],
    ]);
    assert.match(maskOf('flag'), /^redacted-[0-9a-f]{6}$/);
  });

  test('Set-Cookie, also a malformed one', async () => {
    const headers: [string, string][] = [
      ['Set-Cookie', 'sid=abc; Path=/; Expires=Wed, 21 Oct 2015 07:28:00 GMT; Max-Age=1; HttpOnly; SameSite=Lax'],
      ['Set-Cookie', 'a=1; Path=/, b=hidden; Secure'],
      ['Set-Cookie', 'a=1; note=hidden; hidden'],
    ];
    const { response: answered } = await exchangeOf({}, response({ headers }));
    assert.ok(answered);
    const message = redact(answered, { key });
    assertAgrees(message);
    const [first, second, third] = message.headers.map(([, value]) => value);
    assert.equal(first, headers[0]?.[1].replace('abc', maskOf('abc')));
    assert.equal(second, `a=${maskOf('1')}; Path=${maskOf('/, b=hidden')}; Secure`);
    assert.equal(third, `a=${maskOf('1')}; note=${maskOf('hidden')}; ${maskOf('hidden')}`);
  });

  test('credentials of an unknown scheme are masked whole', async () => {
    const message = await redacted({ headers: [['Authorization', 'hunter2 hunter3']] });
    assert.equal(fieldOf(message, 'authorization'), maskOf('hunter2 hunter3'));
  });

  test('the same token has the same fingerprint wherever it stands; another key gives another', async () => {
    const options: RequestOptions = {
      method: 'POST',
      target: '/a?access_token=tok%65n-1&x=1',
      headers: [
        ['Authorization', 'Bearer token-1'],
        ['Content-Type', 'application/json'],
      ],
      body: '{"token":"t\\u006fken-1"}',
    };
    const message = await redacted(options);
    const mask = maskOf('token-1');
    assert.equal(message.target, `/a?access_token=${mask}&x=1`);
    assert.equal(fieldOf(message, 'authorization'), `Bearer ${mask}`);
    assert.equal(textOf(message.body), `{"token":"${mask}"}`);
    assert.notEqual((await redacted(options, { key: 'other' })).target, message.target);
    const byDefault = (await exchangeOf(options)).request;
    assert.ok(byDefault);
    assert.deepEqual(redact(byDefault), redact(byDefault));
  });

  test('named headers, parameters and fields, however they are written', async () => {
    const message = await redacted(
      {
        method: 'POST',
        target: '/a?My-Pin=1&other=2',
        headers: [
          ['X_Customer', 'Jane'],
          ['Referer', 'http://u:pw@example.test/b?my%5Fpin=3#id_token=x'],
        ],
        body: '{"a":[{"my_pin":4},{"b":{"MYPIN" : "5"}}]}',
      },
      { headers: ['x-customer'], query: ['mypin'], fields: ['my-pin'] },
    );
    assert.equal(message.target, `/a?My-Pin=${maskOf('1')}&other=2`);
    assert.equal(fieldOf(message, 'x_customer'), maskOf('Jane'));
    assert.equal(
      fieldOf(message, 'referer'),
      `http://${maskOf('u:pw')}@example.test/b?my%5Fpin=${maskOf('3')}#id_token=${maskOf('x')}`,
    );
    assert.deepEqual(JSON.parse(textOf(message.body)), { a: [{ my_pin: maskOf('4') }, { b: { MYPIN: maskOf('5') } }] });
  });

  const secret = 'hunter2-hunter2';
  const bodies: Record<string, [string, string]> = {
    'an object': [`{"password":{"value":["${secret}"]},"a":1}`, `{"password":"MASK","a":1}`],
    'what is no secret': ['{"password":null,"token":"","secret":true}', '{"password":null,"token":"","secret":true}'],
    'several values': [`{"token":"${secret}"}\n{"token":"${secret}"}\n`, '{"token":"MASK"}\n{"token":"MASK"}\n'],
    'a value that was cut off': [`{"a":1,"token":"${secret}`, '{"a":1,"token":"MASK"'],
    'an object that was cut off': [`{"token":{"a":"${secret}`, '{"token":"MASK"'],
    'JSON in JSON': [`{"m":"{\\"token\\":\\"${secret}\\",\\"a\\":1}"}`, '{"m":"{\\"token\\":\\"MASK\\",\\"a\\":1}"}'],
    'JSON in JSON that was cut off': [
      `{"m":"{\\"token\\":\\"${secret}","n":1}`,
      '{"m":"{\\"token\\":\\"MASK\\"","n":1}',
    ],
    'quotes that do not match': [`5" wide, "token": "${secret}"`, '5" wide, "token": "MASK"'],
    'an escaped name': [`{"pass\\u0077ord":"${secret}"}`, '{"pass\\u0077ord":"MASK"}'],
    'a number': ['{"token":12345678901234567890.5}', '{"token":"MASK"}'],
    'a form': [`password=${secret}&x=1`, 'password=MASK&x=1'],
    'server-sent events': [`data: {"token":"${secret}"}\n\n`, 'data: {"token":"MASK"}\n\n'],
    'a link': [`<a href="/x?token=${secret}&y=1">`, '<a href="/x?token=MASK&y=1">'],
  };
  for (const [name, [body, wanted]] of Object.entries(bodies)) {
    test(`in a body: ${name}`, async () => {
      const type = name === 'a form' ? 'application/x-www-form-urlencoded' : 'application/json';
      const message = await redacted({ method: 'POST', body, headers: [['Content-Type', type]] });
      assert.equal(textOf(message.body).replace(/redacted-[0-9a-f]{6}/g, 'MASK'), wanted);
    });
  }

  test('in multipart forms', async () => {
    const part = (head: string, content: string) =>
      `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`;
    const body = `${part('name="password"', secret)}${part('filename="x"; name="file"', `{"token":"${secret}"}`)}--b--\r\n`;
    const type: [string, string] = ['Content-Type', 'multipart/form-data; boundary=b'];
    const message = await redacted({ method: 'POST', body, headers: [type] });
    assert.equal(textOf(message.body), body.replaceAll(secret, maskOf(secret)));
  });

  test('content codings are undone only where something was masked', async () => {
    const coded = await redacted({ method: 'POST', body: `{"token":"${secret}","a":"é"}`, coding: 'gzip' });
    assert.equal(Buffer.from(coded.body ?? []).toString(), `{"token":"${maskOf(secret)}","a":"é"}`);
    assert.equal(fieldOf(coded, 'content-encoding'), undefined);
    const untouched = await redacted({ method: 'POST', body: '{"a":1}', coding: 'gzip' });
    assert.equal(gunzipSync(untouched.body ?? '').toString(), '{"a":1}');
    assert.equal(fieldOf(untouched, 'content-encoding'), 'gzip');
  });

  test('text in UTF-16 is searched too', async () => {
    const type: [string, string] = ['Content-Type', 'application/json; charset=utf-16le'];
    const message = await redacted({
      method: 'POST',
      body: Buffer.from(`{"token":"${secret}é"}`, 'utf16le'),
      headers: [type],
    });
    assert.equal(
      Buffer.from(message.body ?? [])
        .toString()
        .replace(/redacted-\w{6}/, 'MASK'),
      '{"token":"MASK"}',
    );
    assert.equal(fieldOf(message, 'content-type'), 'application/json; charset=utf-8');
  });

  test('a body that cannot be decoded is left out', async () => {
    const headers: [string, string][] = [['Content-Encoding', 'unknown']];
    const { request: asked } = await exchangeOf({ method: 'POST', body: `{"token":"${secret}"}`, headers });
    assert.ok(asked);
    assert.equal(redact(asked).body, undefined);
    const damaged = Buffer.concat([Buffer.from('x'), gzipSync(secret)]);
    const other = await exchangeOf({ method: 'POST', body: damaged, headers: [['Content-Encoding', 'gzip']] });
    assert.equal(redact(other).request?.body, undefined);
  });

  test('without secrets nothing changes', async () => {
    const { request: asked } = await exchangeOf({
      method: 'POST',
      target: '/a?b=c',
      body: '{"a":"b"}',
      headers: [['X', 'y']],
    });
    assert.ok(asked);
    assert.deepEqual(redact(asked), asked.detach());
  });

  test('what one message has is masked in the other', async () => {
    const headers: [string, string][] = [['Set-Cookie', 'sid=abcdefgh-set']];
    const answer = response({ headers, body: `echo ${secret}`, statusText: secret });
    const exchange = await exchangeOf(
      {
        headers: [
          ['Authorization', `Bearer ${secret}`],
          ['X-Old', 'abcdefgh-set'],
        ],
      },
      answer,
    );
    const safe = redact(exchange, { key });
    assert.doesNotMatch(everything(safe), /hunter2|abcdefgh/);
    assert.equal(textOf(safe.response?.body), `echo ${maskOf(secret)}`);
    assert.equal(safe.response?.statusText, maskOf(secret));
    assert.ok(safe.request && safe.response);
    assertAgrees(safe.request);
    assertAgrees(safe.response);
    assert.equal(everything(redact(exchange, { key }).request), everything(redact(exchange.detach(), { key }).request));
  });

  test('a password is not left behind its user name', async () => {
    const basic = Buffer.from(`jane:${secret}`).toString('base64');
    const message = await redacted({
      method: 'POST',
      headers: [['Authorization', `Basic ${basic}`]],
      body: `login ${secret} failed`,
    });
    assert.doesNotMatch(everything(message), /hunter2/);
  });

  test('lines of a head that are no fields do not survive', async () => {
    const { request: asked } = await exchangeOf({
      headers: [
        ['X-Folded', `a\r\n b`],
        ['X', 'y\r\nAuthorization Bearer hunter2'],
      ],
    });
    assert.ok(asked);
    assert.match(textOf(asked.head), /hunter2/);
    assert.doesNotMatch(everything(redact(asked)), /hunter2/);
  });

  test('options are checked', async () => {
    const { request: asked } = await exchangeOf({});
    assert.ok(asked);
    for (const bad of [{ header: [] }, { headers: 'x' }, { query: [1] }, { key: '' }, { fields: [''] }, null]) {
      assert.throws(() => redact(asked, bad as object), { code: 'ERR_OPTION' });
    }
  });

  test('hostile bodies take no time', async () => {
    for (const body of [
      '\\'.repeat(500_000),
      '"\\'.repeat(300_000),
      '"a":'.repeat(200_000),
      '{"token":'.repeat(100_000),
      '//'.repeat(300_000),
    ]) {
      const { request: asked } = await exchangeOf({ method: 'POST', body });
      assert.ok(asked);
      const started = performance.now();
      redact(asked);
      assert.ok(performance.now() - started < 1500, `${body.slice(0, 10)}… took ${performance.now() - started} ms`);
    }
  });

  test('hostile headers take no time', async () => {
    for (const piece of [' ', 'a ', '=', '"', ',', '//', '?', 'a=']) {
      const headers = ['Cookie', 'Authorization', 'X', 'Content-Type'].map((name): [string, string] => [
        name,
        `a${piece.repeat(50_000 / piece.length)}b`,
      ]);
      const exchange = await exchangeOf(
        { method: 'POST', body: 'x', headers },
        response({ headers: [['Set-Cookie', `a=b; c${piece.repeat(25_000)}d`]] }),
      );
      const started = performance.now();
      redact(exchange);
      assert.ok(performance.now() - started < 1000, `'${piece}' took ${performance.now() - started} ms`);
    }
  });

  test('thousands of cookies take no time', async () => {
    const cookies = Array.from({ length: 8000 }, (_, i) => `c${i}=value-number-${i}`).join('; ');
    const exchange = await exchangeOf({ headers: [['Cookie', cookies]] }, response({ body: 'x'.repeat(4_000_000) }));
    const started = performance.now();
    assert.doesNotMatch(everything(redact(exchange, { key })), /value-number/);
    assert.ok(performance.now() - started < 5000, `took ${performance.now() - started} ms`);
  });

  test('no secret survives anywhere', async () => {
    const opaque = fc
      .string({ minLength: 10, maxLength: 40, unit: fc.constantFrom(...'abcdefXYZ0189-_.~+/=') })
      .map((text) => `S3CRET${text}`);
    const places = fc.record({
      bearer: fc.boolean(),
      basic: fc.boolean(),
      cookie: fc.boolean(),
      query: fc.boolean(),
      echoed: fc.boolean(),
      coding: fc.constantFrom(undefined, 'gzip' as const, 'br' as const),
      chunked: fc.constantFrom(undefined, true as const),
      kind: fc.constantFrom('json', 'nested', 'form', 'text'),
    });
    await fc.assert(
      fc.asyncProperty(opaque, places, async (token, place) => {
        const headers: [string, string][] = [];
        if (place.bearer) headers.push(['Authorization', `Bearer ${token}`]);
        if (place.basic) headers.push(['Proxy-Authorization', `Basic ${Buffer.from(`u:${token}`).toString('base64')}`]);
        if (place.cookie) headers.push(['Cookie', `a=1; sid=${token}`], ['X-Echo', place.bearer ? token : 'none']);
        const encoded = encodeURIComponent(token);
        const bodyOf: Record<string, string> = {
          json: JSON.stringify({ list: [{ access_token: token }], n: 1 }),
          nested: JSON.stringify({ message: JSON.stringify({ message: JSON.stringify({ password: token }) }) }),
          form: `x=1&client_secret=${encoded}`,
          text: place.bearer || place.cookie ? `it was ${token}` : 'nothing',
        };
        if (place.kind === 'form') headers.push(['Content-Type', 'application/x-www-form-urlencoded']);
        const echo = place.echoed && headers.length > 1 && (place.bearer || place.cookie) ? token : 'nothing';
        const target = place.query ? `/a?api_key=${encoded}&b=1` : '/a';
        const exchange = await exchangeOf(
          {
            method: 'POST',
            target,
            headers,
            body: bodyOf[place.kind] ?? '',
            coding: place.coding,
            chunked: place.chunked,
          },
          response({
            headers: [
              ['Set-Cookie', `sid=${token}; Path=/`],
              ['Location', `/b?token=${encoded}#x`],
            ],
            body: JSON.stringify({ echo }),
          }),
        );
        const safe = redact(exchange);
        const left = everything(safe);
        const json = JSON.stringify(safe, (_, value) => (typeof value === 'bigint' ? String(value) : value));
        for (const form of [
          token,
          encoded,
          Buffer.from(`u:${token}`).toString('base64'),
          Buffer.from(token).toString('base64'),
        ]) {
          assert.ok(!left.includes(form) && !json.includes(form), `${form} is left in ${left}`);
        }
        assert.deepEqual(redact(safe), safe);
      }),
      { numRuns: 60, seed: 5 },
    );
  });
});
