/** Which headers, parameters and fields are secret. */
import { badOption, checkOptions } from '../check-options.js';

export interface RedactOptions {
  /** Headers to mask besides Authorization, Proxy-Authorization, Cookie, Set-Cookie and the usual headers for API keys and tokens. */
  headers?: readonly string[] | undefined;
  /** Query parameters to mask besides the usual ones, such as `access_token`, `api_key`, `password` and `signature`. */
  query?: readonly string[] | undefined;
  /** Fields of JSON and form bodies, at any depth, to mask besides those same usual ones. */
  fields?: readonly string[] | undefined;
  /** Key of the fingerprints. Default: random, the same for the life of the process. Give one to compare the output of several runs. */
  key?: string | Uint8Array | undefined;
}

/** Says of a name whether what it names is secret. */
export type SecretNames = (name: string) => boolean;

export interface SecretRules {
  headers: SecretNames;
  query: SecretNames;
  fields: SecretNames;
  key: string | Uint8Array | undefined;
}

const usualHeaders = normalized([
  ...['api-key', 'x-api-key', 'x-auth-token', 'x-access-token', 'x-session-token', 'private-token', 'x-csrf-token'],
  ...['x-xsrf-token', 'x-vault-token', 'x-amz-security-token', 'x-forwarded-authorization', 'x-original-authorization'],
]);

const usualParameters = normalized([
  ...['access_token', 'refresh_token', 'id_token', 'auth_token', 'session_token', 'security_token', 'csrf_token'],
  ...[
    'token',
    'jwt',
    'api_key',
    'api_token',
    'secret',
    'client_secret',
    'client_assertion',
    'secret_key',
    'private_key',
  ],
  ...['password', 'passwd', 'pwd', 'passphrase', 'old_password', 'new_password', 'current_password', 'authorization'],
  ...[
    'session_id',
    'jsessionid',
    'phpsessid',
    'code_verifier',
    'signature',
    'sig',
    'x-amz-signature',
    'x-goog-signature',
  ],
  ...['x-amz-security-token'],
]);

const names = ['headers', 'query', 'fields', 'key'];

/** @throws CaptureError `ERR_OPTION` */
export function resolveRules(options: RedactOptions = {}): SecretRules {
  checkOptions(options, names, 'redact()');
  const { key } = options;
  if (key !== undefined && !((typeof key === 'string' || key instanceof Uint8Array) && key.length > 0)) {
    throw badOption('key must be a string or bytes, and not empty');
  }
  return {
    headers: namesOf('headers', usualHeaders, options.headers),
    query: namesOf('query', usualParameters, options.query),
    fields: namesOf('fields', usualParameters, options.fields),
    key,
  };
}

function namesOf(option: string, usual: ReadonlySet<string>, more: unknown = []): SecretNames {
  if (!Array.isArray(more) || !more.every((name) => typeof name === 'string' && name !== '')) {
    throw badOption(`${option} must be an array of names`);
  }
  if (more.length === 0) return (name) => usual.has(normalize(name));
  const named = normalized(more);
  return (name) => usual.has(normalize(name)) || named.has(normalize(name));
}

/** `apiKey`, `api_key` and `API-Key` are the same name. */
function normalize(name: string): string {
  return name.toLowerCase().replace(/[\s_-]+/g, '');
}

function normalized(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map(normalize));
}
