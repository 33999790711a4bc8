// Uses flowtap in whatever runs this: node anywhere.mjs ENTRY FILE [INTERFACE]. Prints JSON. Plain JavaScript, for runtimes other than that
// of the tests.
import { createServer, get } from 'node:http';

const [, , entry, file, loopback] = process.argv;
const { capture, interfaces, libpcapVersion } = await import(entry);

const messages = [];
for await (const message of capture({ file, filter: 'tcp port 8000' }))
  messages.push([message.id, message.kind, message.time, message.method ?? message.status, await message.text()]);

let filterError;
try {
  await capture({ file, filter: 'tcp prot' }).toArray();
} catch (error) {
  filterError = `${error.code} ${error.message}`;
}

const live = loopback ? await listen() : undefined;
console.log(JSON.stringify({ libpcap: libpcapVersion(), interfaces: await interfaces(), messages, filterError, live }));

/** Captures one exchange. */
async function listen() {
  const server = createServer((_, response) => response.end('hello'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const tap = capture({ interface: loopback, port, signal: AbortSignal.timeout(30_000) });
  await tap.ready;
  get({ port, host: '127.0.0.1', path: '/live', agent: false }, (response) => response.resume());
  const seen = [];
  for await (const message of tap) {
    seen.push([message.kind, message.path ?? message.request?.path, await message.text()]);
    if (message.kind === 'response') break;
  }
  server.close();
  return seen;
}
