/** Which requests are to the same endpoint. */
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
/** Numbers, and several of them: dates, times, versions, addresses, lists. */
const number = /^[-+]?\d+(?:[-_:.,T]\d+)*Z?$/;
const hex = /^(?:0x)?(?=[a-f]*\d)[0-9a-f]{8,}$/i;
const longHex = /^[0-9a-f]{24,}$/i;

const maxPathLength = 200;
const foldedSegment = '{id}';

/**
 * A path with `{id}` in place of what identifies one thing among many, so that requests for things of a kind have the same path. In each
 * segment, or each part of it between dots:
 *
 * - numbers, also several (`17`, `2024-01-31`, `10.0.0.1`);
 * - UUIDs;
 * - hexadecimal from 8 digits on, with a decimal digit among them, or from 24 on (`3f9c2a1b`, `app.3f9c2a1b.js`);
 * - opaque tokens, such as Base64url: from 16 characters on with upper case, lower case and a digit, or with a part, between `-` and `_`,
 *   of 12 characters or more in which letters and digits change places at least three times (`cus_9s6xkzknriz8i3`).
 *
 * Parameters of a segment (`;jsessionid=…`) are left out. A longer path is cut after 200 characters.
 */
export function foldPath(path: string): string {
  const last = path.lastIndexOf('/') + 1;
  const folded = foldFolder(path.slice(0, last)) + foldSegment(path.slice(last));
  return folded.length <= maxPathLength ? folded : `${folded.slice(0, maxPathLength)}…`;
}

/** Folders in which nothing is folded: most requests are for something in one of a few. */
const plainFolders = new Set<string>();
const maxPlainFolders = 1000;
const maxPlainLength = 200;

function foldFolder(folder: string): string {
  if (plainFolders.has(folder)) return folder;
  const folded = folder.split('/').map(foldSegment).join('/');
  if (folded === folder && folder.length <= maxPlainLength && plainFolders.size < maxPlainFolders)
    plainFolders.add(folder);
  return folded;
}

/** Short and without a digit: no identifier. */
const plain = /^[a-z_~=+-]{0,15}$/i;

function foldSegment(segment: string): string {
  if (plain.test(segment)) return segment;
  const semicolon = segment.indexOf(';');
  const bare = semicolon < 0 ? segment : segment.slice(0, semicolon);
  if (isIdentifier(bare)) return foldedSegment;
  const parts = bare.split('.');
  if (parts.length === 1) return bare;
  // A number after a dot is a version or part of a name; before the first one it is an id: 17.json
  return parts
    .map((part, index) => (isIdentifier(part) && (index === 0 || !number.test(part)) ? foldedSegment : part))
    .join('.');
}

function isIdentifier(text: string): boolean {
  return number.test(text) || uuid.test(text) || hex.test(text) || longHex.test(text) || isOpaque(text);
}

function isOpaque(text: string): boolean {
  if (text.length < 16 || !/^[\w~=+-]+$/.test(text)) return false;
  if (/[A-Z]/.test(text) && /[a-z]/.test(text) && /\d/.test(text)) return true;
  return text.split(/[-_]/).some((part) => part.length >= 12 && (part.match(/[a-z]\d|\d[a-z]/gi)?.length ?? 0) >= 3);
}

const maxHostLength = 100;

/** Host and port of a URL, `''` where there is none. */
export function hostOf(url: string | null): string {
  const [, host = ''] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url ?? '') ?? [];
  return host
    .slice(host.lastIndexOf('@') + 1)
    .slice(0, maxHostLength)
    .toLowerCase();
}
