/** Bearer tokens of the demo: JSON Web Tokens in shape (RFC 7519), with a signature that says it is none. */

export interface Claims {
  sub: string;
  /** Seconds since 1970. */
  exp: number;
}

export function makeToken(sub: string, expires: Date): string {
  const exp = Math.floor(expires.getTime() / 1000);
  const claims = { iss: 'https://auth.example.org', aud: 'https://api.example.org', sub, iat: exp - 3600, exp };
  return [JSON.stringify({ alg: 'HS256', typ: 'JWT' }), JSON.stringify(claims), 'demo only, not a real signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
}

/** Claims of an Authorization header; undefined when it holds no token. */
export function readClaims(authorization: string | null | undefined): Claims | undefined {
  const payload = /^Bearer [\w-]+\.([\w-]+)\.[\w-]+$/.exec(authorization ?? '')?.[1];
  return payload === undefined ? undefined : JSON.parse(Buffer.from(payload, 'base64url').toString());
}
