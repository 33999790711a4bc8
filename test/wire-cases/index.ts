/** All wire cases by topic. */
import { bodiless } from './bodiless.js';
import type { WireCase } from './case.js';
import { chunked } from './chunked.js';
import { fields } from './fields.js';
import { framing } from './framing.js';
import { pairing } from './pairing.js';
import { smuggling } from './smuggling.js';
import { startLines } from './start-lines.js';

export const wireCases: Record<string, WireCase[]> = {
  framing,
  chunked,
  'bodiless, interim, upgrade and CONNECT': bodiless,
  smuggling,
  fields,
  'start lines': startLines,
  'pairing, loss, PROXY and limits': pairing,
};
