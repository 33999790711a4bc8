/** A chain that nobody reads does not keep this process alive, nor does the time until which it goes. */
import { capture } from '../../../lib/index.js';
import { pcap } from '../capture-file.js';
import { thenSilence } from '../endless.js';

const tap = capture({ stream: thenSilence(pcap([])) });
await tap.ready;
tap.takeUntil(3_600_000).filter(() => true);
console.log('over');
