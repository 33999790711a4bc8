import { constants } from 'node:os';
import { signalExitBase } from './exit.js';

type StopSignal = 'SIGINT' | 'SIGTERM';

/**
 * Ctrl-C as people expect it: the first one calls `stop`, so that the capture can finish; the second one ends the process at once.
 * Returns what restores the signals' usual meaning.
 */
export function onStopSignal(stop: (signal: StopSignal) => void): () => void {
  let stopping = false;
  const handle = (signal: StopSignal): void => {
    if (stopping) process.exit(signalExitBase + constants.signals[signal]);
    stopping = true;
    stop(signal);
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return () => {
    process.off('SIGINT', handle);
    process.off('SIGTERM', handle);
  };
}
