import { isUtf8 } from 'node:buffer';
import type { Endpoint } from '../batch-buffer.js';
import type { DetachedRequest } from '../detach.js';

/** What may stand in a URI (RFC 3986, 2); `%` only before two digits. */
const illegal = /%(?![0-9a-f]{2})|[^\w\-.~:/?#@!$&'()*+,;=%]/gi;
const authority = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** A host and perhaps a port, such as a URL can have. */
export function isAuthority(host: string): boolean {
  return authority.test(host) && Number(/:(\d+)$/.exec(host)?.[1] ?? 1) <= 65_535;
}

/** `10.0.0.1:80`, `[2001:db8::1]:80`. */
export function formatEndpoint({ address, port }: Endpoint): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** The target URI in a form that every reader of URLs takes; the server's address stands in for a Host that is missing or no host. */
export function uriOf(request: DetachedRequest): string {
  const { target, url } = request;
  if (url !== null) {
    const [, scheme = '', host = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)(.*)$/is.exec(url) ?? [];
    if (isAuthority(host)) return scheme + host + escapeIllegal(rest);
  }
  return `http://${formatEndpoint(request.connection.server)}${target.startsWith('/') ? '' : '/'}${escapeIllegal(target)}`;
}

/** Text is a character a byte. */
function escapeIllegal(text: string): string {
  const escaped = text.replace(illegal, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
  const fragment = escaped.indexOf('#');
  return escaped.slice(0, fragment + 1) + escaped.slice(fragment + 1).replaceAll('#', '%23');
}

/** Text of a character a byte as the UTF-8 that it holds, where it does. */
export function fromUtf8(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : text;
}
