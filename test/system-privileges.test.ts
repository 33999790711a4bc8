import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { dropPrivileges } from '../lib/index.js';
import { runProgram, skip, skipUnlessLive, temporaryFolder } from './support/environment.js';

const live = await skipUnlessLive();
const root = live || (process.getuid?.() === 0 ? false : skip('only root can give root up'));

const id = (what: string, user: string) => Number(execFileSync('id', [what, user], { encoding: 'utf8' }));

suite('dropPrivileges()', { skip: root, timeout: 60_000 }, () => {
  async function drop(args: string[], env: Record<string, string>) {
    const folder = temporaryFolder();
    chmodSync(folder, 0o777);
    const { stdout, stderr, code } = await runProgram('privileges', { args: [path.join(folder, 'x'), ...args], env });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }
  const uid = id('-u', 'nobody');
  const gid = id('-g', 'nobody');
  const nobody = {
    dropped: { user: 'nobody', uid, gid },
    owner: uid,
    regained: false,
    error: 'ERR_PERMISSION',
    seen: '/still',
    groups: [gid],
  };

  test('gives root up for good, and the capture goes on', async () => {
    assert.deepEqual(await drop(['nobody'], {}), nobody);
  });

  test('takes the number of a user', async () => {
    assert.deepEqual(await drop([String(uid)], {}), nobody);
  });

  test('goes back to who called sudo', async () => {
    assert.deepEqual(await drop([], { SUDO_UID: String(uid), SUDO_GID: String(gid), SUDO_USER: 'nobody' }), nobody);
  });

  test('does nothing when there is nobody to become', () => {
    const { SUDO_UID } = process.env;
    delete process.env.SUDO_UID;
    try {
      assert.equal(dropPrivileges(), undefined);
      assert.equal(dropPrivileges('root'), undefined);
      assert.equal(process.getuid?.(), 0);
    } finally {
      if (SUDO_UID !== undefined) process.env.SUDO_UID = SUDO_UID;
    }
  });

  test('knows when there is no such user', () => {
    assert.throws(() => dropPrivileges('nobody-of-that-name'), {
      code: 'ERR_OPTION',
      message: /"nobody-of-that-name"/,
    });
  });
});
