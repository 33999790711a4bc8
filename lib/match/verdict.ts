/** Logic with three values: a condition that cannot be decided yet leaves open only what depends on it (Kleene). */
import type { Condition, Node } from './ast.js';

/** Undefined: not decided yet. */
export type Verdict = boolean | undefined;

/** A function that decides the tree, made from those that decide its conditions. */
export function combine<T>(
  node: Node,
  decide: (condition: Condition) => (subject: T) => Verdict,
): (subject: T) => Verdict {
  if (node.type === 'condition') return decide(node);
  if (node.type === 'not') {
    const inner = combine(node.node, decide);
    return (subject) => {
      const verdict = inner(subject);
      return verdict === undefined ? undefined : !verdict;
    };
  }
  const parts = node.nodes.map((child) => combine(child, decide));
  // One of these decides alone; without any, all of the others must be decided.
  const deciding = node.type === 'or';
  return (subject) => {
    let open = false;
    for (const part of parts) {
      const verdict = part(subject);
      if (verdict === deciding) return deciding;
      if (verdict === undefined) open = true;
    }
    return open ? undefined : !deciding;
  };
}
