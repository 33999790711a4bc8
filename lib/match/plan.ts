/** Who decides which part of an expression, and when. */
import { allOf, anyOf, type Condition, conditionsOf, type FieldRef, type Node } from './ast.js';
import { fieldOf } from './fields.js';
import { isNative, writeProgram } from './program.js';
import { canHold, inScope, type MatchScope } from './scope.js';

export interface MatchPlan {
  /** The whole expression, as it is decided in its scope. */
  readonly node: Node;
  /**
   * The strongest condition that can be decided natively at the head and holds whenever the expression does: what it rejects need
   * not cross. Undefined when there is none.
   */
  readonly native: Node | undefined;
  /** `native` as program-layout.ts describes it. */
  readonly program: Uint8Array | undefined;
  /** What JavaScript must decide of what passed; undefined when nothing is left to it. */
  readonly rest: Node | undefined;
  /** When the rest is decided at the latest. */
  readonly known: 'head' | 'end';
  /** The rest looks at the decoded body, see bodyText(). */
  readonly needsBody: boolean;
  /** The rest looks at the other side of the exchange. */
  readonly needsOther: boolean;
  /** Whether the native part is decided for exchanges, and selects both sides: the expression looks at both. */
  readonly paired: boolean;
  /** Whether the expression can hold for messages of these kinds at all. Neither: it never matches. */
  readonly requests: boolean;
  readonly responses: boolean;
}

/**
 * With the scope `exchange` the expression is decided for both sides of an exchange, and one is enough. Where conditions look at the other
 * side, or in that scope, the program is decided for exchanges: for a request it is undecided until its response is there.
 */
export function planOf(expression: Node, scope: MatchScope = 'message'): MatchPlan {
  const node = inScope(expression, scope);
  const looksAtBoth = conditionsOf(node).some(({ field }) => isOfOther(field));
  const paired = scope === 'exchange' || looksAtBoth;
  const part = nativePart(node, isNative, 'necessary');
  const program = part && writeProgram(part);
  const rest = program === undefined ? node : restOf(node, scope, looksAtBoth);
  const left = rest === undefined ? [] : conditionsOf(rest).map(({ field }) => field);
  return {
    node,
    native: program && part,
    program,
    rest,
    known: left.some(({ name }) => fieldOf(name).known === 'end') ? 'end' : 'head',
    needsBody: left.some(({ name }) => name === 'body'),
    needsOther: left.some(isOfOther),
    paired,
    requests: canHold(node, 'request'),
    responses: canHold(node, 'response'),
  };
}

/** Whether it takes the other side of the exchange to decide a condition on this field. */
function isOfOther({ name, side }: FieldRef): boolean {
  return side !== undefined || fieldOf(name).of === 'exchange';
}

type Decidable = (condition: Condition) => boolean;

/**
 * What of the tree is left when conditions that are not decidable are taken for true (`necessary`), or for false (`sufficient`).
 * Undefined when that is everything, or nothing. `not` exchanges the two.
 */
function nativePart(node: Node, decidable: Decidable, as: 'necessary' | 'sufficient'): Node | undefined {
  if (node.type === 'condition') return decidable(node) ? node : undefined;
  if (node.type === 'not') {
    const inner = nativePart(node.node, decidable, as === 'necessary' ? 'sufficient' : 'necessary');
    return inner && { type: 'not', node: inner };
  }
  const parts = node.nodes.map((child) => nativePart(child, decidable, as)).filter((part) => part !== undefined);
  const mayLeaveOut = (node.type === 'and') === (as === 'necessary');
  if (parts.length === 0 || (!mayLeaveOut && parts.length < node.nodes.length)) return undefined;
  return node.type === 'and' ? allOf(parts) : anyOf(parts);
}

function restOf(node: Node, scope: MatchScope, looksAtBoth: boolean): Node | undefined {
  const isDecided = (part: Node) => conditionsOf(part).every(isNative);
  // Where an exchange was selected natively, only one of its messages may match.
  if (scope === 'message' && looksAtBoth) return node;
  if (isDecided(node)) return undefined;
  // Of an exchange one side may have passed natively, and the other one must not match on the rest alone.
  if (node.type !== 'and' || scope === 'exchange') return node;
  return allOf(node.nodes.filter((part) => !isDecided(part)));
}
