import type { CaptureFlags } from './flags.js';
import { showsOn } from './outputs.js';
import { sanitizeLine } from './terminal.js';

/** Whether secrets are in what is written; undefined when nothing is that could have them. */
export function describeSecrets(flags: Pick<CaptureFlags, 'outputs' | 'redaction'>): string | undefined {
  const said = describeShown(flags);
  const { write } = flags.outputs;
  if (write === undefined) return said;
  const packets = `${sanitizeLine(write)} holds packets as captured, with every secret in them`;
  return said === undefined ? packets : `${said}; ${packets}`;
}

/** In what is made of messages. */
function describeShown(flags: Pick<CaptureFlags, 'outputs' | 'redaction'>): string | undefined {
  const { har } = flags.outputs;
  const shown = showsOn(flags, 'stdout');
  if (har === undefined && !shown) return undefined;
  const { redact } = flags.redaction;
  if (redact === true) return 'secrets are masked';
  if (har === undefined) return 'secrets are shown as captured; --redact masks them';
  const file = sanitizeLine(har);
  if (redact === false) return `secrets are ${shown ? 'shown here and ' : ''}in ${file} as captured`;
  if (!shown) return `secrets are masked in ${file}; --no-redact leaves them`;
  return `secrets are masked in ${file}, but shown here as captured; --redact masks them everywhere`;
}
