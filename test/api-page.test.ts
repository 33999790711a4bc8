/** docs/api.md is complete: every export, option, default, range, counter, property and code is in it, and nothing that is not there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import * as flowtap from '../lib/index.js';
import { resolveOptions } from '../lib/options.js';
import { pcap, toPackets } from './support/capture-file.js';
import { collect, temporaryFile, top } from './support/environment.js';
import { codeOf, namesIn, readPage, rowsOf, sectionOf } from './support/markdown.js';
import { traffic } from './support/traffic.js';

const page = readPage('docs/api.md');
const rows = (heading: string) => {
  const found = rowsOf(sectionOf(page, heading));
  assert.ok(found.length > 0, `there is no table under ${heading}`);
  return found;
};
const firstNames = (heading: string) => rows(heading).flatMap(([first = '']) => namesIn(first));
const sorted = (names: Iterable<string>) => [...new Set(names)].sort();
const source = (file: string) => readFileSync(path.join(top, 'lib', file), 'utf8');

interface Export {
  name: string;
  type: boolean;
  file: string;
}

function exportsOf(index: string): Export[] {
  return [...index.matchAll(/^export (type )?\{([^}]*)\} from '\.\/([^']+)\.js'/gm)].flatMap(
    ([, all, names = '', file]) =>
      names
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '')
        .map((name) => ({
          name: name.replace(/^type /, ''),
          type: all !== undefined || name.startsWith('type '),
          file: `${file}.ts`,
        })),
  );
}

/** Public members of an interface or class, where it is declared in the file itself. */
function membersOf({ name, file }: Export): string[] {
  const declaration = new RegExp(`^export (?:abstract )?(?:interface|class) ${name}\\b.*?\\n(.*?)^\\}`, 'ms');
  const [, body = ''] = declaration.exec(source(file)) ?? [];
  const members = [...body.matchAll(/^ {2}(?:readonly |get |static |async |override )*([a-zA-Z]\w*)\??[:(<]/gm)];
  return sorted(members.map(([, member]) => member as string)).filter((member) => member !== 'constructor');
}

suite('exports', () => {
  const all = exportsOf(source('index.ts'));

  test('are all there', () => {
    assert.ok(all.length > 100);
    assert.deepEqual(sorted(firstNames('Exports')), sorted(all.map(({ name }) => name)));
    const values = all.filter(({ type, name }) => !type || name === 'capture').map(({ name }) => name);
    assert.deepEqual(
      sorted(Object.keys(flowtap)).filter((name) => !values.includes(name)),
      [],
    );
  });

  test('are explained with all their members in the place that is named', () => {
    const missing: string[] = [];
    for (const [first = '', where = ''] of rows('Exports')) {
      const [, target] = /\]\(([^)]*)\)/.exec(where) ?? [];
      // What stands in the format's own description is not told again.
      if (target?.startsWith('http')) continue;
      const text = target === undefined || target.startsWith('#') ? page : readPage(`docs/${target.split('#')[0]}`);
      const code = codeOf(`${text}\n${page}`);
      for (const name of namesIn(first)) {
        const declared = all.find((one) => one.name === name) as Export;
        for (const member of membersOf(declared))
          if (!new RegExp(`\\b${member}\\b`).test(code)) missing.push(`${name}.${member} in ${target ?? 'api.md'}`);
      }
    }
    assert.deepEqual(missing, []);
  });
});

suite('options', () => {
  const options = membersOf({ name: 'CaptureOptions', type: true, file: 'options.ts' });
  const tables = ['Sources', 'Selection', 'Matching', 'Live capture', 'Workers and interfaces', 'Bodies and limits'];
  const table = tables.flatMap(rows);

  test('are all there, once', () => {
    assert.ok(options.length > 30);
    assert.deepEqual(table.flatMap(([first = '']) => namesIn(first)).sort(), options);
  });

  const units: Record<string, number> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
  const number = (text: string): number => {
    const [, digits, unit = '', less = 0] = /^(\d+)(?: (\wiB))?(?: - (\d+))?$/.exec(text) ?? [];
    assert.ok(digits, text);
    return Number(digits) * (units[unit] as number) - Number(less);
  };
  const value = (name: string, given: object = { file: 'day.pcap' }): unknown => {
    const resolved = resolveOptions(given);
    return { ...resolved.native, ...resolved }[name as 'maxDecodedBytes'];
  };
  const numeric = table.filter(([name = '']) => typeof value(namesIn(name)[0] ?? '') === 'number');

  test('have the defaults that are told', () => {
    assert.ok(numeric.length > 12);
    for (const [first = '', , told = ''] of numeric) {
      const [name = ''] = namesIn(first);
      const [, live = told, otherwise = told] = /^live (.*), else (.*)$/.exec(told) ?? [];
      assert.equal(value(name), number(otherwise), name);
      assert.equal(value(name, {}), number(live), name);
    }
    for (const [first = '', , told = ''] of table.filter(([, type]) => type === 'boolean')) {
      assert.equal(told, '`false`', first);
      const [name = ''] = namesIn(first);
      assert.equal(value(name), false, name);
    }
  });

  test('have the ranges that are told', () => {
    for (const [first = '', unit = ''] of numeric) {
      const [name = ''] = namesIn(first);
      const [, from, least = from, most] = /^(?:from (.*)|(.*) to (.*))$/.exec(unit.split(', ').at(-1) ?? '') ?? [];
      assert.ok(least, `${name}: ${unit}`);
      const given = (of: number) => ({ file: 'day.pcap', [name]: of });
      assert.equal(value(name, given(number(least))), number(least));
      assert.throws(() => resolveOptions(given(number(least) - 1)), { code: 'ERR_OPTION' }, name);
      if (most === undefined) continue;
      resolveOptions(given(number(most)));
      assert.throws(() => resolveOptions(given(number(most) + 1)), { code: 'ERR_OPTION' }, name);
    }
  });
});

test('docs/reliability.md tells what happens at every limit', () => {
  const limits = [...firstNames('Matching'), ...firstNames('Bodies and limits'), ...firstNames('Writing packets')];
  const told = namesIn(
    rowsOf(sectionOf(readPage('docs/reliability.md'), 'Limits, and what happens at them'))
      .flat()
      .join(),
  );
  const wanted = limits.filter((name) => name.startsWith('max'));
  assert.ok(wanted.length > 8);
  assert.deepEqual(
    wanted.filter((name) => !told.includes(name)),
    [],
  );
});

test('counters are all there, group by group', () => {
  const text = sectionOf(page, 'stats()');
  const groups = [...source('stats.ts').matchAll(/^ {2}(\w+): (\w+Stats);$/gm)];
  assert.ok(groups.length >= 6);
  for (const [, group = '', type = ''] of groups) {
    const [, part = ''] = new RegExp(`^\\*\\*${group}\\*\\*(.*?)(?=^\\*\\*|$(?![^]))`, 'ms').exec(text) ?? [];
    const told = rowsOf(part).flatMap(([first = '']) => namesIn(first));
    assert.deepEqual(told.sort(), membersOf({ name: type, type: true, file: 'stats.ts' }), group);
  }
});

suite('messages', () => {
  const { segments } = traffic({ seed: 41, conversations: 1, exchanges: 1 });
  const file = temporaryFile(pcap(toPackets(segments, { link: 'ethernet' }), { nanoseconds: true }));

  /** What a message has, by its own class and those above it. */
  function properties(message: object): string[] {
    const names: string[] = [];
    for (let one = Object.getPrototypeOf(message); one !== Object.prototype; one = Object.getPrototypeOf(one))
      names.push(...Object.getOwnPropertyNames(one));
    return sorted(names.filter((name) => name !== 'constructor' && !name.startsWith('_')));
  }

  test('have the properties that are told', async () => {
    const messages = await collect(flowtap.capture({ file }));
    const common = rowsOf(sectionOf(page, 'Messages').split('\n### ')[0] as string).flatMap(([first = '']) =>
      namesIn(first),
    );
    for (const [kind, heading] of [
      ['request', 'Requests'],
      ['response', 'Responses'],
    ]) {
      const message = messages.find((one) => one.kind === kind);
      assert.ok(message);
      const own = firstNames(heading as string);
      const told = sorted([...common, ...own]);
      assert.deepEqual(
        properties(message).filter((name) => !told.includes(name)),
        [],
        kind,
      );
      assert.deepEqual(
        told.filter((name) => !(name in message)),
        [],
        kind,
      );
    }
  });
});

test('the codes of errors are all there', () => {
  const [, union = ''] = /export type CaptureErrorCode =(.*?);/s.exec(source('errors.ts')) ?? [];
  const codes = [...union.matchAll(/'(ERR_\w+)'/g)].map(([, code]) => code as string);
  assert.ok(codes.length > 10);
  assert.deepEqual(sorted(firstNames('Errors')), sorted(codes));
  const helped = rowsOf(readPage('docs/install.md')).flatMap(([first = '']) => namesIn(first));
  assert.deepEqual(
    codes.filter((code) => !helped.includes(code)),
    [],
    'docs/install.md tells what helps',
  );
});
