import { onStopSignal } from './signals.js';
import type { Terminal } from './terminal.js';

const patienceMs = 1000;

export interface Stopping {
  /** Whether this is all that went wrong: a signal came before there was anything. */
  explains(error: unknown): boolean;
  /** Call it when nothing is waited for any more. */
  end(): void;
}

/**
 * The first signal ends the capture in good order; a reader that does not read can make that last, and then people should know.
 * @param drawn standard error has a table that is drawn anew
 */
export function stopOnSignal(
  tap: { stop(): unknown },
  terminal: Terminal,
  say: (line: string) => void,
  drawn = false,
): Stopping {
  let begun = false;
  let timer: NodeJS.Timeout | undefined;
  const restoreSignals = onStopSignal(() => {
    begun = true;
    // Behind the ^C that the terminal shows. A table that is drawn anew covers it.
    if (terminal.stderr.isTTY && !drawn) terminal.stderr.write('\n');
    timer = setTimeout(() => say('waiting for the output to be read; another Ctrl-C ends it at once'), patienceMs);
    timer.unref();
    void tap.stop();
  });
  return {
    explains: (error) => begun && (error as { code?: unknown } | undefined)?.code === 'ERR_CLOSED',
    end() {
      clearTimeout(timer);
      restoreSignals();
    },
  };
}
