/** Root, as short as possible. */
import { dropPrivileges, type Tap } from '../index.js';
import type { CaptureFlags } from './flags.js';
import { sanitizeLine } from './terminal.js';

type PrivilegeFlags = Pick<CaptureFlags, 'user' | 'pid' | 'process' | 'showProcess'>;

/** @throws Error when somebody else is to be who cannot be */
export function checkUser({ user }: Pick<CaptureFlags, 'user'>): void {
  if (user === undefined || process.getuid?.() === 0) return;
  throw new Error(`only root can become another user, so that --user ${user} needs sudo`);
}

/** Somebody else is to be; what follows processes may stay root all the same. */
export function isToGiveUpRoot({ user }: Pick<CaptureFlags, 'user'>): boolean {
  return process.getuid?.() === 0 && !['0', undefined].includes(user ?? process.env.SUDO_UID);
}

/**
 * Resolves when the source is open, which is all that takes root, and root was given up; files are made afterwards.
 * @throws CaptureError as `tap.ready` does
 */
export async function openWithRoot(
  tap: Pick<Tap, 'ready'>,
  flags: PrivilegeFlags & Pick<CaptureFlags, 'read'>,
  say: (line: string) => void,
): Promise<void> {
  // Of standard input there is nothing to open.
  if (flags.read !== '-') await tap.ready;
  for (const line of giveUpRoot(flags)) say(line);
  await tap.ready;
}

/** Returns what people should know. */
function giveUpRoot(flags: PrivilegeFlags): string[] {
  const seesSockets = flags.pid !== undefined || flags.process !== undefined || flags.showProcess;
  if (seesSockets && flags.user === undefined) {
    return isToGiveUpRoot(flags)
      ? [
          'this stays root, which sees the sockets of all processes and owns the files it makes; --user NAME gives root up',
        ]
      : [];
  }
  const dropped = dropPrivileges(flags.user);
  if (dropped === undefined) return [];
  const user = sanitizeLine(dropped.user);
  return [`root was given up for ${user}${seesSockets ? `: from now on only processes of ${user} are seen` : ''}`];
}
