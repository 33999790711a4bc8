// @ts-check
/** Records an HTTP archive, which browsers' developer tools open, until Ctrl-C or so many exchanges. Secrets in it are masked. */
import { parseArgs } from 'node:util';
import { CaptureError, capture, HarWriter } from 'flowtap';

const usage = `Usage: node har.mjs [-i INTERFACE] [-p PORT]... [-r FILE] [-n COUNT] [--secrets] ARCHIVE
--secrets leaves in what is masked otherwise: passwords, tokens, cookies.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    interface: { type: 'string', short: 'i' },
    port: { type: 'string', short: 'p', multiple: true },
    read: { type: 'string', short: 'r' },
    count: { type: 'string', short: 'n', default: 'Infinity' },
    secrets: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});
const [archive] = positionals;
if (values.help || !archive) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}

try {
  const tap = capture({ interface: values.interface, port: values.port?.map(Number), file: values.read });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => tap.stop());
  await tap.ready; // Only now, so that a capture that cannot be opened leaves an older archive alone.
  console.error(`Reading ${values.read ?? tap.info?.interface}`);
  const har = new HarWriter(archive, { redact: !values.secrets });
  let written = 0;
  try {
    for await (const exchange of tap.exchanges().take(Number(values.count))) {
      await har.write(exchange);
      written++;
    }
  } finally {
    await har.end();
  }
  console.log(`${written} exchanges in ${archive}`);
} catch (error) {
  if (!(error instanceof CaptureError)) throw error;
  console.error(error.message); // It says what to do next, such as the line that permits capturing.
  process.exitCode = 1;
}
