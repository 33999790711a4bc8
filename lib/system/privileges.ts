import { execFileSync } from 'node:child_process';
import { CaptureError } from '../errors.js';

/** Who this process is from now on. */
export interface DroppedTo {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Gives up root for good, for this process and all its threads: captures that are open go on, and what is created from now on belongs to
 * the user. Without an argument to the user who called sudo. Call it when `tap.ready` has resolved. What follows other users' processes
 * (`pid`, `process`, `processes`) needs root all the time.
 *
 * @param user a name or a number
 * @returns undefined, and nothing changed, when this process is not root, or neither a user is given nor sudo was called
 * @throws CaptureError `ERR_OPTION` when there is no such user; `ERR_PERMISSION` when the system refuses
 */
export function dropPrivileges(user?: string): DroppedTo | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const wanted = user ?? process.env.SUDO_UID;
  if (wanted === undefined) return undefined;
  const { groups, ...to } = lookUpUser(wanted);
  if (to.uid === 0) return undefined;
  try {
    // The user last: afterwards nothing else can be changed.
    process.setgroups?.(groups);
    process.setgid?.(to.gid);
    process.setuid?.(to.uid);
  } catch (error) {
    throw new CaptureError('ERR_PERMISSION', `Root could not be given up for ${to.user}: ${String(error)}`, {
      cause: error,
    });
  }
  return to;
}

/** Also where users are not in /etc/passwd. */
function lookUpUser(wanted: string): DroppedTo & { groups: number[] } {
  // id takes a number for a name first, and then for what it is.
  const ask = (what: string) => execFileSync('id', [what, '--', wanted], { encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    const groups = ask('-G').split(' ').map(Number);
    return { user: ask('-un'), uid: Number(ask('-u')), gid: Number(ask('-g')), groups };
  } catch (error) {
    throw new CaptureError('ERR_OPTION', `There is no user ${JSON.stringify(wanted)}`, { cause: error });
  }
}
