/** Decides in JavaScript what native code could not, a batch at a time. */
import type { Batch } from '../batch.js';
import { type Message, messageAt } from '../message.js';
import { compile } from './evaluate.js';
import type { MatchPlan } from './plan.js';
import type { MatchScope } from './scope.js';
import { bodyText, type KnownMessage, type Subject } from './subject.js';
import type { Verdict } from './verdict.js';

/** Messages that are decided together: of a batch the request and the responses of an exchange, or one message alone. */
interface Group {
  request: number | undefined;
  /** Interim ones, then the final one. */
  responses: number[];
}

/** Bodies by index, as far as they were needed. */
type Bodies = Map<number, string | null>;

/**
 * With a plan that is paired natively, an exchange never spans batches: its request, its interim responses and its final response, or that
 * there is none, come in one.
 */
export class BatchSelector {
  readonly #plan: MatchPlan;
  readonly #scope: MatchScope;
  readonly #ended: boolean;
  readonly #decide: (subject: Subject) => Verdict;

  /** @param ended messages are over when they come: bodies are not streamed */
  constructor(plan: MatchPlan, scope: MatchScope, ended: boolean) {
    this.#plan = plan;
    this.#scope = scope;
    this.#ended = ended;
    this.#decide = compile(plan.rest ?? plan.node);
  }

  /** The indexes of the messages that match, ascending. */
  select(batch: Batch): number[] | Promise<number[]> {
    const groups = this.#plan.paired ? exchangesIn(batch) : singlesIn(batch);
    return this.#plan.needsBody ? this.#selectWithBodies(batch, groups) : this.#selectNow(batch, groups);
  }

  #selectNow(batch: Batch, groups: readonly Group[]): number[] {
    const none: Bodies = new Map();
    return ascending(groups.flatMap((group) => this.#matching(batch, group, none) ?? []));
  }

  async #selectWithBodies(batch: Batch, groups: readonly Group[]): Promise<number[]> {
    const selected: number[] = [];
    for (const group of groups) {
      const bodies: Bodies = new Map();
      const matching = this.#matching(batch, group, bodies) ?? (await this.#matchingWithBodies(batch, group, bodies));
      selected.push(...matching);
    }
    return ascending(selected);
  }

  async #matchingWithBodies(batch: Batch, group: Group, bodies: Bodies): Promise<readonly number[]> {
    for (const index of members(group)) bodies.set(index, await bodyText(messageAt(batch, index)));
    return this.#matching(batch, group, bodies) ?? [];
  }

  /** Undefined while bodies are missing to decide it. */
  #matching(batch: Batch, group: Group, bodies: Bodies): readonly number[] | undefined {
    const all = members(group);
    const known = new Map(all.map((index) => [index, this.#known(messageAt(batch, index), bodies.get(index))]));
    const at = (index: number | undefined) => (index === undefined ? null : (known.get(index) ?? null));
    const other = (index: number) => at(index === group.request ? finalOf(batch, group) : group.request);
    const verdicts = all.map((index) => this.#decide({ ...(at(index) as KnownMessage), other: other(index) }));
    if (this.#scope === 'exchange') {
      const counting = verdicts.filter((_, i) => !batch.isInterim(all[i] as number));
      if (counting.includes(true)) return all;
      return counting.includes(undefined) ? undefined : [];
    }
    return verdicts.includes(undefined) ? undefined : all.filter((_, i) => verdicts[i]);
  }

  #known(message: Message, body: string | null | undefined): KnownMessage {
    return body === undefined ? { message, ended: this.#ended } : { message, ended: this.#ended, body };
  }
}

function singlesIn(batch: Batch): Group[] {
  return Array.from({ length: batch.length }, (_, index) =>
    batch.isRequest(index) ? { request: index, responses: [] } : { request: undefined, responses: [index] },
  );
}

function exchangesIn(batch: Batch): Group[] {
  const groups = singlesIn(batch);
  return groups.filter((group) => {
    const [index] = group.responses;
    if (index === undefined) return true;
    const requestId = batch.requestId(batch.recordAt(index));
    const request = requestId === 0 ? undefined : groups[batch.indexOf(requestId)];
    request?.responses.push(index);
    return request === undefined;
  });
}

function members({ request, responses }: Group): number[] {
  return request === undefined ? responses : [request, ...responses];
}

function finalOf(batch: Batch, { responses }: Group): number | undefined {
  return responses.find((index) => !batch.isInterim(index));
}

function ascending(indexes: number[]): number[] {
  return indexes.sort((a, b) => a - b);
}
