/** Codes of warnings about what the summary tells. */
const told: ReadonlySet<string | undefined> = new Set(['FLOWTAP_UNSUPPORTED_LINK_TYPE']);

/** Keeps Node.js from printing what the command says in its own words. */
export function hideOwnWarnings(): void {
  const printers = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning: Error & { code?: string }) => {
    if (told.has(warning.code)) return;
    for (const print of printers) print.call(process, warning);
  });
}
