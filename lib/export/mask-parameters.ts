/** Secrets in targets, links and URL-encoded forms. Text is a character a byte. */
import type { Masks } from './masks.js';
import type { SecretNames } from './secret-names.js';

/** A parameter of a query or fragment, wherever a link stands in text. */
const linkParameter = /([?&#])([^?&#;=\s"'<>]{1,128})=([^&#\s"'<>]+)/g;
/** A parameter of a path segment (RFC 3986, 3.3), such as `;jsessionid=`. */
const pathParameter = /(;)([^?&#;=\s"'<>/]{1,128})=([^?&#;\s"'<>/]+)/g;
/** User information (RFC 3986, 3.2.1). */
const userInfo = /\/\/([^/?#\s@"'<>]+)@/g;
const formParameter = /(^|&)([^&=]{1,128})=([^&]+)/g;

/** A target, or text with links in it. */
export function maskLinks(text: string, isSecret: SecretNames, masks: Masks): string {
  return mask(mask(text, linkParameter, isSecret, masks), pathParameter, isSecret, masks).replace(
    userInfo,
    (_, user: string) => `//${masks.mask(user, [user.slice(user.indexOf(':') + 1)])}@`,
  );
}

/** A body that is application/x-www-form-urlencoded. */
export function maskForm(text: string, isSecret: SecretNames, masks: Masks): string {
  return mask(text, formParameter, isSecret, masks);
}

function mask(text: string, parameter: RegExp, isSecret: SecretNames, masks: Masks): string {
  return text.replace(parameter, (whole, separator: string, name: string, value: string) => {
    if (!isSecret(percentDecode(name))) return whole;
    return `${separator}${name}=${masks.mask(percentDecode(value), [value])}`;
  });
}

/** Bytes for bytes; what is no escape stays. */
export function percentDecode(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
