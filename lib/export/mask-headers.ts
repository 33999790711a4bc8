/** Secrets in header fields. Text is a character a byte. */
import type { RawHeader } from '../headers.js';
import { maskLinks } from './mask-parameters.js';
import type { Masks } from './masks.js';
import type { SecretRules } from './secret-names.js';

/** Schemes of the HTTP Authentication Scheme Registry, and others in wide use. What is none of them may be a secret itself. */
const schemes: ReadonlySet<string> = new Set([
  ...['basic', 'bearer', 'concealed', 'digest', 'dpop', 'gnap', 'hoba', 'mutual', 'negotiate', 'oauth', 'privatetoken'],
  ...['scram-sha-1', 'scram-sha-256', 'vapid', 'ntlm', 'token', 'apikey', 'hawk', 'aws4-hmac-sha256'],
]);

/** Attributes of Set-Cookie, with what of their values cannot be a secret (RFC 6265, 4.1.1). */
const cookieAttributes: Readonly<Record<string, RegExp>> = {
  expires: /^[\w ,:+-]{0,40}$/,
  'max-age': /^-?\d*$/,
  domain: /^[\w.:-]*$/,
  path: /^[^,;=]*$/,
  secure: /^$/,
  httponly: /^$/,
  partitioned: /^$/,
  samesite: /^\w*$/,
  priority: /^\w*$/,
};

export function maskHeader([name, value]: RawHeader, rules: SecretRules, masks: Masks): [string, string] {
  switch (name.trim().toLowerCase()) {
    case 'authorization':
    case 'proxy-authorization':
      return [name, maskCredentials(value, masks)];
    case 'cookie':
      return [name, value.replace(/[^;]+/g, (pair) => maskCookie(pair, masks))];
    case 'set-cookie':
      return [name, maskSetCookie(value, masks)];
  }
  if (rules.headers(name)) return [name, maskCredentials(value, masks)];
  return [name, maskLinks(value, rules.query, masks)];
}

/** The authentication scheme stays (RFC 9110, 11.4). */
function maskCredentials(value: string, masks: Masks): string {
  const [, scheme = '', space = '', credentials = ''] = /^([!-~]+)([ \t]+)(.+)$/.exec(value) ?? [];
  if (!schemes.has(scheme.toLowerCase())) return masks.mask(value);
  return scheme + space + masks.mask(credentials, scheme.toLowerCase() === 'basic' ? passwordForms(credentials) : []);
}

/** User and password (RFC 7617, 2). */
function passwordForms(credentials: string): string[] {
  const pair = Buffer.from(credentials, 'base64').toString('latin1');
  return [pair, pair.slice(pair.indexOf(':') + 1)];
}

/** The name stays; without one, nothing does. */
function maskCookie(pair: string, masks: Masks): string {
  const valueStart = pair.indexOf('=') + 1;
  const value = pair.slice(valueStart);
  const bare = value.trim();
  const isQuoted = bare.length >= 2 && bare.startsWith('"') && bare.endsWith('"');
  const secret = isQuoted ? bare.slice(1, -1) : bare;
  const secretStart = valueStart + value.indexOf(bare) + (isQuoted ? 1 : 0);
  return pair.slice(0, secretStart) + masks.mask(secret) + pair.slice(secretStart + secret.length);
}

function maskSetCookie(value: string, masks: Masks): string {
  const [pair = '', ...attributes] = value.split(';');
  const shown = attributes.map((attribute) => (isHarmless(attribute) ? attribute : maskCookie(attribute, masks)));
  return [maskCookie(pair, masks), ...shown].join(';');
}

function isHarmless(attribute: string): boolean {
  const equals = attribute.indexOf('=');
  const name = (equals < 0 ? attribute : attribute.slice(0, equals)).trim().toLowerCase();
  const harmless = Object.hasOwn(cookieAttributes, name) ? cookieAttributes[name] : undefined;
  return harmless?.test(equals < 0 ? '' : attribute.slice(equals + 1).trim()) ?? false;
}
