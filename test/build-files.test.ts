/** binding.gyp, native/CMakeLists.txt and package.json must not drift apart. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(`${root}/${file}`, 'utf8');
const cmake = read('native/CMakeLists.txt');
const gyp = JSON.parse(read('binding.gyp')).targets[0];

/** The words of `set(NAME ...)`. */
function cmakeList(name: string): string[] {
  const found = new RegExp(`^set\\(${name} ([^)]*)\\)`, 'm').exec(cmake);
  assert.ok(found?.[1], `set(${name} ...) in native/CMakeLists.txt`);
  return found[1].split(/\s+/);
}

test('both builds have the same C++ standard', () => {
  const dialect = cmakeList('CMAKE_CXX_EXTENSIONS')[0] === 'ON' ? 'gnu' : 'c';
  const standard = `${dialect}++${cmakeList('CMAKE_CXX_STANDARD')[0]}`;
  const flags: string[] = gyp.cflags_cc;
  assert.deepEqual(
    flags.filter((flag) => flag.startsWith('-std=')),
    [`-std=${standard}`],
  );
  const mac = gyp.conditions.find(([when]: [string]) => when === "OS=='mac'")[1].xcode_settings;
  assert.equal(mac.CLANG_CXX_LANGUAGE_STANDARD, standard);
});

test('both builds have the same defines', () => {
  assert.deepEqual(cmakeList('FLOWTAP_ADDON_DEFINES'), gyp.defines);
  const release = cmakeList('CMAKE_CXX_FLAGS_RELEASE').map((word) => word.replaceAll('"', ''));
  assert.deepEqual(release, ['-O3', '-DNDEBUG']);
  assert.deepEqual(gyp.configurations.Release, { defines: ['NDEBUG'], cflags: ['-O3'] });
});

test('both builds forbid exceptions and RTTI', () => {
  for (const flag of ['-fno-exceptions', '-fno-rtti']) {
    assert.ok(gyp.cflags_cc.includes(flag), flag);
    assert.match(cmake, new RegExp(`^add_compile_options\\(.*${flag}`, 'm'));
  }
});

test('both builds take every source of the same folders', () => {
  const listed = execFileSync(process.execPath, [`${root}/scripts/native-sources.mjs`], { encoding: 'utf8' })
    .trim()
    .split('\n');
  const folders = readdirSync(`${root}/native`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !['test', 'fuzz'].includes(entry.name))
    .map((entry) => entry.name);
  const stages = [...cmakeList('FLOWTAP_STAGES'), 'addon'];
  assert.deepEqual(
    new Set(folders),
    new Set(stages.filter((stage) => stage !== 'pipeline')),
    'a folder is no stage, or a stage no folder',
  );
  const sources = ['.', ...folders].flatMap((folder) =>
    readdirSync(`${root}/native/${folder}`)
      .filter((file) => file.endsWith('.cc'))
      .map((file) => (folder === '.' ? `native/${file}` : `native/${folder}/${file}`)),
  );
  assert.deepEqual(listed.sort(), sources.sort());
});

test('every native test belongs to a stage', () => {
  const stages = cmakeList('FLOWTAP_STAGES');
  for (const file of readdirSync(`${root}/native/test`))
    if (file.endsWith('.cc') && file !== 'main.cc') assert.ok(stages.includes(file.split('_')[0] ?? ''), file);
  if (existsSync(`${root}/native/fuzz`))
    for (const file of readdirSync(`${root}/native/fuzz`))
      if (file.endsWith('.cc')) assert.ok(stages.includes(file.replace('_fuzz.cc', '')), file);
});
