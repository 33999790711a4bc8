/** Secrets in bodies whose content codings are undone. Text is a character a byte. */
import { maskJson } from './mask-json.js';
import { maskForm, maskLinks } from './mask-parameters.js';
import type { Masks } from './masks.js';
import type { SecretRules } from './secret-names.js';

/** @param contentType value of the Content-Type field, '' without one */
export function maskBody(text: string, contentType: string, rules: SecretRules, masks: Masks): string {
  if (/^\s*application\/x-www-form-urlencoded/i.test(contentType)) return maskForm(text, rules.fields, masks);
  if (/^\s*multipart\//i.test(contentType)) {
    const [, quoted, bare] = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
    const boundary = quoted ?? bare;
    if (boundary !== undefined) return maskParts(text, boundary, rules, masks);
  }
  return maskText(text, rules, masks);
}

/** Media types lie, so JSON and links are looked for in everything. */
function maskText(text: string, rules: SecretRules, masks: Masks): string {
  return maskLinks(maskJson(text, rules.fields, masks), rules.query, masks);
}

/** RFC 7578; parts may have parts. */
function maskParts(text: string, boundary: string, rules: SecretRules, masks: Masks): string {
  const delimiter = `--${boundary}`;
  return text
    .split(delimiter)
    .map((part, index) => (index === 0 ? maskText(part, rules, masks) : maskPart(part, rules, masks)))
    .join(delimiter);
}

function maskPart(part: string, rules: SecretRules, masks: Masks): string {
  const [, head = '', content = '', end = ''] = /^(.*?\r?\n\r?\n)(.*?)(\r?\n)?$/s.exec(part) ?? [];
  if (head === '') return maskText(part, rules, masks);
  const [, quoted, bare] = /^content-disposition:[^\n]*[;\s]name=(?:"([^"\n]*)"|([^\s;]*))/im.exec(head) ?? [];
  if (rules.fields(quoted ?? bare ?? '')) return head + masks.mask(content) + end;
  const [, type = ''] = /^content-type:\s*(.*)$/im.exec(head) ?? [];
  return maskText(head, rules, masks) + maskBody(content, type, rules, masks) + end;
}
