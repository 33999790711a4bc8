/** What an expression is about: single messages or exchanges, requests or responses. */
import { type Condition, mapConditions, type Node } from './ast.js';
import { fieldOf, type Side } from './fields.js';
import { combine, type Verdict } from './verdict.js';

/** `message`: decided for each message by itself. `exchange`: one side that matches selects both. */
export type MatchScope = 'message' | 'exchange';

/**
 * The expression as it is decided for either side of an exchange: fields that only requests or only responses have are taken from
 * that side, so that `method == POST and status >= 500` can hold.
 */
export function inScope(node: Node, scope: MatchScope): Node {
  return scope === 'message' ? node : mapConditions(node, withSide);
}

function withSide(condition: Condition): Condition {
  const { field } = condition;
  const { of } = fieldOf(field.name);
  if (field.side !== undefined || (of !== 'request' && of !== 'response')) return condition;
  return { ...condition, field: { ...field, side: of } };
}

/** False when the expression can never hold for messages of this kind, whatever they are. */
export function canHold(node: Node, kind: Side): boolean {
  return combine(node, (condition) => () => decideByKind(condition, kind))(undefined) !== false;
}

function decideByKind({ field, test }: Condition, kind: Side): Verdict {
  if (field.side !== undefined && field.side !== kind) return undefined;
  const { of } = fieldOf(field.name);
  if ((of === 'request' || of === 'response') && of !== kind) return false;
  if (field.name !== 'kind') return undefined;
  if (test.op !== 'equals') return true;
  return test.values.some((value) => value.type === 'word' && value.word === kind) !== test.negated;
}
