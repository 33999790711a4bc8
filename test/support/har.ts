/** What the published schema of HTTP archives, and the field's own types, say. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import Ajv from 'ajv';
import type { Entry, Request } from 'har-format';
import type { Har } from '../../lib/index.js';

const require = createRequire(import.meta.url);
const ajv = new Ajv({ format: 'full', allErrors: true, logger: false });
ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-06.json'));
for (const schema of Object.values(require('har-schema'))) ajv.addSchema(schema as object);

/** It has `params` and `text` exclude each other, but browsers write both, and read `text`. */
type PublishedEntry = Omit<Entry, 'request'> & { request: Omit<Request, 'postData'> };

export function assertValidHar(har: unknown): asserts har is Har {
  const valid = ajv.validate('har.json#', har);
  assert.ok(valid, JSON.stringify(ajv.errors?.slice(0, 5), null, 1));
  // The field's own types agree.
  const published: PublishedEntry[] = (har as Har).log.entries.map(({ ...entry }) => entry);
  assert.ok(published);
}
