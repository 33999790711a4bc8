/** What permits a live capture, for the help page. */
import { waysToPermit } from '../system/permission-advice.js';
import { permissionFacts } from '../system/permission-facts.js';

export function permissionHelp(): string {
  const found = permissionFacts();
  // Not this command line, which asks for help. With both paths, because sudo looks for programs elsewhere.
  const facts = { ...found, command: [found.program, process.argv[1] ?? 'flowtap', '-p', '8000'] };
  const ways = waysToPermit('capture', facts).map((way) => `    ${way}`);
  return [
    '  Reading files needs none. Live capture needs the capability CAP_NET_RAW:',
    ...ways,
    '  Under sudo root is given up as soon as the source is open, unless processes are followed or shown.',
  ].join('\n');
}
