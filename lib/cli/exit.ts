/** How the command ends, as its caller sees it. */
export const ExitCode = {
  /** The input ended, `--count` was reached, a signal stopped the capture, or the reader of the output went away. */
  ok: 0,
  /** Something failed while running: no permission, no such interface or file, a damaged file, a full disk. */
  failure: 1,
  /** The command line was wrong; nothing was captured. */
  usage: 2,
} as const;

/** A process that ends because of a signal reports this plus the signal's number. */
export const signalExitBase = 128;

/** The command line is wrong. The message is one line and tells what to write instead. */
export class UsageError extends Error {
  override name = 'UsageError';
  /** Lines that show the place, safe to print; '' for none. */
  readonly excerpt: string;

  constructor(message: string, excerpt = '') {
    super(message);
    this.excerpt = excerpt;
  }
}
