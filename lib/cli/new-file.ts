import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';

/** Of files in which secrets are as captured. */
export const ownerOnly = 0o600;

/**
 * Makes sure that a file can be written, and is a new one unless it may be replaced. Pipes and devices are no files.
 * @param mode of a new file, less what umask takes away
 * @throws Error with one line that says what to do
 */
export async function createFile(path: string, replace: boolean, mode = 0o666): Promise<void> {
  try {
    const file = await open(path, 'wx', mode);
    await file.close();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new Error(`cannot write ${path}: ${message}`);
    if (!replace && (await stat(path)).isFile()) {
      throw new Error(`${path} exists: --force replaces it`);
    }
    await access(path, constants.W_OK).catch(({ message: reason }: Error) => {
      throw new Error(`cannot write ${path}: ${reason}`);
    });
  }
}
