// A consumer that is a CommonJS module. Compiled, never run.
import type { CaptureOptions, Message } from 'flowtap' with { 'resolution-mode': 'import' };

async function firstPath(options: CaptureOptions): Promise<string | undefined> {
  const { capture } = await import('flowtap');
  for await (const message of capture(options)) {
    const same: Message = message;
    if (same.kind === 'request') return same.path;
  }
  return undefined;
}

module.exports = { firstPath };
