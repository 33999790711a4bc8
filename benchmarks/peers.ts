/** Other tools on the same files. What they find is told, not judged. */
import type { Programs } from './build.js';
import { type Cost, runForCost, runForJson } from './child.js';
import { hasProgram } from './programs.js';
import type { Input, Row } from './rows.js';

interface Peer {
  title: string;
  program: string;
  maxRuns?: number;
  arguments(input: Input): string[];
}

const filter = ({ port }: Input) => (port === undefined ? 'tcp' : `tcp port ${port}`);

const peers: Record<string, Peer> = {
  tcpflow: {
    title: 'tcpflow -c -e http',
    program: 'tcpflow',
    arguments: (input) => ['-r', input.path, '-c', '-e', 'http', filter(input)],
  },
  httpry: {
    title: 'httpry (a packet at a time)',
    program: 'httpry',
    arguments: (input) => ['-r', input.path, '-q', filter(input)],
  },
  httpflow: {
    title: 'httpflow',
    program: 'httpflow',
    arguments: (input) => ['-r', input.path, '-f', filter(input)],
  },
  ngrep: {
    title: 'ngrep (a packet at a time)',
    program: 'ngrep',
    arguments: (input) => ['-I', input.path, '-q', '-W', 'byline', 'HTTP/1', filter(input)],
  },
  tshark: {
    title: 'tshark, http fields',
    program: 'tshark',
    maxRuns: 1,
    arguments: ({ path, port }) => [
      ...['-r', path, '-Y', 'http', '-T', 'fields', '-e', 'http.request.method', '-e', 'http.request.full_uri'],
      ...['-e', 'http.response.code', ...(port === undefined ? [] : ['-d', `tcp.port==${port},http`])],
    ],
  },
};

/** Its stream follower alone, in a program of ours. */
const libtins = 'libtins';

export const peerNames: readonly string[] = [...Object.keys(peers), libtins];
/** Those that take minutes only run when they are asked for. */
export const defaultPeers: readonly string[] = peerNames.filter((name) => peers[name]?.maxRuns === undefined);

export function isInstalled(name: string, programs: Programs): boolean {
  if (name === libtins) return programs.libtins !== undefined;
  const program = peers[name]?.program;
  return program !== undefined && hasProgram(program);
}

export function peerRow(name: string, programs: Programs): Row {
  if (name === libtins) return libtinsRow(programs);
  const peer = peers[name];
  if (peer === undefined) throw new Error(`no such peer: ${name} (there are ${peerNames.join(', ')})`);
  return {
    id: name,
    title: peer.title,
    maxRuns: peer.maxRuns,
    measure: async (input) => {
      const { errors: _, ...cost } = await runForCost(programs.measureChild, {
        program: peer.program,
        arguments: peer.arguments(input),
      });
      return cost;
    },
  };
}

function libtinsRow({ libtins: program = '' }: Programs): Row {
  return {
    id: libtins,
    title: "libtins' stream follower (no HTTP)",
    measure: async ({ path, port }) => {
      const args = [path, ...(port === undefined ? [] : ['--port', String(port)])];
      const { cpuSeconds, wallSeconds, peakKiB } = await runForJson<Cost>(program, args);
      return { cpuSeconds, wallSeconds, peakKiB };
    },
  };
}
