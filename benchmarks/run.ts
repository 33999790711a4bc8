/** What `npm run bench` runs: one of the benchmarks, or all of them one after the other. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describeMachine } from './machine.js';

interface Benchmark {
  about: string;
  program: string;
}

const benchmarks: Record<string, Benchmark> = {
  files: { about: 'capture files, beside other tools (default)', program: './files.js' },
  live: { about: 'an interface under full load, beside other tools', program: './live/live.js' },
  latency: {
    about: 'how late messages come when traffic is light, and what an idle capture costs',
    program: './live/latency.js',
  },
  options: { about: 'bufferBytes, snaplen, pollTimeoutMs, immediate and what they cost', program: './live/options.js' },
  connections: { about: 'a packet with 1 k to 1 M connections open', program: './connections.js' },
  workers: { about: 'several capture threads over one file', program: './workers.js' },
  length: { about: 'a capture and one eight times as long', program: './length.js' },
};

const help = `usage: npm run bench -- [BENCHMARK] [options]; each has a --help

${Object.entries(benchmarks)
  .map(([name, { about }]) => `  ${name.padEnd(16)}${about}`)
  .join('\n')}
  everything      all of them at full size, for docs/performance.md; takes about an hour, and 9 GB on disk
`;

const first = process.argv[2];
const name = first === undefined || first.startsWith('-') ? 'files' : first;
const benchmark = benchmarks[name];
if (first === '--help') {
  console.log(help);
} else if (name === 'everything') {
  for (const [each] of Object.entries(benchmarks)) {
    console.log(`\n# ${each}\n`);
    const args = each === 'files' ? ['--all'] : [];
    const program = ['--import', import.meta.resolve('tsx'), fileURLToPath(import.meta.url), each, ...args];
    if (spawnSync(process.execPath, program, { stdio: 'inherit' }).status !== 0) process.exitCode = 1;
  }
} else if (benchmark === undefined) {
  process.stderr.write(`There is no benchmark '${name}'.\n\n${help}`);
  process.exitCode = 2;
} else {
  if (first === name) process.argv.splice(2, 1);
  if (!process.argv.includes('--help')) console.log(describeMachine());
  await import(benchmark.program);
}
