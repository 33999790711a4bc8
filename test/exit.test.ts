import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import type { SourceKind } from './support/endless.js';
import { type ChildResult, runProgram, skipUnlessLive } from './support/environment.js';
import { type How, type Stage, stages, waitingStages } from './support/stages.js';

const live = await skipUnlessLive();
const kinds: SourceKind[] = ['file', 'stream', 'live'];

function check(result: ChildResult, code: number): void {
  const told = `${result.stdout}\n${result.stderr}`;
  assert.ok(!result.timedOut, `hangs: ${told}`);
  assert.equal(result.signal, null, `crashed: ${told}`);
  assert.equal(result.code, code, told);
}

suite('process exit at every stage', { concurrency: 2 }, () => {
  for (const kind of kinds)
    for (const stage of stages) {
      // The end of a file resolves what waits at once; the others cover it.
      if (kind === 'file' && waitingStages.includes(stage)) continue;
      test(`process.exit(): ${kind}, ${stage}`, { skip: kind === 'live' && live }, async () => {
        check(await stageProgram(kind, stage, 'exit'), 7);
      });
    }

  for (const kind of kinds)
    for (const stage of ['opening', 'mid-batch', ...(kind === 'file' ? [] : waitingStages)] as Stage[])
      test(`an uncaught error: ${kind}, ${stage}`, { skip: kind === 'live' && live }, async () => {
        const result = await stageProgram(kind, stage, 'throw');
        check(result, 1);
        assert.match(result.stderr, /thrown on purpose/);
      });
});

suite('the event loop stays alive only while a read is parked', { concurrency: 2 }, () => {
  for (const kind of kinds)
    for (const stage of ['opening', 'capturing', 'stopping', 'closing', 'closed', 'drained'] as Stage[]) {
      // Live programs hold a server of their own until they end.
      test(`nobody reads, the process ends by itself: ${kind}, ${stage}`, {
        skip: kind === 'live' && live,
      }, async () => {
        const result = await stageProgram(kind, stage, 'leave');
        check(result, 0);
        assert.match(result.stdout, /left/);
      });
    }

  test('a parked read keeps the process alive until the capture ends', async () => {
    const result = await runProgram('parked');
    check(result, 0);
    assert.deepEqual(result.stdout.trim().split('\n'), ['parked', 'still here', 'over']);
  });

  test('a signal ends a process that waits', { skip: live }, async () => {
    const result = await runProgram('parked', { args: ['SIGTERM'] });
    assert.ok(!result.timedOut, result.stderr);
    assert.equal(result.signal, 'SIGTERM', result.stderr);
  });
});

function stageProgram(kind: SourceKind, stage: Stage, how: How): Promise<ChildResult> {
  return runProgram('stage', { args: [kind, stage, how] });
}
