// @ts-check
/** Prints the calls of one endpoint as they are answered: a line of an access log each, and both bodies. */
import { inspect, parseArgs } from 'node:util';
import { accessLogLine, CaptureError, capture } from 'flowtap';

const usage = `Usage: node endpoint.mjs [-i INTERFACE] [-p PORT]... [-r FILE] PATH [METHOD]
PATH may hold *, such as '/api/orders/*'.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    interface: { type: 'string', short: 'i' },
    port: { type: 'string', short: 'p', multiple: true },
    read: { type: 'string', short: 'r' },
    help: { type: 'boolean', short: 'h' },
  },
});
const [path, method] = positionals;
if (values.help || !path) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}

try {
  const tap = capture({
    interface: values.interface,
    port: values.port?.map(Number),
    file: values.read,
    match: { path, method },
  });
  process.once('SIGINT', () => tap.stop()); // What is open is finished, and the loop below ends.
  process.stdout.once('error', () => tap.close()); // Whoever read the output has left, such as head.
  await tap.ready;
  console.error(`Reading ${values.read ?? tap.info?.interface}`);
  for await (const exchange of tap.exchanges()) {
    console.log(accessLogLine(exchange));
    await printBody('>', exchange.request);
    await printBody('<', exchange.response);
  }
} catch (error) {
  if (!(error instanceof CaptureError)) throw error;
  console.error(error.message); // It says what to do next, such as the line that permits capturing.
  process.exitCode = 1;
}

/**
 * @param {string} mark
 * @param {import('flowtap').Message | undefined} message
 */
async function printBody(mark, message) {
  if (!message?.bodyLength) return;
  try {
    // Strangers have written it: inspect() escapes what a terminal would obey.
    const text = inspect(await message.text(), { breakLength: Infinity, maxStringLength: 200 });
    console.log(`  ${mark} ${text}`);
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    console.log(`  ${mark} (${error.message})`);
  }
}
