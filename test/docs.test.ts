/** The programs in the documentation: all of them are what the types allow, and run. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { pcap, toPackets } from './support/capture-file.js';
import { skipUnlessLive, temporaryFolder, top } from './support/environment.js';
import { blocksOf, pages } from './support/markdown.js';
import { traffic } from './support/traffic.js';

interface Example {
  /** `docs/api.md:12` */
  where: string;
  file: string;
  code: string;
  typed: boolean;
  /** It makes traffic of its own, and captures that. */
  live: boolean;
}

function examples(): Example[] {
  return pages().flatMap((page) =>
    blocksOf(page).flatMap(({ where, line, language, code }) => {
      const whole = code.includes("from 'flowtap'");
      if (language !== 'ts' && !(language === 'js' && whole)) return [];
      const typed = language === 'ts';
      return [
        {
          where,
          file: `${path.basename(page, '.md')}-${line}.${typed ? 'mts' : 'mjs'}`,
          code: whole ? code : `import { capture } from 'flowtap';\n${code}`,
          typed,
          live: code.includes('createServer('),
        },
      ];
    }),
  );
}

/** The library from source, which reads a file where a live capture is asked for, unless that is permitted and wanted. */
const library = `
import * as flowtap from '${path.join(top, 'lib/index.js')}';
export * from '${path.join(top, 'lib/index.js')}';

const replayed = (options: flowtap.CaptureOptions = {}): flowtap.CaptureOptions => {
  if (process.env.LIVE === '1' || options.file !== undefined || options.stream !== undefined) return options;
  const { interface: _, pid, process: name, netns, workers, ...rest } = options;
  return { ...rest, file: 'all.pcapng' };
};
export const capture: typeof flowtap.capture = Object.assign(
  (options?: flowtap.CaptureOptions) => flowtap.capture(replayed(options)),
  {
    requests: (options?: flowtap.CaptureOptions) => flowtap.capture.requests(replayed(options)),
    responses: (options?: flowtap.CaptureOptions) => flowtap.capture.responses(replayed(options)),
  },
);
export const flows: typeof flowtap.flows = (options) => flowtap.flows(replayed(options));
/** Else whoever runs the tests as root could not go on reading the library. */
export const dropPrivileges: typeof flowtap.dropPrivileges = () => undefined;
`;

/** A folder with the examples, with what they read, and with what they call. */
function lay(list: readonly Example[]): string {
  const folder = temporaryFolder();
  const put = (file: string, text: string | Uint8Array, mode = 0o644) =>
    writeFileSync(path.join(folder, file), text, { mode });
  mkdirSync(path.join(folder, 'node_modules/flowtap'), { recursive: true });
  put('node_modules/flowtap/package.json', '{"name":"flowtap","type":"module","exports":"./index.ts"}');
  put('node_modules/flowtap/index.ts', library);
  for (const { file, code } of list) put(file, code);
  const config = {
    extends: path.join(top, 'tsconfig.json'),
    compilerOptions: { typeRoots: [path.join(top, 'node_modules/@types')], types: ['node'] },
    include: ['*.mts'],
  };
  put('tsconfig.json', JSON.stringify(config));

  const { segments } = traffic({ seed: 40, conversations: 3, exchanges: 5 });
  const bytes = pcap(toPackets(segments, { link: 'ethernet' }), { nanoseconds: true });
  for (const name of ['day.pcap', 'all.pcapng']) put(name, bytes);
  copyFileSync(path.join(top, 'examples/demo/incident.pcap'), path.join(folder, 'incident.pcap'));
  put('ssh', '#!/bin/sh\nexec cat all.pcapng\n', 0o755);
  put('worker.js', "require('node:worker_threads').parentPort.unref();\n");
  return folder;
}

suite('programs', { timeout: 600_000, concurrency: 2 }, async () => {
  const list = examples();
  const folder = lay(list);
  const notLive = await skipUnlessLive();

  test('are what the types allow', () => {
    assert.ok(list.length > 30);
    const { status, stdout } = spawnSync(process.execPath, [path.join(top, 'node_modules/.bin/tsc'), '-p', folder], {
      cwd: folder,
      encoding: 'utf8',
    });
    const files = new Map(list.map(({ file, where }) => [file, where]));
    assert.equal(
      status,
      0,
      stdout.replace(/^[\w-]+\.mts/gm, (file) => files.get(file) ?? file),
    );
  });

  for (const { where, file, live } of list)
    test(`${where} runs`, { skip: live && notLive, timeout: 60_000 }, async () => {
      const tsx = pathToFileURL(path.join(top, 'node_modules/tsx/dist/esm/index.mjs')).href;
      const child = spawn(process.execPath, ['--import', tsx, file], {
        cwd: folder,
        env: { ...process.env, PATH: `${folder}:${process.env.PATH}`, LIVE: live ? '1' : '0' },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text) => {
        stderr += text;
      });
      const [code, signal] = await once(child, 'close');
      assert.deepEqual({ code, signal }, { code: 0, signal: null }, stderr);
    });
});
