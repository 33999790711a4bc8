/** Real captures with expected messages. They are not part of the project; without them this says SKIP. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe as suite, test } from 'node:test';
import { CaptureError, capture, type Message } from '../lib/index.js';
import { skip, top, within } from './support/environment.js';

/** What no HTTP/1 reader without keys can see. */
const notYet = ['h2c', 'h2-prior', 'tls-h2', 'tls-keylog', 'grpc'];

interface Wanted {
  kind: 'request' | 'response';
  stream: number;
  frame: number;
  method?: string;
  uri?: string;
  status?: number;
  body_len?: number;
  body_sha256?: string;
  optional?: boolean;
}

interface Oracle {
  name: string;
  class: 'exact' | 'soft' | 'empty';
  features: string[];
  requests: Wanted[];
  responses: Wanted[];
}

interface Got {
  kind: 'request' | 'response';
  method?: string;
  target?: string;
  status?: number;
  bodyLength: number;
  sha256: string | undefined;
}

const folder = path.resolve(top, '../shared/corpus');
const present = existsSync(folder);
const exceptions: Record<string, string> = JSON.parse(
  readFileSync(path.join(top, 'test/corpus-exceptions.json'), 'utf8'),
);

/** Targets are compared as printable ASCII without case: the expectations keep raw bytes as latin1. */
function normalize(target: string, encoding: 'latin1' | 'utf8'): string {
  return [...Buffer.from(target, encoding)]
    .map((byte) => (byte > 32 && byte < 127 ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`))
    .join('')
    .toLowerCase();
}

function sameStart(got: Got, wanted: Wanted): boolean {
  if (got.kind !== wanted.kind) return false;
  if (got.kind === 'response') return got.status === wanted.status;
  if (got.method !== wanted.method) return false;
  const uri = wanted.uri ?? '';
  const seen = got.target ?? '';
  return [normalize(uri, 'latin1'), normalize(uri, 'utf8')].some(
    (form) => form === normalize(seen, 'latin1') || form === normalize(seen, 'utf8'),
  );
}

function sameBody(got: Got, wanted: Wanted): boolean {
  if (got.bodyLength !== (wanted.body_len ?? 0)) return false;
  return (
    got.bodyLength === 0 ||
    got.sha256 === undefined ||
    wanted.body_sha256 === undefined ||
    got.sha256 === wanted.body_sha256
  );
}

interface Score {
  missed: Wanted[];
  extra: Got[];
}

/** Takes each expected message once, those that match in full first. */
function score(oracle: Oracle, messages: readonly Message[]): Score {
  const all: Wanted[] = [
    ...oracle.requests.map((one) => ({ ...one, kind: 'request' as const })),
    ...oracle.responses.map((one) => ({ ...one, kind: 'response' as const })),
  ];
  const wanted = new Set(all);
  let extra = messages.map((message): Got => {
    const whole = message.body !== undefined && !message.bodyTruncated;
    return {
      kind: message.kind,
      ...(message.kind === 'request' ? { method: message.method, target: message.target } : { status: message.status }),
      bodyLength: message.bodyLength,
      sha256: whole
        ? createHash('sha256')
            .update(message.body as Uint8Array)
            .digest('hex')
        : undefined,
    };
  });
  const take = (optional: boolean) => {
    extra = extra.filter((got) => {
      for (const one of wanted)
        if ((one.optional ?? false) === optional && sameStart(got, one) && sameBody(got, one)) {
          wanted.delete(one);
          return false;
        }
      return true;
    });
  };
  take(false);
  take(true);
  // What is optional may also be there with another body, for it is incomplete.
  extra = extra.filter((got) => {
    for (const one of wanted)
      if (one.optional && sameStart(got, one)) {
        wanted.delete(one);
        return false;
      }
    return true;
  });
  return { missed: [...wanted].filter((one) => !one.optional), extra };
}

const inWords = (one: Wanted | Got) => {
  const start = one.kind === 'request' ? `${one.method} ${'uri' in one ? one.uri : (one as Got).target}` : one.status;
  const place = 'frame' in one ? ` (stream ${one.stream}, frame ${one.frame})` : '';
  return `${one.kind} ${start} with ${'bodyLength' in one ? one.bodyLength : one.body_len} bytes${place}`;
};

suite('the corpus', { skip: present ? false : skip('there is no ../shared/corpus'), concurrency: 2 }, () => {
  if (!present) return;
  let perfect = 0;
  let exact = 0;
  for (const file of readdirSync(path.join(folder, 'oracle')).sort()) {
    if (!file.endsWith('.json')) continue;
    const oracle: Oracle = JSON.parse(readFileSync(path.join(folder, 'oracle', file), 'utf8'));
    const held = oracle.class === 'exact' && !oracle.features.some((feature) => notYet.includes(feature));
    test(`${held ? 'exact' : 'no crash'}: ${oracle.name}`, async () => {
      const messages: Message[] = [];
      const tap = capture({ file: path.join(folder, 'pcaps', oracle.name) });
      const read = async () => {
        for await (const message of tap) messages.push(message);
      };
      try {
        await within(read(), 'the end of the file', 20_000);
      } catch (error) {
        // A file that is damaged gives what comes before the damage, and says so; nothing else may fail.
        if (!(error instanceof CaptureError) || error.code !== 'ERR_FILE') throw error;
        if (oracle.class === 'exact') assert.ok(oracle.features.includes('damaged-file'), error.message);
      }
      for (const message of messages) JSON.stringify(message);
      const { missed, extra } = score(oracle, messages);
      if (!held) {
        if (oracle.class === 'empty') assert.deepEqual(extra.map(inWords), []);
        return;
      }
      exact++;
      const told = [...missed.map((one) => `missed: ${inWords(one)}`), ...extra.map((one) => `extra: ${inWords(one)}`)];
      const reason = exceptions[oracle.name];
      if (told.length === 0) {
        perfect++;
        assert.equal(reason, undefined, 'is perfect: strike it from test/corpus-exceptions.json');
      } else if (reason === undefined) assert.fail(`\n${told.slice(0, 20).join('\n')}`);
    });
  }
  after(() => process.stderr.write(`corpus: ${perfect} of ${exact} exact files without HTTP/2 and TLS are perfect\n`));
});
