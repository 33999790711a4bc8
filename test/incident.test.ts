/** The commands of docs/incident.md, as they stand there, find the expired token. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { readClaims } from '../examples/demo/tokens.js';
import { mainPath } from './cli-support.js';
import { skip, skipUnlessLive, temporaryFolder, top, within } from './support/environment.js';
import { addNamespace, skipUnlessNamespaces } from './support/http-process.js';

const live = process.platform === 'linux' ? await skipUnlessLive() : skip('listeners are told on Linux only');
const page = readFileSync(path.join(top, 'docs/incident.md'), 'utf8');

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text]) => text as string);
}

/** A folder in which `flowtap` and `node` are found. */
function programs(): string {
  const folder = temporaryFolder();
  const file = path.join(folder, 'flowtap');
  writeFileSync(file, `#!/bin/sh\nexec "${process.execPath}" --import tsx "${mainPath}" "$@"\n`);
  chmodSync(file, 0o755);
  return `${folder}:${path.dirname(process.execPath)}`;
}

test('at most three commands find the expired token', {
  skip: live || skipUnlessNamespaces(),
  timeout: 120_000,
}, async (t) => {
  const commands = blocks('console').flatMap((block) =>
    [...block.matchAll(/^\$ (.*)$/gm)].map(([, line]) => line ?? ''),
  );
  assert.ok(commands.length >= 1 && commands.length <= 3, commands.join('\n'));
  const [start = ''] = blocks('sh');

  // Where nobody else has the port, or speaks.
  const namespace = addNamespace();
  t.after(() => namespace.remove());
  const [enter = '', ...into] = namespace.wrapper;
  const options = { cwd: top, env: { ...process.env, PATH: `${programs()}:${process.env.PATH}` } };
  const incident = spawn(enter, [...into, 'sh', '-c', `exec ${start}`], {
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(async () => {
    const closed = once(incident, 'close');
    incident.kill('SIGKILL');
    await closed;
  });
  await within(once(incident.stdout, 'data'), 'the incident');

  const outputs: string[] = [];
  for (const command of commands) {
    const { stdout } = await promisify(execFile)(enter, [...into, 'sh', '-c', command], {
      ...options,
      timeout: 60_000,
    });
    outputs.push(stdout);
  }
  const [ports = '', endpoints = '', found = ''] = outputs;
  assert.match(
    ports,
    new RegExp(`^ *8000 +127\\.0\\.0\\.1 +${incident.pid} +node .*examples/demo/incident\\.ts$`, 'm'),
  );
  assert.match(endpoints, / +[1-9]\d*% .* GET api\.example\.org\/api\/transactions$/m);
  assert.match(found, /^GET \/api\/transactions\?since=2022-11-01 HTTP\/1\.1$/m);
  assert.match(found, /^HTTP\/1\.1 401 Unauthorized$/m);
  const claims = readClaims(/^Authorization: (.*)$/m.exec(found)?.[1]);
  assert.deepEqual(claims, JSON.parse(blocks('json')[0] ?? ''));
  assert.ok((claims?.exp ?? Number.POSITIVE_INFINITY) * 1000 < Date.now());
  assert.ok(
    page.includes(`${claims?.exp} is ${new Date((claims?.exp ?? 0) * 1000).toISOString().replace('.000', '')}.`),
  );
});
