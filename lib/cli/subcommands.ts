/** What the first word can be instead of an option or an expression. */
import { Command, Option } from 'commander';

const descriptions = {
  listeners: 'who listens on which TCP port: address, process, container, command line',
  interfaces: 'what can be captured on, and why not',
} as const;

export type Subcommand = keyof typeof descriptions;

const notes: Readonly<Record<Subcommand, string>> = {
  listeners: `
Processes of others are seen by root only. What is in another network namespace, such as a container's, is captured
there with: flowtap --pid PID`,
  interfaces: `
Each is opened for a moment to know whether that is possible.`,
};

export function isSubcommand(word: string): word is Subcommand {
  return Object.hasOwn(descriptions, word);
}

const names = Object.keys(descriptions) as Subcommand[];

export const subcommandUsage = `${names.join('|')} [--json]`;

export const subcommandHelp = names.map((name) => `  flowtap ${name.padEnd(12)} ${descriptions[name]}`).join('\n');

export function buildSubcommand(name: Subcommand): Command {
  return new Command(`flowtap ${name}`)
    .description(`${descriptions[name].charAt(0).toUpperCase()}${descriptions[name].slice(1)}.`)
    .usage('[--json]')
    .addOption(new Option('--json', 'NDJSON, one a line'))
    .addHelpOption(new Option('-h, --help', 'print this page'))
    .addHelpText('after', notes[name])
    .allowExcessArguments(false)
    .exitOverride();
}
