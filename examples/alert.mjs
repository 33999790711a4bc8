// @ts-check
/** Raises an alert when one client is refused too often: LIMIT times within SECONDS. Somebody guesses passwords, or a token has expired. */
import { parseArgs } from 'node:util';
import { CaptureError, capture } from 'flowtap';

const usage = `Usage: node alert.mjs [-i INTERFACE] [-p PORT]... [-r FILE] [--limit N] [--seconds N] [--status CODE] [--webhook URL]
Alerts are lines of JSON, and are posted to the webhook. By default: 5 times 401 within 60 seconds.`;

const { values } = parseArgs({
  options: {
    interface: { type: 'string', short: 'i' },
    port: { type: 'string', short: 'p', multiple: true },
    read: { type: 'string', short: 'r' },
    limit: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '60' },
    status: { type: 'string', default: '401' },
    webhook: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  console.log(usage);
  process.exit();
}
const limit = Number(values.limit);
const windowNs = BigInt(Math.round(Number(values.seconds) * 1e9));

/** Of each client the times of its last refusals, and until when it is not told of again. Who was refused last is at the end. */
const clients = new Map(/** @type {[string, { times: bigint[], quietUntil: bigint }][]} */ ([]));

try {
  const tap = capture({
    interface: values.interface,
    port: values.port?.map(Number),
    file: values.read,
    body: 'none',
    match: { status: Number(values.status) },
  });
  process.once('SIGINT', () => tap.stop());
  await tap.ready;
  console.error(`Reading ${values.read ?? tap.info?.interface}`);
  for await (const { connection, endTime } of tap) {
    // Behind a balancer that sends PROXY headers the client is known still.
    const { address } = connection.proxied?.source ?? connection.client;
    if (isBurst(address, endTime)) await raise(address, endTime);
  }
} catch (error) {
  if (!(error instanceof CaptureError)) throw error;
  console.error(error.message); // It says what to do next, such as the line that permits capturing.
  process.exitCode = 1;
}

/**
 * @param {string} client
 * @param {bigint} time of the capture, not of the clock: it works the same on a file
 */
function isBurst(client, time) {
  const known = clients.get(client) ?? { times: [], quietUntil: 0n };
  known.times.push(time);
  if (known.times.length > limit) known.times.shift();
  clients.delete(client);
  clients.set(client, known);
  // Who has been quiet for a window is forgotten, so that memory does not grow with the number of clients.
  for (const [oldest, { times }] of clients) {
    if (time - (times.at(-1) ?? 0n) <= windowNs) break;
    clients.delete(oldest);
  }
  const burst = known.times.length === limit && time - (known.times[0] ?? 0n) <= windowNs && time >= known.quietUntil;
  if (burst) known.quietUntil = time + windowNs;
  return burst;
}

/**
 * @param {string} client
 * @param {bigint} time
 */
async function raise(client, time) {
  const at = new Date(Number(time / 1_000_000n)).toISOString();
  const alert = JSON.stringify({
    text: `${client}: ${limit} × ${values.status} within ${values.seconds} s`,
    at,
  });
  console.log(alert);
  if (!values.webhook) return;
  try {
    const headers = { 'Content-Type': 'application/json' };
    const signal = AbortSignal.timeout(5000);
    const response = await fetch(values.webhook, { method: 'POST', headers, body: alert, signal });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
  } catch (error) {
    console.error(`The webhook failed: ${/** @type {Error} */ (error).message}`);
  }
}
