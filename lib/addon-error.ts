/** What to say when there is no addon to load: which binary is missing, and how to build it. */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { CaptureError } from './errors.js';
import { quote } from './export/shell-quote.js';

/**
 * @param root the package's folder
 * @param cause what loading threw
 */
export function noAddon(root: string, cause: unknown): CaptureError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const wanted = `${process.platform}-${process.arch} (${libc()})`;
  const found = reason.startsWith('No native build')
    ? `flowtap has no binary for ${wanted}; it comes with ${shipped(root)}`
    : `flowtap's binary does not load on ${wanted}: ${reason.trim()}`;
  const obstacle = whyNotBuildable(root)?.replace(/\.$/, '');
  const command = [process.execPath, path.join(root, 'scripts/build-addon.mjs')]
    .map((word) => quote(Buffer.from(word)))
    .join(' ');
  const advice = obstacle === undefined ? `Build it with: ${command}` : `${obstacle}. Then build it with: ${command}`;
  return new CaptureError('ERR_NO_ADDON', `${found}. ${advice}`, { cause });
}

/** The C library of this process. */
function libc(): string {
  if (process.platform !== 'linux') return `Node.js ${process.versions.node}`;
  const { header } = process.report.getReport() as unknown as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined ? 'musl' : `glibc ${header.glibcVersionRuntime}`;
}

/** The binaries in the package. */
function shipped(root: string): string {
  const names = list(path.join(root, 'prebuilds')).flatMap((platform) =>
    list(path.join(root, 'prebuilds', platform)).map((file) => {
      const tag = /\.(glibc|musl)\.node$/.exec(file)?.[1];
      return tag === undefined || !platform.startsWith('linux') ? platform : `${platform} (${tag})`;
    }),
  );
  return names.length === 0 ? 'none' : `those for ${names.join(', ')}`;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** As building finds it. */
function whyNotBuildable(root: string): string | undefined {
  try {
    const system = createRequire(import.meta.url)(path.join(root, 'scripts/lib/system.mjs'));
    return system.obstacleTo(system.forAddon);
  } catch {
    // Told when it is built.
    return undefined;
  }
}
