// @ts-check
// npm run bench: sets up what is missing, then runs the benchmarks.
import { become } from './lib/become.mjs';
import { runMain } from './lib/steps.mjs';
import { setUp } from './setup.mjs';

await runMain(async () => {
  await setUp({ tests: true });
  await become('benchmarks/run.ts', process.argv.slice(2));
});
