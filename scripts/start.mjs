// @ts-check
// npm start: sets up what is missing, then runs the demo. npm start -- ARGS: runs the command with ARGS instead.
import { become } from './lib/become.mjs';
import { runMain } from './lib/steps.mjs';
import { setUp } from './setup.mjs';

await runMain(async () => {
  await setUp();
  const args = process.argv.slice(2);
  await (args.length > 0 ? become('dist/cli/main.js', args) : become('examples/demo/main.ts', []));
});
