import { CaptureError } from '../errors.js';

/** Throws where there is no /proc as Linux has it. */
export function requireLinux(what: string, instead: string): void {
  if (process.platform === 'linux') return;
  throw new CaptureError('ERR_UNSUPPORTED', `${what} is supported on Linux only, where /proc tells it. ${instead}`);
}
