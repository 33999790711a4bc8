import type { CaptureFlags } from '../flags.js';
import type { Output } from '../output.js';
import { type Terminal, wantsColor } from '../terminal.js';
import { ConsolePrinter } from './console.js';
import { JsonPrinter } from './json.js';
import type { Printer } from './printer.js';
import { RawPrinter } from './raw.js';

/** The outputs that the flags ask for; each message goes to all of them, in this order. */
export function createPrinters(flags: CaptureFlags, output: Output, { stdout, env }: Terminal): Printer[] {
  const terminal = stdout.isTTY === true;
  switch (flags.format) {
    case 'json':
      return [new JsonPrinter(output, { digest: flags.digest, terminal })];
    case 'raw':
      return [new RawPrinter(output, { terminal })];
    case 'console':
      return [new ConsolePrinter(output, { color: wantsColor(flags.color, stdout, env), digest: flags.digest })];
  }
}
