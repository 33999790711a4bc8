/** What a consumer wants, in either form. */
import { CaptureError } from '../errors.js';
import type { Node } from './ast.js';
import { fromMatchObject, type MatchObject } from './match-object.js';
import { parse } from './parser.js';

/** An expression, or an object of what must hold. */
export type Match = string | MatchObject;

/**
 * Undefined when it asks for nothing.
 * @throws CaptureError `ERR_OPTION`; an ExpressionError when it is an expression with a mistake
 */
export function parseMatch(match: Match): Node | undefined {
  if (typeof match === 'string') return parse(match);
  if (typeof match === 'object' && match !== null && !Array.isArray(match)) return fromMatchObject(match);
  throw new CaptureError(
    'ERR_OPTION',
    "match must be an expression, such as 'status >= 500', or an object, such as { status: '5xx' }",
  );
}
