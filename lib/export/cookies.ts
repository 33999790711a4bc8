/** Cookies as they were sent: not decoded, none merged. */
import type { HarCookie } from './har-format.js';

/** The value of a Cookie field (RFC 6265, 4.2.1). */
export function parseCookies(value: string): HarCookie[] {
  return value
    .split(';')
    .map(splitPair)
    .filter((cookie) => cookie.name !== '' || cookie.value !== '');
}

/** The value of a Set-Cookie field, by the algorithm of user agents (RFC 6265, 5.2). */
export function parseSetCookie(value: string): HarCookie {
  const [pair = '', ...attributes] = value.split(';');
  const cookie: HarCookie = splitPair(pair);
  for (const attribute of attributes) {
    const { name, value: text } = splitPair(attribute.includes('=') ? attribute : `${attribute}=`);
    switch (name.toLowerCase()) {
      case 'path':
        cookie.path = text;
        break;
      case 'domain':
        cookie.domain = text;
        break;
      case 'expires': {
        const time = new Date(text);
        if (!Number.isNaN(time.getTime())) cookie.expires = time.toISOString();
        break;
      }
      case 'httponly':
        cookie.httpOnly = true;
        break;
      case 'secure':
        cookie.secure = true;
        break;
      case 'samesite':
        cookie.sameSite = text;
        break;
    }
  }
  return cookie;
}

/** Without '=' all of it is the value, as browsers take it. */
function splitPair(pair: string): { name: string; value: string } {
  const equals = pair.indexOf('=');
  return { name: pair.slice(0, Math.max(0, equals)).trim(), value: pair.slice(equals + 1).trim() };
}
