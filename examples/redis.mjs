// @ts-check
/**
 * Adds messages to a Redis stream, a line of JSON an entry, for whoever wants to process them elsewhere. REDIS_URL says where, such as
 * redis://user:password@host:6379.
 *
 *   npm install flowtap redis
 */
import { parseArgs } from 'node:util';
import { capture } from 'flowtap';
import { createClient } from 'redis';

const usage = `Usage: node redis.mjs [-i INTERFACE] [-p PORT]... [-r FILE] [--keep N] STREAM
The stream keeps about the N newest entries, 100000 by default.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    interface: { type: 'string', short: 'i' },
    port: { type: 'string', short: 'p', multiple: true },
    read: { type: 'string', short: 'r' },
    keep: { type: 'string', default: '100000' },
    help: { type: 'boolean', short: 'h' },
  },
});
const [stream] = positionals;
if (values.help || !stream) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}

const redis = createClient({ url: process.env.REDIS_URL });
redis.on('error', (error) => console.error(`Redis: ${error.message}`)); // Told, not thrown: it tries to connect again.
await redis.connect();
const trim = /** @type {const} */ ({ strategy: 'MAXLEN', strategyModifier: '~', threshold: Number(values.keep) });

try {
  const tap = capture({ interface: values.interface, port: values.port?.map(Number), file: values.read });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => tap.stop());
  await tap.ready;
  console.error(`Reading ${values.read ?? tap.info?.interface}`);
  for await (const batch of tap.batches()) {
    // What is sent in one turn goes in one write, in order. The tap waits, or queues, until Redis has it all.
    const lines = batch.toNDJSON().toString().split('\n').slice(0, -1);
    await Promise.all(lines.map((message) => redis.xAdd(stream, '*', { message }, { TRIM: trim })));
  }
  const { messagesDelivered, messagesDropped } = tap.stats().delivery;
  console.log(`${messagesDelivered} messages added to ${stream}, ${messagesDropped} dropped`);
} catch (error) {
  console.error(/** @type {Error} */ (error).message);
  process.exitCode = 1;
} finally {
  await redis.close();
}
