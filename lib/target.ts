/** The forms of a request target (RFC 9112, 3.2) and the URI that it stands for (RFC 9112, 3.3). */

const SLASH = 0x2f;

/** 'scheme://' (RFC 3986, 3.1 and 3.2). */
const absolute = /^[a-z][a-z0-9+.-]*:\/\//i;

/** `host` is the value of the Host field, '' when there is none. */
export function urlOf(method: string, target: string, host: string): string | null {
  if (target.charCodeAt(0) === SLASH) return host === '' ? null : `http://${host}${target}`;
  if (absolute.test(target)) return target;
  if (method === 'CONNECT') return target === '' ? null : `http://${target}`;
  if (target === '*') return host === '' ? null : `http://${host}`;
  return null;
}

export function pathOf(method: string, target: string): string {
  const query = target.indexOf('?');
  const end = query < 0 ? target.length : query;
  if (target.charCodeAt(0) === SLASH) return target.substring(0, end);
  const scheme = absolute.exec(target);
  if (scheme !== null) {
    const slash = target.indexOf('/', scheme[0].length);
    // An empty path means the same as '/' (RFC 9110, 4.2.3).
    return slash < 0 || slash > end ? '/' : target.substring(slash, end);
  }
  return method === 'CONNECT' ? '' : target.substring(0, end);
}

export function queryOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? '' : target.substring(query + 1);
}
