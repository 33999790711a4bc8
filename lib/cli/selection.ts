/** The flags that say which messages are wanted, as one expression (docs/expressions.md). */
import { caret, ExpressionError, explain, type Match, type MatchScope } from '../index.js';
import { UsageError } from './exit.js';
import type { CaptureFlags, OutputFlags, Selection } from './flags.js';

/** What is looked for. */
export interface Wanted {
  /** Undefined: everything. */
  match: string | undefined;
  scope: MatchScope;
  /** Of the messages that come only these are shown. */
  kind: Selection['kind'];
}

/** Outputs of exchanges rather than messages. */
export function wantsExchanges(outputs: OutputFlags): boolean {
  return outputs.exchanges || outputs.summary || outputs.har !== undefined;
}

/** Nothing shows responses. */
function isForRequests(outputs: OutputFlags): boolean {
  return outputs.curl && !outputs.console && !outputs.json && !outputs.raw && !wantsExchanges(outputs);
}

/**
 * In the scope of exchanges `kind` is no condition, but says which side is shown: `--kind request --status 401`.
 * @throws UsageError for a mistake in an expression
 */
export function wantedOf({ selection, outputs, body }: CaptureFlags): Wanted {
  for (const where of selection.where) checkExpression(where);
  const conditions = conditionsOf(selection, body);
  const kind = selection.kind ?? (isForRequests(outputs) ? 'request' : undefined);
  const all = allOf([...conditions, ...(kind === undefined ? [] : [`kind == ${kind}`])]);
  const { kinds, sides } = explain(all ?? {});
  const asExchanges =
    selection.exchange ||
    wantsExchanges(outputs) ||
    kinds.length === 0 ||
    sides.length === 2 ||
    (outputs.curl && kind === undefined && !kinds.includes('request'));
  if (asExchanges) return { match: allOf(conditions), scope: 'exchange', kind };
  return { match: all, scope: 'message', kind: undefined };
}

/** Whether the expression looks into bodies, which then must be kept. */
export function looksAtBodies({ match, scope }: Wanted): boolean {
  return explain(match ?? {}, scope).end.some((condition) => /^(?:request\.|response\.)?body /.test(condition));
}

/** @throws UsageError when nothing can ever match */
export function checkPossible({ match, scope }: Wanted): void {
  if (explain(match ?? {}, scope).kinds.length === 0) throw new UsageError('what is asked for can never hold together');
}

function checkExpression(expression: string): void {
  try {
    explain(expression satisfies Match);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new UsageError(`--where: ${error.message}`, caret(expression, error));
  }
}

function conditionsOf(selection: Selection, body: boolean): string[] {
  const oneOf = (field: string, values: readonly string[]): string[] => {
    if (values.length === 0) return [];
    return [values.length === 1 ? `${field} == ${values[0]}` : `${field} in {${values.join(', ')}}`];
  };
  const { methods, hosts, paths, statuses, headers, grep, where } = selection;
  const status = statuses.length === 1 && statuses[0]?.includes('..') ? [`status in {${statuses[0]}}`] : undefined;
  return [
    ...oneOf('method', methods.map(quote)),
    ...oneOf('host', hosts.map(quote)),
    ...oneOf('path', paths.map(quote)),
    ...(status ?? oneOf('status', statuses)),
    ...headers.map(({ name, value }) =>
      value === undefined ? `header[${quoteName(name)}] exists` : `header[${quoteName(name)}] == ${quote(value)}`,
    ),
    ...(grep ? [body ? `(head ~ ${grep} or body ~ ${grep})` : `head ~ ${grep}`] : []),
    ...where.map((expression) => (where.length === 1 && isAlone(selection) ? expression : `(${expression})`)),
  ];
}

/** Only an expression is given: it is said as it was written. */
function isAlone({ methods, hosts, paths, statuses, headers, grep, kind }: Selection): boolean {
  return [methods, hosts, paths, statuses, headers].every((one) => one.length === 0) && !grep && kind === undefined;
}

function allOf(conditions: readonly string[]): string | undefined {
  return conditions.length === 0 ? undefined : conditions.join(' and ');
}

/** A glob as the expression has it: `*` is any text and `\*` a star; everything else stands for itself. */
function quote(glob: string): string {
  return `"${glob.replace(/\\(?!\*)|"|\p{Cc}/gu, escapeCharacter)}"`;
}

/** A name, in which a star is a star. */
function quoteName(name: string): string {
  return `"${name.replace(/[\\"*]|\p{Cc}/gu, escapeCharacter)}"`;
}

function escapeCharacter(character: string): string {
  return /[\\"*]/.test(character) ? `\\${character}` : `\\u{${character.charCodeAt(0).toString(16)}}`;
}
