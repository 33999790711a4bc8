import type { UnsupportedLinkType } from './native.js';

/**
 * Says once what is left out, as a process warning with the code `FLOWTAP_UNSUPPORTED_LINK_TYPE`.
 * @param over nothing follows
 */
export function warnOfLinkTypes(types: readonly UnsupportedLinkType[], over: boolean): void {
  const packets = types.reduce((sum, type) => sum + type.packets, 0);
  const names = types.map((type) => type.linkType);
  const listed = names.length === 1 ? names[0] : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  process.emitWarning(
    `${packets} packet${packets === 1 ? '' : 's'}${over ? '' : ' so far'} of link type${names.length === 1 ? '' : 's'} ${listed}, ` +
      'which cannot be decoded; stats().packets.unsupported counts them',
    { type: 'FlowtapWarning', code: 'FLOWTAP_UNSUPPORTED_LINK_TYPE' },
  );
}
