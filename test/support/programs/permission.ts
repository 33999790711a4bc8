/** Prints the error of a live capture as JSON. */
import { type CaptureError, capture } from '../../../lib/index.js';
import { loopback } from '../environment.js';

const tap = capture({ interface: loopback });
try {
  await tap.ready;
  console.log(JSON.stringify({ code: 'captured' }));
  await tap.close();
} catch (error) {
  const { name, code, message } = error as CaptureError;
  console.log(JSON.stringify({ name, code, message }));
}
