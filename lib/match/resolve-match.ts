/** The options `match` and `matchScope`: what becomes of them natively and in JavaScript. */
import { CaptureError } from '../errors.js';
import { allOf, type Condition, condition, conditionsOf, type Node } from './ast.js';
import { fieldOf, type Side } from './fields.js';
import { type Match, parseMatch } from './match.js';
import { type MatchPlan, planOf } from './plan.js';
import { print } from './printer.js';
import type { MatchScope } from './scope.js';

/** What is wanted, for either kind of consumer. */
export interface ResolvedMatch {
  /** As given; decides what iterating over messages gives. */
  readonly scope: MatchScope;
  readonly plans: Readonly<Record<MatchScope, MatchPlan>>;
  /** Why the expression cannot be decided in a scope. */
  readonly problems: Readonly<Record<MatchScope, CaptureError | undefined>>;
}

export interface MatchOptions {
  readonly match?: Match | undefined;
  readonly matchScope?: MatchScope | undefined;
  readonly body: 'buffer' | 'stream' | 'wire' | 'none';
}

/**
 * Undefined when everything is wanted.
 * @param kind wanted are only messages of this kind
 * @throws CaptureError `ERR_OPTION`, also when no scope that can still be asked for makes sense
 */
export function resolveMatch({ match, matchScope, body }: MatchOptions, kind?: Side): ResolvedMatch | undefined {
  if (matchScope !== undefined && matchScope !== 'message' && matchScope !== 'exchange') {
    throw bad("matchScope must be 'message' or 'exchange'");
  }
  const given = match === undefined ? undefined : parseMatch(match);
  const nodes = [...(kind === undefined ? [] : [ofKind(kind)]), ...(given === undefined ? [] : [given])];
  if (nodes.length === 0) return undefined;
  const node = allOf(nodes);
  const plans = { message: planOf(node, 'message'), exchange: planOf(node, 'exchange') };
  const problems = {
    message: problemOf(plans.message, plans.exchange, body),
    exchange: problemOf(plans.exchange, plans.exchange, body),
  };
  // exchanges() may be called later, unless only messages of one kind are wanted.
  const scope = matchScope ?? 'message';
  const certain = matchScope !== undefined || kind !== undefined || problems.exchange !== undefined;
  if (certain && problems[scope] !== undefined) throw problems[scope];
  return { scope, plans, problems };
}

function ofKind(kind: Side): Node {
  return condition({ name: 'kind' }, { op: 'equals', negated: false, values: [{ type: 'word', word: kind }] });
}

function problemOf(plan: MatchPlan, inExchanges: MatchPlan, body: MatchOptions['body']): CaptureError | undefined {
  if (!plan.requests && !plan.responses) {
    return bad(
      inExchanges.requests || inExchanges.responses
        ? "match can hold for no single message, because it asks for what only requests and what only responses have: use matchScope: 'exchange', or exchanges()"
        : 'match can never hold',
    );
  }
  if (plan.rest === undefined) return undefined;
  const late = conditionsOf(plan.rest).filter(({ field }) => fieldOf(field.name).known === 'end');
  if (body === 'stream' && late.length > 0) {
    return bad(
      `${listed(late)} in match is known at the end of a message, but with body: 'stream' it is decided at the head: use body: 'buffer'`,
    );
  }
  const ofBody = late.filter(({ field }) => field.name === 'body');
  if (body !== 'buffer' && ofBody.length > 0) {
    return bad(`${listed(ofBody)} in match looks at bodies: use body: 'buffer'`);
  }
  return undefined;
}

function listed(conditions: readonly Condition[]): string {
  return conditions.map((one) => `'${print(one)}'`).join(', ');
}

function bad(message: string): CaptureError {
  return new CaptureError('ERR_OPTION', message);
}
