/** The demo of `npm start`, live and without permission. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CaptureError, capture } from '../lib/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const demo = [process.execPath, '--import', 'tsx', 'examples/demo/main.ts'];

function run(command: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.once('error', reject).once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

function assertIncident(stdout: string): void {
  for (const line of [
    /^GET \/api\/me HTTP\/1\.1$/m,
    /^GET \/healthcheck HTTP\/1\.1$/m,
    /^POST \/api\/transactions HTTP\/1\.1$/m,
    /^HTTP\/1\.1 401 Unauthorized$/m,
    /^WWW-Authenticate: Bearer .*error="invalid_token"/m,
    /^Transfer-Encoding: chunked$/m,
    /^\[br: /m,
    /^\[gzip: /m,
    /"text":"Café Zentral"/,
    /^18 of 18 messages\./m,
    /^One answer is a 401: GET \/api\/transactions from .* \(nightly-report\/0\.4\)\.$/m,
    /^Its bearer token expired at 2022-11-12T03:59:00\.000Z/m,
    /^ {2}flowtap -p 8000/m,
  ])
    assert.match(stdout, line);
}

async function mayCapture(): Promise<boolean> {
  const tap = capture({ interface: 'lo' });
  try {
    await tap.ready;
    return true;
  } catch (error) {
    if (error instanceof CaptureError && error.code === 'ERR_PERMISSION') return false;
    throw error;
  } finally {
    await tap.close();
  }
}

test('captures its own traffic live and ends by itself', async (t) => {
  if (process.platform !== 'linux' || !(await mayCapture())) return t.skip('SKIP: live capture is not permitted here');
  const { code, stdout, stderr } = await run(demo);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Tapping lo, port \d+/);
  assert.match(stdout, /That was live/);
  assertIncident(stdout);
});

test('plays the capture file where live capture is not permitted, and says so', async (t) => {
  const setpriv = [
    'setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    '--inh-caps=-all',
    'env',
    'HOME=/tmp',
  ];
  // Nobody has to be able to read the checkout.
  const possible =
    process.getuid?.() !== 0 ? undefined : await run([...setpriv, process.execPath, '-p', '1']).catch(() => undefined);
  const readable = possible?.code === 0 && (await run([...setpriv, 'test', '-r', `${root}/package.json`])).code === 0;
  const alreadyWithout = process.platform === 'linux' && !(await mayCapture());
  if (!readable && !alreadyWithout) return t.skip('SKIP: cannot give up the permission to capture here');
  const { code, stdout, stderr } = await run(alreadyWithout ? demo : [...setpriv, ...demo]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Live capture is not permitted here: .*setcap cap_net_raw/);
  assert.match(stdout, /That was a capture file/);
  assertIncident(stdout);
});
