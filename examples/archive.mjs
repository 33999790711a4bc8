// @ts-check
/**
 * Writes messages as gzipped NDJSON through a pipeline of Node's streams. Nothing is read faster than the disk takes it: a capture file
 * waits, a live capture queues up to a limit and counts what it drops. FILE appears when it is complete.
 */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';
import { capture } from 'flowtap';

const usage = `Usage: node archive.mjs [-i INTERFACE] [-p PORT]... [-r FILE] FILE.ndjson.gz
Ctrl-C ends the capture and completes the file; once more gives it up.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    interface: { type: 'string', short: 'i' },
    port: { type: 'string', short: 'p', multiple: true },
    read: { type: 'string', short: 'r' },
    help: { type: 'boolean', short: 'h' },
  },
});
const [file] = positionals;
if (values.help || !file) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}
const part = `${file}.part`;

const lines = new Transform({
  writableObjectMode: true,
  transform: (message, _encoding, done) => done(null, `${JSON.stringify(message)}\n`),
});
const giveUp = new AbortController();

try {
  const tap = capture({ interface: values.interface, port: values.port?.map(Number), file: values.read });
  process.once('SIGTERM', () => tap.stop());
  process.once('SIGINT', () => {
    tap.stop();
    process.once('SIGINT', () => giveUp.abort());
    console.error('Writing what was captured. Ctrl-C once more gives up.');
  });
  await tap.ready;
  console.error(`Reading ${values.read ?? tap.info?.interface}`);
  // Whichever of them fails, be it the disk, all are closed, the tap included.
  const output = createWriteStream(part, { mode: 0o600 });
  await pipeline(Readable.from(tap), lines, createGzip(), output, { signal: giveUp.signal });
  await rename(part, file);
  const { messagesDelivered, messagesDropped } = tap.stats().delivery;
  console.log(`${messagesDelivered} messages in ${file}, ${messagesDropped} dropped`);
} catch (error) {
  await rm(part, { force: true });
  console.error(/** @type {Error} */ (error).message);
  process.exitCode = 1;
}
