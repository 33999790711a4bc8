/** What a shell makes of a line: the programs that it would start, with their arguments, none of which is started. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface StartedProgram {
  name: string;
  args: string[];
}

/**
 * Stand-ins: what only starts another program does, the rest is noted. Each process of a pipeline has notes of its own, for bash
 * writes line by line.
 */
const standIns = `
note() { printf '%s\\n' "$#" "$@" >> "noted.$BASHPID"; }
command_not_found_handle() { note "$@"; }
sudo() { note sudo; "$@"; }
env() { while [[ $1 == *=* ]]; do shift; done; "$@"; }
npx() { note npx; "$@"; }
flowtap-node() { shift; flowtap "$@"; }
bun() { note bun "$1"; [[ $1 != */flowtap/dist/cli/main.js ]] || flowtap "\${@:2}"; }
docker() { note docker "$1"; [ "$1" != run ] || after flowtap "$@"; }
kubectl() { note kubectl "$1"; [ "$1" != debug ] || after -- "$@"; }
# What stands behind a word; of docker's image the entry point is flowtap.
after() {
  local word=$1; shift
  while [ $# -gt 0 ] && [ "$1" != "$word" ]; do shift; done
  [ $# -gt 0 ] || return 0
  [ "$word" = flowtap ] || shift
  "$@"
}
`;

function startedPrograms(notes: string): StartedProgram[] {
  const words = notes.split('\n').slice(0, -1);
  const programs: StartedProgram[] = [];
  for (let at = 0; at < words.length; ) {
    const count = Number(words[at]);
    const [name = '', ...args] = words.slice(at + 1, at + 1 + count);
    programs.push({ name, args });
    at += 1 + count;
  }
  return programs;
}

/** @param lines one or more lines for bash */
export function programsOf(lines: string): StartedProgram[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'flowtap-shell-'));
  try {
    const { status, stderr } = spawnSync('bash', ['--norc', '-c', `PATH=/nowhere; ${standIns}\n${lines}`], {
      cwd: folder,
      encoding: 'utf8',
      input: '',
      timeout: 10_000,
    });
    if (status !== 0) throw new Error(`bash does not understand it (${status}): ${lines}\n${stderr}`);
    return readdirSync(folder).flatMap((notes) => startedPrograms(readFileSync(path.join(folder, notes), 'utf8')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
