/** `--raw`: what was said, byte for byte. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { commandArgs, pcapOf } from './cli-support.js';
import { temporaryFile } from './support/environment.js';

const requests = [
  'GET /a HTTP/1.1\r\nHost: x\r\n\r\n',
  'POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
];
const long = 'z'.repeat(0xa00);
const responses = [
  `HTTP/1.1 200 OK\r\ntransfer-encoding:  chunked\r\n\r\n005;a="b;c";d\r\nhello\r\nA00\r\n${long}\r\n0;last=1\r\nX-Sum: \xe9\r\n folded\r\n\r\n`,
  'HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\n\0\xff\r\n',
].map((response) => Buffer.from(response, 'latin1'));
const conversation = pcapOf([requests.map((request, index) => ({ request, response: responses[index] as Buffer }))]);

async function raw(capture: Uint8Array, ...args: string[]): Promise<{ bytes: Buffer; stderr: string }> {
  const child = spawn(process.execPath, [...commandArgs, '-r', temporaryFile(capture), '--raw', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  assert.equal(code, 0, stderr);
  return { bytes: Buffer.concat(chunks), stderr };
}

/** The capture without its packet `index`, counted from 0. */
function without(index: number, capture: Buffer): Buffer {
  let start = 24;
  let next = start;
  for (let packet = 0; packet <= index; packet++) {
    start = next;
    next = start + 16 + capture.readUInt32LE(start + 8);
  }
  return Buffer.concat([capture.subarray(0, start), capture.subarray(next)]);
}

test('chunk sizes, extensions, trailers and line ends come out as they were sent', async () => {
  const { bytes, stderr } = await raw(conversation);
  assert.deepEqual(
    bytes,
    Buffer.concat([requests[0], responses[0], requests[1], responses[1]].map((part) => Buffer.from(part as string))),
  );
  assert.doesNotMatch(stderr, /not complete|cut/);
});

test('--no-body leaves the heads', async () => {
  const { bytes } = await raw(conversation, '--no-body');
  const head = (of: string | Buffer) => `${of.toString('latin1').split('\r\n\r\n')[0]}\r\n\r\n`;
  assert.equal(
    bytes.toString('latin1'),
    [requests[0], responses[0], requests[1], responses[1]].map((part) => head(part as string)).join(''),
  );
});

test('a message with a hole is cut off there, and that is said', async () => {
  // Handshake, request, its acknowledgment; then the first of two segments of the response.
  const { bytes, stderr } = await raw(without(6, conversation), '-n', '2');
  assert.deepEqual(
    bytes,
    Buffer.concat([Buffer.from(requests[0] as string), (responses[0] as Buffer).subarray(0, 1400)]),
  );
  assert.match(stderr, /\nflowtap: 1 message not complete: cut off at the first missing byte\n/);
});

test('so is one that --max-body cuts', async () => {
  const { bytes, stderr } = await raw(conversation, '--max-body', '7', '-n', '2');
  assert.equal(bytes.subarray(-7).toString(), '005;a="');
  assert.match(stderr, /\nflowtap: 1 body cut by --max-body\n/);
});
