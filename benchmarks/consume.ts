/**
 * The library as a program uses it, in a process of its own: `consume.js LIBRARY MODE FILE [PORT]`. Prints one line of JSON with what it
 * counted and with the CPU time of the whole process, from the call of capture() to its end.
 */
import { crc32 } from 'node:zlib';
import type { Message } from '../lib/index.js';
import type { MessageCounts } from './counts.js';
import { isSelected, selection } from './selection.js';
import { addDigest, messageDigest } from './workloads/truth.js';

type Library = typeof import('../lib/index.js');
type Read = (message: Message) => void;

const counts: MessageCounts = { messages: 0 };
/** Keeps what is read from being optimised away. */
let used = 0;

function countComplete(message: Message): boolean {
  counts.messages++;
  if (message.integrity !== 'complete') return false;
  if (message.kind === 'request') counts.requests = (counts.requests ?? 0) + 1;
  else counts.responses = (counts.responses ?? 0) + 1;
  return true;
}

const readers: Record<string, Read> = {
  fields(message) {
    countComplete(message);
    used += message.kind === 'request' ? message.method.length + (message.url?.length ?? 0) : message.status;
  },
  headers(message) {
    const complete = countComplete(message);
    used += message.kind === 'request' ? message.method.length + (message.url?.length ?? 0) : message.status;
    const { raw } = message.headers;
    for (const [name, value] of raw) used += name.length + value.length;
    if (complete) counts.headerFields = (counts.headerFields ?? 0) + raw.length;
  },
  everything(message) {
    const complete = countComplete(message);
    const { client, server } = message.connection;
    used +=
      message.id + message.connection.id + client.address.length + client.port + server.address.length + server.port;
    used += Number((message.endTime - message.startTime) & 0xffn) + message.timestamp.getTime();
    used += message.httpVersion.length + message.bodyLength + (message.bodyTruncated ? 1 : 0);
    const { raw } = message.headers;
    for (const [name, value] of raw) used += name.length + value.length;
    for (const [name, value] of message.trailers.raw) used += name.length + value.length;
    const { head, body } = message;
    used += head[head.length - 1] ?? 0;
    if (body !== undefined && body.length > 0) used += (body[0] as number) + (body[body.length - 1] as number);
    if (message.kind === 'request') {
      used +=
        message.method.length +
        message.target.length +
        (message.url?.length ?? 0) +
        message.path.length +
        message.query.length;
    } else {
      used += message.status + message.statusText.length + (message.requestId ?? 0) + (message.interim ? 1 : 0);
      used += message.request?.id ?? 0;
    }
    if (!complete) return;
    counts.headerFields = (counts.headerFields ?? 0) + raw.length;
    counts.headBytes = (counts.headBytes ?? 0) + head.length;
    counts.bodyBytes = (counts.bodyBytes ?? 0) + (body?.length ?? 0);
  },
  digest(message) {
    if (!countComplete(message)) return;
    const start = message.kind === 'request' ? `${message.method} ${message.target}` : `${message.status}`;
    const body = message.body ?? new Uint8Array();
    counts.bodyBytes = (counts.bodyBytes ?? 0) + body.length;
    counts.headBytes = (counts.headBytes ?? 0) + message.head.length;
    counts.headerFields = (counts.headerFields ?? 0) + message.headers.raw.length;
    counts.digest = addDigest(counts.digest ?? 0, messageDigest(message.kind, start, message.bodyLength, crc32(body)));
  },
};

const [library = '', mode = '', file = '', port = ''] = process.argv.slice(2);
const [name = '', ...variants] = mode.split('-');
const { capture }: Library = await import(library);

const before = process.cpuUsage();
const started = performance.now();
const tap = capture({
  file,
  port: port === '' ? undefined : Number(port),
  body: variants.includes('bodyless') ? 'none' : 'buffer',
  ...(name === 'match' && { match: selection }),
});
if (name === 'batches') {
  for await (const batch of tap.batches()) counts.messages += batch.length;
} else if (name === 'match') {
  for await (const message of tap) if (message.id > 0) counts.messages++;
} else if (name === 'selected') {
  for await (const message of tap) if (isSelected(message)) counts.messages++;
} else {
  const read = readers[name];
  if (read === undefined) throw new Error(`no such mode: ${mode}`);
  if (variants.includes('inner')) {
    for await (const batch of tap.batches()) for (const message of batch) read(message);
  } else {
    for await (const message of tap) read(message);
  }
}
const { user, system } = process.cpuUsage(before);
const wallSeconds = (performance.now() - started) / 1000;
const cost = { cpuSeconds: (user + system) / 1e6, wallSeconds, peakKiB: process.resourceUsage().maxRSS };
console.log(JSON.stringify({ ...cost, ...counts, used: used > 0 }));
