/** The benchmarks of live captures, at small sizes: that they count right, not how fast anything is. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { buildNative } from '../benchmarks/build.js';
import { measureDelays, measureIdle } from '../benchmarks/live/delays.js';
import { hasNginxAndWrk, type Load, NginxLoad } from '../benchmarks/live/load.js';
import { NodeLoad } from '../benchmarks/live/node-load.js';
import { type Round, runRound } from '../benchmarks/live/round.js';
import { formatLive, summarizeLive } from '../benchmarks/live/summary.js';
import { bareTool, commandTool, isAvailable, libraryTool, liveTools, type Tool } from '../benchmarks/live/tools.js';
import { measureConnections } from '../benchmarks/open-connections.js';
import { hasProgram } from '../benchmarks/programs.js';
import { skip, skipUnlessLive, top } from './support/environment.js';

const live = process.platform === 'linux' ? await skipUnlessLive() : skip('the live benchmarks are for Linux');
const programs = hasProgram('cmake') ? buildNative(['bench_live', 'measure_child']) : undefined;
const skipReason = live || (programs ? false : skip('cmake is not there to build the benchmark programs'));
const source = (file: string) => path.join(top, file);
/** The tools run in folders of their own. */
const fromSource = ['--import', import.meta.resolve('tsx')];
const tap = {
  script: [...fromSource, source('benchmarks/live/tap.ts')],
  library: source('lib/index.ts'),
};
const { measureChild = '', live: bare = '' } = programs ?? {};

async function withLoad<T>(load: Promise<Load>, use: (load: Load) => Promise<T>): Promise<T> {
  const running = await load;
  try {
    return await use(running);
  } finally {
    await running.close();
  }
}

/** Both ends let the last exchange finish: the truth is exact. */
const runBesideNode = (tool: Tool) => withLoad(NodeLoad.start(4), (load) => runRound(tool, load, 0.3, measureChild));

describe('live benchmarks', { skip: skipReason, timeout: 240_000 }, () => {
  for (const tool of [
    libraryTool(tap, 'batches', 'batches'),
    libraryTool(tap, 'fields', 'fields'),
    commandTool([...fromSource, source('lib/cli/main.ts')]),
  ]) {
    test(`${tool.title}: every message of Node's server and client`, async () => {
      const round = await runBesideNode(tool);
      const { failure, served, seen, cpuSeconds, missedRequests, missedResponses } = round;
      assert.equal(failure, '');
      assert.ok(served.requests > 0 && cpuSeconds > 0);
      assert.deepEqual([seen.kernelDropped, seen.messagesDropped, missedRequests, missedResponses], [0, 0, 0, 0]);
      assert.deepEqual([seen.requests, seen.responses], [served.requests, served.responses]);
    });
  }

  test('bare libpcap counts what the kernel dropped', async () => {
    const { failure, seen, cpuSeconds } = await runBesideNode(bareTool(bare));
    assert.equal(failure, '');
    assert.equal(seen.kernelDropped, 0);
    assert.ok(cpuSeconds > 0);
  });

  for (const id of ['tcpflow', 'tcpdump']) {
    const tool = programs && liveTools(programs).find((one) => one.id === id);
    const missing = tool && isAvailable(tool) ? false : skip(`${id} is not installed`);
    test(`${id}: what it tells is understood`, { skip: missing }, async () => {
      const { seen, served, cpuSeconds } = await runBesideNode(tool as Tool);
      assert.ok(cpuSeconds > 0);
      if (id === 'tcpdump') assert.ok(seen.kernelDropped !== undefined);
      else assert.ok((seen.requests ?? 0) > 0 && (seen.requests ?? 0) <= served.requests);
    });
  }

  test('nginx and wrk', { skip: hasNginxAndWrk ? false : skip('nginx and wrk are not installed') }, async () => {
    await withLoad(NginxLoad.start(4), async (load) => {
      const round = await runRound(libraryTool(tap, 'fields', 'fields'), load, 1, measureChild);
      assert.equal(round.failure, '');
      assert.ok(round.served.requests >= round.served.responses && round.served.responses > 0);
    });
  });

  test('delays of all messages', async () => {
    const delays = await withLoad(NodeLoad.start(1, 5), (load) => measureDelays(tap, load, 0.5, measureChild));
    assert.equal(delays.failure, '');
    assert.ok(delays.messages > 0);
    assert.equal(delays.missed, 0);
    // A millisecond for what the two clocks differ.
    assert.ok(delays.p50 > -1 && delays.p50 <= delays.p99 && delays.p99 <= delays.max && delays.max < 60_000);
  });

  test('an idle capture', async () => {
    const share = await measureIdle(tap, 1, 0.2, 0);
    assert.ok(share >= 0 && share < 10);
  });

  test('a tool that misses messages and does not say so fails', async () => {
    const seen = { requests: 0, responses: 0, kernelDropped: 0 };
    const silent: Tool = {
      id: 'silent',
      title: 'silent',
      program: 'sh',
      arguments: () => ['-c', 'trap "exit 0" INT; echo ready >&2; while :; do sleep 0.1; done'],
      ready: /^ready$/m,
      isOurs: true,
      seen: () => seen,
    };
    assert.match((await runBesideNode(silent)).failure, /^missed \d+ messages and told nobody$/);
    seen.kernelDropped = 1;
    assert.equal((await runBesideNode(silent)).failure, '');
    seen.requests = 1e9;
    assert.match((await runBesideNode(silent)).failure, /^1000000000 requests instead of \d+ to \d+/);
  });

  test('a tool that does not start is told from one that sees nothing', async () => {
    const broken: Tool = { ...bareTool(bare), program: 'false', arguments: () => [] };
    await assert.rejects(runBesideNode(broken), /does not capture/);
  });
});

// It takes the whole pipeline a minute or two to be compiled as it is measured: not for a test.
const connections = programs?.connections ?? '';
const notBuilt = existsSync(connections) ? false : skip('bench_connections is not built: npm run bench -- connections');
test('a thousand open connections', { skip: notBuilt }, async () => {
  const { exchangeNs, openNs, bytesPerConnection } = await measureConnections(connections, 1000, 2000);
  assert.ok(exchangeNs > 0 && openNs > 0 && bytesPerConnection > 0);
});

describe('table of the live benchmark', () => {
  const tool = (id: string, isOurs = false): Tool => ({
    id,
    title: id,
    program: id,
    arguments: () => [],
    ready: /x/,
    isOurs,
    seen: () => ({}),
  });
  const round = (perSecond: number, cpuSeconds: number, more: Partial<Round> = {}): Round => ({
    served: { requests: 200_000, responses: 200_000, perSecond },
    seen: { kernelDropped: 0 },
    cpuSeconds,
    missedRequests: 0,
    missedResponses: 0,
    failure: '',
    ...more,
  });

  test('medians, the worst of what was missed, and ratios within a round', () => {
    const [bareRow, ours, tcpflow] = summarizeLive(
      new Map([
        [tool('bare'), [round(100, 1), round(200, 1), round(400, 1)]],
        [tool('fields', true), [round(90, 2), round(100, 2, { missedRequests: 7 }), round(380, 3)]],
        [tool('tcpflow'), [round(50, 8), round(100, 8), round(200, 8)]],
      ]),
    );
    assert.ok(bareRow && ours && tcpflow);
    assert.equal(bareRow.relative, 1);
    assert.equal(ours.relative, 0.9);
    assert.equal(ours.cpuPer100k, 1);
    assert.equal(ours.missedRequests, 7);
    const [, , line] = formatLive([bareRow, ours, tcpflow]);
    assert.equal(line?.at(-1), 'missed: all seen');
  });

  test('no figures for what failed', () => {
    const rows = summarizeLive(new Map([[tool('fields', true), [round(1, 1, { failure: 'wrong' }), round(1, 1)]]]));
    assert.match(formatLive(rows)[1]?.join('|') ?? '', /^fields\|FAILED: wrong\|+$/);
  });
});
