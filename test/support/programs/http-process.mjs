// Does over HTTP what it is told to: { id, act, ... } is answered by { id, result } or { id, error }. Plain JavaScript, so that it starts fast.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';

const agent = new Agent({ keepAlive: true });
let child;

const acts = {
  async listen({ host = '127.0.0.1', port = 0 }) {
    const server = createServer((_, response) => response.end(`from ${process.pid}`));
    server.listen(port, host);
    await once(server, 'listening');
    return server.address().port;
  },
  async get({ port, path = '/', host = '127.0.0.1', keep = false }) {
    const headers = keep ? {} : { connection: 'close' };
    const [response] = await once(
      get({ port, path, host, headers, ...(keep ? { agent } : { agent: false }) }),
      'response',
    );
    response.resume();
    await once(response, 'end');
    return response.statusCode;
  },
  /** Starts another that does the rest. */
  async child({ inner }) {
    child ??= fork(process.argv[1]);
    child.send(inner);
    const [answer] = await once(child, 'message');
    if (answer.error) throw new Error(answer.error);
    return answer.result;
  },
  /** Listens on a socket that the child has too. */
  async share() {
    const server = createServer(() => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    child ??= fork(process.argv[1]);
    child.send({ id: 0, act: 'keep' }, server);
    const [answer] = await once(child, 'message');
    return { port: server.address().port, childPid: answer.result };
  },
  async pid() {
    return process.pid;
  },
};

/** Not to be collected. */
const kept = [];
process.on('message', async ({ id, act, ...rest }, handle) => {
  if (handle) {
    kept.push(handle);
    process.send({ id, result: process.pid });
    return;
  }
  try {
    process.send({ id, result: await acts[act](rest) });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
});
process.on('disconnect', () => process.exit());
