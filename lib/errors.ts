import { type Deed, permissionAdvice } from './system/permission-advice.js';

/**
 * Why something failed. Codes are stable; messages are for people and say what to do next.
 *
 * - `ERR_PERMISSION`: the process may not do that; the message ends with the line to type that permits it.
 * - `ERR_NO_INTERFACE`: no such interface, or it is down.
 * - `ERR_NO_PROCESS`: no such process, or several where one is meant.
 * - `ERR_NO_NAMESPACE`: no such network namespace.
 * - `ERR_UNSUPPORTED`: this system cannot do that.
 * - `ERR_FILTER`: libpcap rejects the BPF expression; the message has its own words.
 * - `ERR_FILE`: the file or stream is unreadable, no capture, or damaged. What came before the damage is delivered first. Of a writer: it
 *   cannot be written.
 * - `ERR_OPTION`: an option is unknown or has a bad value; thrown by `capture()` itself.
 * - `ERR_CLOSED`: the tap was closed before what was asked for could happen.
 * - `ERR_STATE`: a call that is not possible now, such as a second consumer of one tap, or reading a body that was not kept.
 * - `ERR_BODY_DROPPED`: a streamed body was not read in time and let go.
 * - `ERR_DECODE`: a body's content coding is unknown or damaged, or the decoded body exceeds `maxDecodedBytes`.
 * - `ERR_CAPTURE`: the system failed while capturing.
 * - `ERR_NO_ADDON`: no binary of the addon fits this system; thrown when the package is loaded. The message says what is missing, and the line
 *   to type that builds it.
 */
export type CaptureErrorCode =
  | 'ERR_PERMISSION'
  | 'ERR_NO_INTERFACE'
  | 'ERR_NO_PROCESS'
  | 'ERR_NO_NAMESPACE'
  | 'ERR_UNSUPPORTED'
  | 'ERR_FILTER'
  | 'ERR_FILE'
  | 'ERR_OPTION'
  | 'ERR_CLOSED'
  | 'ERR_STATE'
  | 'ERR_BODY_DROPPED'
  | 'ERR_DECODE'
  | 'ERR_CAPTURE'
  | 'ERR_NO_ADDON';

const nativeCodes: ReadonlySet<string> = new Set<CaptureErrorCode>([
  'ERR_NO_INTERFACE',
  'ERR_NO_NAMESPACE',
  'ERR_UNSUPPORTED',
  'ERR_FILTER',
  'ERR_FILE',
  'ERR_OPTION',
  'ERR_CAPTURE',
]);

/** The one error class of the library. Tell its kinds apart by `code`. */
export class CaptureError extends Error {
  readonly code: CaptureErrorCode;

  constructor(code: CaptureErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

// On the prototype, as with the built-in errors, so that it does not show among the error's own properties.
Object.defineProperty(CaptureError.prototype, 'name', { value: 'CaptureError', configurable: true, writable: true });

/** Codes of the addon for what is not permitted. */
const deeds: Readonly<Record<string, Deed>> = {
  ERR_PERMISSION: 'capture',
  ERR_NAMESPACE_PERMISSION: 'enterNamespace',
};

/** Something is not permitted; the message goes on with what permits it. */
export function notPermitted(deed: Deed, message: string): CaptureError {
  return new CaptureError('ERR_PERMISSION', `${message}. ${permissionAdvice(deed)}`);
}

/** An error as the addon reports it. */
export function fromNativeError(error: { code: string; message: string }): CaptureError {
  const deed = deeds[error.code];
  if (deed !== undefined) return notPermitted(deed, error.message);
  const code = nativeCodes.has(error.code) ? (error.code as CaptureErrorCode) : 'ERR_CAPTURE';
  return new CaptureError(code, error.message);
}
