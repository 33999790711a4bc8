/** The documentation as a whole: links lead somewhere, and no block of code is left to itself. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { parseCommandLine } from '../lib/cli/flags.js';
import { explain, type MatchObject } from '../lib/index.js';
import { top } from './support/environment.js';
import { anchorsOf, blocksOf, linksOf, pages, readPage } from './support/markdown.js';
import { optionalPackage } from './support/optional-package.js';
import { programsOf } from './support/shell-lines.js';

const blocks = pages().flatMap(blocksOf);
const inLanguage = (language: string) => blocks.filter((block) => block.language === language);

/** Who looks at the blocks of each language. */
const looked: Readonly<Record<string, string>> = {
  ts: 'docs.test.ts',
  js: 'docs.test.ts: programs; here: objects that match',
  console: 'docs-commands.test.ts',
  sh: 'docs-commands.test.ts',
  json: 'here',
  yaml: 'here, and kubernetes-manifests.test.ts',
  ini: 'here',
  ebnf: 'a grammar in a notation that nothing here reads; match-expression.test.ts holds the parser to the page',
  '': 'what a program prints, a drawing, or expressions, which match-expression.test.ts parses',
};

suite('blocks', () => {
  test('are in languages that somebody looks at', () => {
    for (const { where, language } of blocks) assert.ok(Object.hasOwn(looked, language), `${where}: ${language}`);
  });

  test('without a language hold no commands and no programs', () => {
    for (const { where, code } of inLanguage('')) {
      assert.doesNotMatch(code, /^\$ /m, where);
      assert.doesNotMatch(code, /^(?:import|const|await|for await) /m, where);
    }
  });

  test('of JSON parse', () => {
    for (const { where, code } of inLanguage('json')) assert.doesNotThrow(() => JSON.parse(code), where);
  });

  test('of objects that match are understood', () => {
    const objects = inLanguage('js').filter(({ code }) => code.startsWith('{'));
    assert.ok(objects.length > 0);
    for (const { code } of objects)
      for (const line of code.trim().split('\n')) {
        // The page is ours.
        const object = new Function(`return (${line});`)() as MatchObject;
        assert.notEqual(explain(object).expression, '', line);
      }
  });

  const yaml = optionalPackage<{ parse(text: string): unknown }>('yaml');
  test('of YAML parse', { skip: yaml.skip }, () => {
    for (const { where, code } of inLanguage('yaml')) assert.ok(yaml.value?.parse(code), where);
  });

  test('of services start flowtap', () => {
    for (const { where, code } of inLanguage('ini')) {
      const [, line = ''] = /^ExecStart=\/usr\/bin\/node \S*\/(flowtap .*)$/m.exec(code) ?? [];
      const [program] = programsOf(line);
      assert.equal(program?.name, 'flowtap', where);
      parseCommandLine(program?.args ?? [], '');
    }
  });
});

test('links within the documentation lead somewhere', () => {
  const broken: string[] = [];
  for (const page of [...pages(), 'examples/README.md']) {
    for (const target of linksOf(readPage(page))) {
      const [file = '', anchor] = target.split('#');
      const other = file === '' ? page : path.posix.join(path.posix.dirname(page), file);
      if (!existsSync(path.join(top, other))) broken.push(`${page}: ${target}`);
      else if (anchor !== undefined && !anchorsOf(readPage(other)).includes(anchor)) broken.push(`${page}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});
