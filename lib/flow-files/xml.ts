/** XML, as far as a report needs it. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is about them
const impossible = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu;

/**
 * Text for element content and quoted attributes. What XML 1.0 cannot hold (control characters, halves of surrogate pairs) becomes
 * U+FFFD.
 */
export function escapeXml(text: string): string {
  return text.replace(impossible, '\ufffd').replace(/[&<>'"\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** ` name='value'` for each that has a value. */
export function attributes(values: Readonly<Record<string, string | number | undefined>>): string {
  let text = '';
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) text += ` ${name}='${escapeXml(String(value))}'`;
  }
  return text;
}

export function element(name: string, content: string | number): string {
  return `<${name}>${escapeXml(String(content))}</${name}>`;
}
