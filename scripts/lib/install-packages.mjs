// @ts-check
import { StepError } from './steps.mjs';
import { findMissing, installWithApt, obstacleTo, planInstall } from './system.mjs';

/**
 * Installs what the system lacks where that needs no question; else fails with the line to type.
 * @param {import('./steps.mjs').Steps} steps
 * @param {import('./system.mjs').Need[]} needs
 */
export async function installPackages(steps, needs) {
  const missing = findMissing(needs);
  if (missing.length > 0) {
    const plan = planInstall(missing);
    if (!plan.prefix) throw new StepError(plan.sentence);
    // Ninja is worth having beside the others, but not an installation of its own.
    const list =
      needs.includes('cmake') && findMissing(['ninja']).length > 0 ? [...plan.packages, 'ninja-build'] : plan.packages;
    const { prefix } = plan;
    await steps.step(`apt-get install ${list.join(' ')}`, async () => {
      if (!(await installWithApt(prefix, list, (command, args) => steps.tryRun(command, args))))
        throw new StepError(plan.sentence);
    });
  }
  const obstacle = obstacleTo(needs);
  if (obstacle) throw new StepError(obstacle);
}
