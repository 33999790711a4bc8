/** From the words of the command line to an exit code. */
import { packageVersion } from '../package.js';
import { ExitCode, UsageError } from './exit.js';
import { parseCommandLine } from './flags.js';
import { Output } from './output.js';
import { sanitizeLine, sizeOf, type Terminal } from './terminal.js';

/** Runs the command and resolves to its exit code; everything it has to say went to the terminal's streams. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  // A closed standard error must not be what ends a capture.
  terminal.stderr.on('error', () => {});
  try {
    const invocation = parseCommandLine(args, packageVersion(), sizeOf(terminal.stdout)?.columns);
    switch (invocation.command) {
      case 'text': {
        const output = new Output(terminal.stdout);
        output.pending.text(invocation.text);
        await output.finish();
        return ExitCode.ok;
      }
      case 'capture': {
        // Only here: --help works where the addon does not load.
        const { runCapture } = await import('./commands/capture.js');
        return await runCapture(invocation.flags, terminal);
      }
      case 'listeners': {
        const { runListeners } = await import('./commands/listeners.js');
        return await runListeners(invocation.flags, terminal);
      }
      case 'interfaces': {
        const { runInterfaces } = await import('./commands/interfaces.js');
        return await runInterfaces(invocation.flags, terminal);
      }
    }
  } catch (error) {
    const usage = error instanceof UsageError;
    const excerpt = usage ? error.excerpt : '';
    const message = error instanceof Error ? error.message : String(error);
    terminal.stderr.write(`flowtap: ${sanitizeLine(message.trim().replace(/\s*\n\s*/g, ', '))}\n`);
    for (const line of excerpt === '' ? [] : excerpt.split('\n')) terminal.stderr.write(`  ${line}\n`);
    if (usage) terminal.stderr.write("Try 'flowtap --help'.\n");
    return usage ? ExitCode.usage : ExitCode.failure;
  }
}
