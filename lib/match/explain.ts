/** Which part of an expression runs where, for people. */
import { conditionsOf, type Node } from './ast.js';
import { fieldOf, type Side } from './fields.js';
import { type Match, parseMatch } from './match.js';
import { planOf } from './plan.js';
import { print } from './printer.js';
import { inScope, type MatchScope } from './scope.js';

export interface Explanation {
  /** The expression in its canonical form; `''` when everything matches. */
  readonly expression: string;
  /** Decided natively when a head is complete: what it rejects is neither copied nor delivered. `''` when there is nothing. */
  readonly native: string;
  /** Conditions that JavaScript decides on the head. */
  readonly head: readonly string[];
  /** Conditions that JavaScript decides at the end of the message. */
  readonly end: readonly string[];
  /** The kinds of messages that can match. */
  readonly kinds: readonly Side[];
  /** The sides of an exchange that are named: by a prefix, by a field that only this side has, both by `wait`. */
  readonly sides: readonly Side[];
}

/**
 * @throws CaptureError `ERR_OPTION` as parseMatch()
 */
export function explain(match: Match, scope: MatchScope = 'message'): Explanation {
  const expression = parseMatch(match);
  if (expression === undefined) {
    return { expression: '', native: '', head: [], end: [], kinds: ['request', 'response'], sides: [] };
  }
  const { node, native, rest, requests, responses } = planOf(expression, scope);
  const decided = new Set(native && conditionsOf(native));
  const left = rest === undefined ? [] : conditionsOf(rest).filter((condition) => !decided.has(condition));
  const known = (when: 'head' | 'end') =>
    left.filter(({ field }) => fieldOf(field.name).known === when).map((condition) => print(condition));
  return {
    expression: print(node),
    native: native === undefined ? '' : print(native),
    head: known('head'),
    end: known('end'),
    kinds: [...(requests ? (['request'] as const) : []), ...(responses ? (['response'] as const) : [])],
    sides: sidesOf(expression),
  };
}

function sidesOf(expression: Node): Side[] {
  const fields = conditionsOf(inScope(expression, 'exchange')).map(({ field }) => field);
  const both = fields.some(({ name }) => fieldOf(name).of === 'exchange');
  return (['request', 'response'] as const).filter((side) => both || fields.some((field) => field.side === side));
}

/** Some lines of text, without a line feed at the end. */
export function formatExplanation({ expression, native, head, end, kinds }: Explanation): string {
  const rows: [string, string][] = [
    ['expression', expression || 'everything'],
    ['native, on the head', native],
    ['JavaScript, on the head', head.join(', ')],
    ['JavaScript, at the end', end.join(', ')],
    ['matches', kinds.length === 0 ? 'nothing, ever' : kinds.map((kind) => `${kind}s`).join(' and ')],
  ];
  return rows.map(([title, text]) => `${title.padEnd(25)}${text || '-'}`).join('\n');
}
