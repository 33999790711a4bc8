/** The commands of examples/README.md print what stands there. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { skip, skipUnlessLive, temporaryFolder, top, within } from './support/environment.js';
import { linesOf, skipWithout } from './support/example.js';
import { addNamespace, skipUnlessNamespaces } from './support/http-process.js';
import { Collector } from './support/otlp-collector.js';
import { startRedis } from './support/redis.js';

const page = readFileSync(path.join(top, 'examples/README.md'), 'utf8');
const sections = page.split(/^## /m).slice(1);

interface Shown {
  command: string;
  /** What the terminal shows. */
  output: string[];
  /** Captures live, until Ctrl-C. */
  live: boolean;
}

function commandsOf(section: string): Shown[] {
  return [...section.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .map((part) => {
        const [command = '', ...output] = linesOf(part);
        const live = output.at(-1) === '^C';
        return { command, output: live ? output.slice(0, -1) : output, live };
      })
      .filter(({ command }) => command !== ''),
  );
}

/** A folder to run in, with the examples, and a kubectl that captures what the others read. */
function layFolder(): { cwd: string; searchPath: string } {
  const cwd = temporaryFolder();
  symlinkSync(path.join(top, 'examples'), path.join(cwd, 'examples'));
  const kubectl = path.join(cwd, 'kubectl');
  writeFileSync(kubectl, '#!/bin/sh\n[ "$1 $2" = "exec deploy/payments" ] && exec cat examples/demo/incident.pcap\n');
  chmodSync(kubectl, 0o755);
  return { cwd, searchPath: [cwd, path.dirname(process.execPath), process.env.PATH].join(path.delimiter) };
}

/** What differs from one live capture to the next: times, durations, ports. */
function withoutChance(line: string): string {
  return line
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/\b[\d.]+ms\b/g, '<duration>')
    .replace(/127\.0\.0\.1:\d+/g, '<client>');
}

const skipLive =
  process.platform === 'linux' ? skipUnlessNamespaces() || (await skipUnlessLive()) : skip('namespaces are of Linux');

suite('examples/README.md', { timeout: 120_000 }, () => {
  test('has every example, and a command for each', () => {
    const names = readdirSync(path.join(top, 'examples'))
      .filter((file) => file.endsWith('.mjs'))
      .map((file) => path.basename(file, '.mjs'));
    assert.deepEqual(sections.map((section) => section.split('\n', 1)[0]).sort(), names.sort());
    assert.deepEqual([...page.matchAll(/^\| \[(\w+)\.mjs\]\(#\1\)/gm)].map((match) => match[1]).sort(), names);
    for (const section of sections)
      assert.ok(commandsOf(section)[0]?.command.includes(`examples/${section.split('\n', 1)[0]}.mjs`), section);
  });

  for (const section of sections) {
    const name = section.split('\n', 1)[0] as string;
    const still = commandsOf(section).filter(({ live }) => !live);
    if (still.length === 0) continue;
    test(name, { skip: name === 'redis' && skipWithout('redis-server') }, async (t) => {
      const { cwd, searchPath } = layFolder();
      const env = { ...process.env, PATH: searchPath, ...(await serverFor(t, name)) };
      for (const { command, output } of still) {
        const { stdout } = await promisify(execFile)('sh', ['-c', `exec 2>&1; ${command}`], {
          cwd,
          env,
          timeout: 60_000,
        });
        assert.deepEqual(linesOf(stdout), output, command);
      }
    });
  }

  test('live, beside the incident', { skip: skipLive }, async (t) => {
    const live = sections.flatMap(commandsOf).filter((shown) => shown.live);
    assert.ok(live.length > 0);
    // Where nobody else has the port, or speaks.
    const namespace = addNamespace();
    t.after(() => namespace.remove());
    const { cwd, searchPath } = layFolder();
    const begin = (command: string, folder: string): ChildProcess => {
      const [enter = '', ...into] = namespace.wrapper;
      const child = spawn(enter, [...into, 'sh', '-c', `exec 2>&1; exec ${command}`], {
        cwd: folder,
        env: { ...process.env, PATH: searchPath },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const closed = once(child, 'close');
      t.after(async () => {
        child.kill('SIGKILL');
        await closed;
      });
      return child;
    };
    const incident = /`(node [^`]*incident\.ts)`/.exec(page)?.[1];
    assert.ok(incident);
    const server = begin(incident, top);
    await within(once(server.stdout as NonNullable<ChildProcess['stdout']>, 'data'), 'the incident');
    for (const { command, output } of live) {
      const example = begin(command, cwd);
      const lines = await within(firstLines(example, output.length), command);
      const closed = once(example, 'close');
      example.kill('SIGINT');
      assert.deepEqual(await within(closed, `the end of ${command}`), [0, null]);
      assert.deepEqual(lines.map(withoutChance), output.map(withoutChance), command);
    }
  });
});

async function firstLines(child: ChildProcess, count: number): Promise<string[]> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += chunk;
    if (linesOf(text).length >= count) break;
  }
  return linesOf(text).slice(0, count);
}

/** What the example wants to be there. */
async function serverFor(t: TestContext, name: string): Promise<Record<string, string>> {
  if (name === 'redis') return { REDIS_URL: await startRedis(t) };
  if (name !== 'opentelemetry') return {};
  const { OTEL_EXPORTER_OTLP_ENDPOINT = '' } = (await Collector.start(t)).env;
  return { OTEL_EXPORTER_OTLP_ENDPOINT };
}
