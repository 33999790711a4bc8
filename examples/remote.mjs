// @ts-check
/** Follows the HTTP traffic of another machine, or of a pod: whatever command writes packets to its standard output. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { accessLogLine, CaptureError, capture } from 'flowtap';

const usage = `Usage: node remote.mjs [-p PORT]... -- COMMAND...
For example
  node remote.mjs -- kubectl exec -n shop deploy/api -c tcpdump -- tcpdump -i any -U -s 0 -w - tcp port 8000
  node remote.mjs -- ssh web1 sudo tcpdump -i any -U -s 0 -w - tcp port 8000
  node remote.mjs -- zcat day.pcap.gz`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: 'string', short: 'p', multiple: true },
    help: { type: 'boolean', short: 'h' },
  },
});
const [command, ...args] = positionals;
if (values.help || !command) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}

// What it says on standard error, such as tcpdump's "listening on any", goes where ours goes.
const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
const ended = once(child, 'close').then(
  ([code, signal]) => (code === 0 ? undefined : `${command} ended with ${code ?? signal}`),
  (error) => `${command} cannot be started: ${error.message}`,
);
const tap = capture({ stream: child.stdout, port: values.port?.map(Number) });
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    stopped = true;
    tap.stop();
  });
process.stdout.once('error', () => tap.close()); // Whoever read the output has left, such as head.

let failure;
try {
  for await (const exchange of tap.exchanges()) console.log(accessLogLine(exchange));
} catch (error) {
  if (!(error instanceof CaptureError)) throw error;
  failure = error.message;
}
if (!stopped && child.stdout.readableEnded) {
  // That the command failed explains why its output is no capture.
  failure = (await ended) ?? failure;
} else {
  // It was left early, and how it ends says nothing. Ctrl-C has reached it too.
  child.kill();
  await ended;
}
if (failure) {
  console.error(failure);
  process.exitCode = 1;
}
