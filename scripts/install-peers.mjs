// @ts-check
// Installs what the benchmarks compare flowtap with, and what makes their load: node scripts/install-peers.mjs
import { runMain, StepError, Steps } from './lib/steps.mjs';
import { findPeers, installWithApt, thisSystem } from './lib/system.mjs';

await runMain(async () => {
  const missing = findPeers();
  if (missing.length === 0) return console.log('All of them are installed.');
  const sentence = `Missing: ${missing.map(({ name }) => name).join(', ')}.`;
  const packages = missing.map(({ debian }) => debian);
  const { isRoot, succeeds, which } = thisSystem;
  if (!which('apt-get')) throw new StepError(`${sentence} Install them with your system's package manager.`);
  if (!isRoot() && !(which('sudo') && succeeds('sudo', ['-n', 'true'])))
    throw new StepError(`${sentence} Install with: sudo apt-get install -y ${packages.join(' ')}`);
  const prefix = isRoot() ? [] : ['sudo', '-n'];
  const steps = new Steps('install-peers');
  // Each by itself: a distribution that lacks one may have the others.
  for (const name of packages)
    await steps.step(`apt-get install ${name}`, async () => {
      if (!(await installWithApt(prefix, [name], (command, args) => steps.tryRun(command, args))))
        steps.note(`${name} cannot be installed; what needs it is left out`);
    });
  const still = findPeers();
  if (still.length > 0) throw new StepError(`Still missing: ${still.map(({ name }) => name).join(', ')}.`);
});
