/** Opens a capture as root, gives root up, and tells as JSON what is possible afterwards. */
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { capture, dropPrivileges } from '../../../lib/index.js';
import { serve } from '../loopback.js';

const [file = '', user] = process.argv.slice(2);
const server = await serve((_body, _request, response) => response.end());
const tap = capture({ port: server.port });
await tap.ready;
const dropped = dropPrivileges(user);
writeFileSync(file, '');
let regained = false;
try {
  process.setuid?.(0);
  regained = true;
} catch {}
const again = capture();
const error = await again.ready.then(
  () => undefined,
  ({ code }) => code,
);
await again.close();
const [response] = await once(get({ port: server.port, path: '/still', agent: false }), 'response');
response.resume();
const { value } = await tap[Symbol.asyncIterator]().next();
await tap.close();
await server.close();
const groups = process.getgroups?.();
console.log(JSON.stringify({ dropped, owner: statSync(file).uid, regained, error, seen: value.path, groups }));
