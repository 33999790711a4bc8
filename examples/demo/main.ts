/**
 * The demo of `npm start`: a small API, four clients, and a tap on the loopback interface that prints what passes. Neither the
 * server nor the clients know of the tap. In a program of your own the import below is `from 'flowtap'`.
 */
import { fileURLToPath } from 'node:url';
import { Output } from '../../lib/cli/output.js';
import { ConsolePrinter } from '../../lib/cli/printers/console.js';
import { colorsFor, wantsColor } from '../../lib/cli/terminal.js';
import { CaptureError, capture, type Message, type ResponseMessage, type Tap } from '../../lib/index.js';
import { exchanges, runClients } from './clients.js';
import { loopback } from './loopback.js';
import { startServer } from './server.js';
import { readClaims } from './tokens.js';

const recording = fileURLToPath(new URL('incident.pcap', import.meta.url));
/** How long the last messages may take from the wire to here. */
const patienceMs = 5000;

const color = wantsColor(true, process.stdout, process.env);
const { bold, yellow } = colorsFor(color);
const output = new Output(process.stdout);
const printer = new ConsolePrinter(output, { color });

const live = await openLive();
if (live) {
  say(bold(`Tapping ${loopback()}, port ${live.server.port}, while four clients talk to an API there.\n`));
  conclude(await watchLive(live), `That was live: it was read off interface ${loopback()} while it happened.`);
} else {
  say(bold('Instead, here is a capture of the same traffic, made earlier.\n'));
  conclude(await watchFile(), 'That was a capture file; with the permission it would have been live.');
}

type Live = { tap: Tap; server: Awaited<ReturnType<typeof startServer>> };

/** Undefined, after saying why, where capturing is not possible. */
async function openLive(): Promise<Live | undefined> {
  const server = await startServer();
  // Immediate: messages are to be seen as they happen, and at this rate efficiency does not matter.
  const tap = capture({ interface: loopback(), port: server.port, immediate: true });
  try {
    await tap.ready;
    return { tap, server };
  } catch (error) {
    await server.close();
    if (!(error instanceof CaptureError)) throw error;
    // The message also says what permits it.
    say(
      yellow(
        `Live capture ${error.code === 'ERR_PERMISSION' ? 'is not permitted' : 'does not work'} here: ${error.message}\n`,
      ),
    );
    return undefined;
  }
}

async function watchLive({ tap, server }: Live): Promise<Message[]> {
  let give: NodeJS.Timeout | undefined;
  const traffic = runClients(server.port, 250).finally(async () => {
    give = setTimeout(() => void tap.stop(), patienceMs);
    await server.close();
  });
  const messages: Message[] = [];
  for await (const message of tap) {
    messages.push(message);
    await show(message);
    if (messages.length === exchanges * 2) break;
  }
  await traffic;
  clearTimeout(give);
  return messages;
}

async function watchFile(): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const message of capture({ file: recording })) {
    messages.push(message);
    await show(message);
  }
  return messages;
}

async function show(message: Message): Promise<void> {
  await printer.print(message);
  await output.flush();
}

function conclude(messages: Message[], how: string): void {
  say(`${bold(`${messages.length} of ${exchanges * 2} messages.`)} ${how}`);
  if (messages.length < exchanges * 2) process.exitCode = 1;
  for (const message of messages) if (message.kind === 'response' && message.status === 401) explain(message);
  say(`
To look for such answers in traffic of your own, 8000 being the server's port:
  flowtap -p 8000                               everything, as above
  flowtap -p 8000 --status 401 --exchange       only such answers, with the requests
In this folder flowtap is: npm start --silent --`);
}

/** What the incident was about. */
function explain(response: ResponseMessage): void {
  const request = response.request;
  const { address, port } = response.connection.client;
  const who = `${address}:${port} (${request?.headers.get('user-agent')})`;
  say(`\n${yellow(`One answer is a 401: ${request?.method} ${request?.path} from ${who}.`)}`);
  const exp = readClaims(request?.headers.get('authorization'))?.exp;
  if (exp !== undefined) {
    const expired = new Date(exp * 1000);
    const days = Math.floor((response.timestamp.getTime() - expired.getTime()) / 86_400_000);
    say(
      `Its bearer token expired at ${expired.toISOString()}, ${days} days before it was used: nobody renewed it, and no log said so.`,
    );
  }
}

function say(text: string): void {
  console.log(text);
}
