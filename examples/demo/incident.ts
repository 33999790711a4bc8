/** The incident of docs/incident.md: the API of the demo and its clients, again and again until Ctrl-C. */
import { runClients } from './clients.js';
import { startServer } from './server.js';

const { port } = await startServer(8000);
console.log(`An API on port ${port}, and four clients. One of them is refused, and no log says why. Ctrl-C ends it.`);
for (;;) await runClients(port, 100);
