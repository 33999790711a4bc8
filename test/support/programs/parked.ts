/** A read of a silent capture is all that keeps this process alive; with an argument, it waits for that signal. */
import { capture } from '../../../lib/index.js';
import { pcap } from '../capture-file.js';
import { thenSilence } from '../endless.js';
import { loopback } from '../environment.js';

const signal = process.argv[2] as NodeJS.Signals | undefined;
if (signal) {
  // Nothing passes the filter.
  const tap = capture({ interface: loopback, filter: 'host 192.0.2.77' });
  await tap.ready;
  setTimeout(() => process.kill(process.pid, signal), 50).unref();
  await tap[Symbol.asyncIterator]().next();
  console.log('over');
} else {
  const tap = capture({ stream: thenSilence(pcap([])) });
  await tap.ready;
  const next = tap[Symbol.asyncIterator]().next();
  console.log('parked');
  setTimeout(() => {
    console.log('still here');
    void tap.stop();
  }, 300).unref();
  await next;
  console.log('over');
}
