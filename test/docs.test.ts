/** The examples of the documentation: all of them are what the types allow, and those that read a file run. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { pcap, toPackets } from './support/capture-file.js';
import { temporaryFolder, top } from './support/environment.js';
import { traffic } from './support/traffic.js';

interface Example {
  /** `docs/api.md:12` */
  where: string;
  file: string;
  code: string;
}

function examples(): Example[] {
  const pages = ['README.md', ...readdirSync(path.join(top, 'docs')).map((page) => `docs/${page}`)];
  return pages.flatMap((page) => {
    const text = readFileSync(path.join(top, page), 'utf8');
    return [...text.matchAll(/^( *)```ts\n(.*?)^ *```$/gms)].map((match) => {
      const line = text.slice(0, match.index).split('\n').length;
      const code = match[2] as string;
      return {
        where: `${page}:${line}`,
        file: `${path.basename(page, '.md')}-${line}.mts`,
        code: code.includes("from 'flowtap'") ? code : `import { capture } from 'flowtap';\n${code}`,
      };
    });
  });
}

/** A folder with the examples in which `flowtap` is the library from source. */
function lay(list: readonly Example[]): string {
  const folder = temporaryFolder();
  const library = path.join(folder, 'node_modules/flowtap');
  mkdirSync(library, { recursive: true });
  const entry = path.join(top, 'lib/index.ts');
  writeFileSync(path.join(library, 'package.json'), '{"name":"flowtap","type":"module","exports":"./index.ts"}');
  writeFileSync(path.join(library, 'index.ts'), `export * from '${entry.replace(/\.ts$/, '.js')}';\n`);
  for (const { file, code } of list) writeFileSync(path.join(folder, file), code);
  const config = {
    extends: path.join(top, 'tsconfig.json'),
    compilerOptions: { typeRoots: [path.join(top, 'node_modules/@types')], types: ['node'] },
    include: ['*.mts'],
  };
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
  return folder;
}

suite('examples', { timeout: 300_000 }, () => {
  const list = examples();
  const folder = lay(list);

  test('are what the types allow', () => {
    assert.ok(list.length > 20);
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

  const { segments } = traffic({ seed: 40, conversations: 3, exchanges: 5 });
  const bytes = pcap(toPackets(segments, { link: 'ethernet' }), { nanoseconds: true });
  for (const name of ['day.pcap', 'all.pcapng', 'incident.pcap']) writeFileSync(path.join(folder, name), bytes);

  for (const { where, file, code } of list) {
    // Others want a network, a permission or a worker.
    const sources = [...code.matchAll(/\b(?:capture|flows|requests|responses)\(\{([^}]*)/g)].map((match) => match[1]);
    if (sources.length === 0 || !sources.every((options) => options?.includes('file:'))) continue;
    test(`${where} runs`, () => {
      const tsx = pathToFileURL(path.join(top, 'node_modules/tsx/dist/esm/index.mjs')).href;
      const { status, stderr } = spawnSync(process.execPath, ['--import', tsx, file], {
        cwd: folder,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
    });
  }
});
