/** Exchanges of made-up conversations, as a capture of them gives them. */
import { type CaptureOptions, capture, type Exchange } from '../../lib/index.js';
import { pcap, toPackets } from './capture-file.js';
import { type Conversation, interleave } from './conversation.js';
import { collect, temporaryFile } from './environment.js';

export function readExchanges(conversations: Conversation[], options: CaptureOptions = {}): Promise<Exchange[]> {
  const packets = toPackets(interleave(conversations), { link: 'ethernet' });
  return collect(capture({ file: temporaryFile(pcap(packets, { nanoseconds: true })), ...options }).exchanges());
}
