/** The stages of a capture's life at which it may be ended, and the ways to end it. */
export const stages = [
  'opening',
  'capturing',
  'mid-batch',
  'parked',
  'parked-in-batches',
  'parked-in-exchanges',
  'reading-body',
  'awaiting-finished',
  'stopping',
  'closing',
  'closed',
  'drained',
] as const;
export type Stage = (typeof stages)[number];

/** The stages at which something is waited for that does not come; in a file everything does. */
export const waitingStages: readonly Stage[] = [
  'parked',
  'parked-in-batches',
  'parked-in-exchanges',
  'reading-body',
  'awaiting-finished',
];

/** exit: process.exit(7). throw: an uncaught error. leave: nothing more happens. stay: kept alive until it is terminated. */
export type How = 'exit' | 'throw' | 'leave' | 'stay';
