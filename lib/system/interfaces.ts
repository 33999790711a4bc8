import { type CaptureError, fromNativeError } from '../errors.js';
import { native } from '../native.js';

/** Something that can be captured on. */
export interface InterfaceInfo {
  /** `'any'` is every interface at once (Linux). */
  readonly name: string;
  /** IPv4 and IPv6. */
  readonly addresses: readonly string[];
  readonly up: boolean;
  /** Has a carrier. */
  readonly running: boolean;
  readonly loopback: boolean;
  /** As libpcap names it, such as `'EN10MB'`; absent when it cannot be opened. */
  readonly linkType?: string;
  /** Why it cannot be opened: what a capture on it would fail with. */
  readonly error?: CaptureError;
}

/**
 * The network interfaces, in libpcap's order: what is up first. Opens each for a moment to know whether that is possible.
 *
 * @throws CaptureError `ERR_CAPTURE` when libpcap cannot list them
 */
export async function interfaces(): Promise<InterfaceInfo[]> {
  const { interfaces: found, error } = await native.interfaces();
  if (error) throw fromNativeError(error);
  return found.map(({ linkType, error: reason, ...rest }) => ({
    ...rest,
    ...(linkType === '' ? {} : { linkType }),
    ...(reason && { error: fromNativeError(reason) }),
  }));
}
