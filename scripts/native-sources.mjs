// Lists the addon's C++ sources for binding.gyp: everything in the pipeline's folders, so that no list can drift.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const native = fileURLToPath(new URL('../native/', import.meta.url));
const stages = [
  'source',
  'decode',
  'tcp',
  'stream',
  'http1',
  'http',
  'delivery',
  'text',
  'recording',
  '.',
  'session',
  'addon',
];

for (const stage of stages)
  for (const file of readdirSync(native + stage).sort())
    if (file.endsWith('.cc')) console.log(stage === '.' ? `native/${file}` : `native/${stage}/${file}`);
