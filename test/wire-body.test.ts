/** `body: 'wire'`: chunked bodies keep their framing. */
import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { capture, type Message } from '../lib/index.js';
import { pcapOf } from './cli-support.js';
import { collect, temporaryFile } from './support/environment.js';

const framed = '5;ext="1"\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n';
const large = `11170\r\n${'x'.repeat(0x11170)}\r\n0\r\n\r\n`;
const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const file = temporaryFile(
  pcapOf([
    [
      { request: get, response: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${framed}` },
      { request: get, response: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' },
      { request: get, response: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${large}` },
    ],
  ]),
);

async function responses(body: 'wire' | 'buffer' | 'none'): Promise<[Message, Message, Message]> {
  const messages = await collect(capture({ file, body }));
  return messages.filter((message) => message.kind === 'response') as unknown as [Message, Message, Message];
}

suite("body: 'wire'", () => {
  test('wireBody has sizes, extensions and trailer section', async () => {
    const [chunked, , separate] = await responses('wire');
    assert.equal(String(chunked.wireBody), framed);
    assert.equal(chunked.bodyLength, 5);
    assert.equal(chunked.trailers.get('x-sum'), '1');
    assert.equal(String(separate.wireBody), large);
  });

  test('nobody takes it for the body', async () => {
    const [chunked] = await responses('wire');
    assert.equal(chunked.body, undefined);
    await assert.rejects(chunked.bytes(), { code: 'ERR_STATE' });
    await assert.rejects(chunked.text(), { code: 'ERR_STATE' });
    assert.ok(!('body' in JSON.parse(JSON.stringify(chunked))));
    assert.equal(chunked.detach().body, undefined);
  });

  test('other bodies are as ever, and wireBody is the same', async () => {
    const [, plain] = await responses('wire');
    assert.equal(await plain.text(), 'ok');
    assert.equal(String(plain.wireBody), 'ok');
  });
});

test('wireBody without it: only where there is no framing', async () => {
  const [chunked, plain] = await responses('buffer');
  assert.equal(chunked.wireBody, undefined);
  assert.equal(String(plain.wireBody), 'ok');
  for (const message of await responses('none')) assert.equal(message.wireBody, undefined);
});
