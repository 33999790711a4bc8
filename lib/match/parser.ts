/** From text to a tree: recursive descent over the grammar in docs/expressions.md. */
import { closest } from '../closest.js';
import { allOf, anyOf, type Comparison, condition, type FieldRef, type Node, type Test, type Value } from './ast.js';
import { ExpressionError } from './expression-error.js';
import { fieldNames, headerRef, isHeaderName, parseName, prefixProblem } from './field-ref.js';
import { type FieldName, fieldOf, type Operator, operators } from './fields.js';
import { parseRegExp } from './regexp.js';
import { isKeyword, type Token, Tokens } from './tokens.js';
import { expectedNumber, expectedValue, parseNumber, parseValue } from './values.js';

/** Characters of an expression. */
export const maxSourceLength = 65_536;
/** Parentheses and `not` inside of each other. */
export const maxNesting = 100;

/**
 * @throws ExpressionError, a CaptureError with `ERR_OPTION`, which tells the position and what was expected
 */
export function parse(source: string): Node {
  if (source.length > maxSourceLength) {
    throw new ExpressionError(
      `The expression is longer than ${maxSourceLength} characters`,
      maxSourceLength,
      source.length,
    );
  }
  return new Parser(source).parse();
}

class Parser {
  readonly #tokens: Tokens;
  #nesting = 0;

  constructor(source: string) {
    this.#tokens = new Tokens(source);
  }

  parse(): Node {
    const node = this.#disjunction();
    if (this.#tokens.peek().type !== 'end') this.#fail("'and', 'or' or the end");
    return node;
  }

  #disjunction(): Node {
    const nodes = [this.#conjunction()];
    while (this.#takeOne('or', '||')) nodes.push(this.#conjunction());
    return anyOf(nodes);
  }

  #conjunction(): Node {
    const nodes = [this.#negation()];
    while (this.#takeOne('and', '&&')) nodes.push(this.#negation());
    return allOf(nodes);
  }

  #negation(): Node {
    const { start, end } = this.#tokens.peek();
    const negated = this.#takeOne('not', '!');
    if (!negated && !this.#takeOne('(')) return this.#condition();
    if (++this.#nesting > maxNesting) {
      throw new ExpressionError(`Nested more than ${maxNesting} deep`, start, end);
    }
    const node: Node = negated ? { type: 'not', node: this.#negation() } : this.#disjunction();
    if (!negated && !this.#takeOne(')')) this.#fail("'and', 'or' or ')'");
    this.#nesting--;
    return node;
  }

  #condition(): Node {
    const token = this.#tokens.peek();
    if (token.type !== 'word' || isKeyword(token.text)) {
      this.#fail('a condition, such as method == POST, not or (');
    }
    this.#tokens.next();
    // A name of its own for the kind: there is no field that is called so.
    if (token.text === 'request' || token.text === 'response') {
      const values: Value[] = [{ type: 'word', word: token.text }];
      return condition({ name: 'kind' }, { op: 'equals', negated: false, values });
    }
    const field = this.#field(token);
    return condition(field, this.#test(field));
  }

  #field(token: Token): FieldRef {
    const parsed = parseName(token.text);
    if (parsed === undefined) {
      const near = closest(token.text, fieldNames);
      const advice = near === undefined ? `the fields are ${fieldNames.join(', ')}` : `did you mean '${near}'?`;
      throw new ExpressionError(`There is no field '${short(token.text)}'; ${advice}`, token.start, token.end);
    }
    const problem = prefixProblem(parsed.side, parsed.name);
    if (problem !== undefined) throw new ExpressionError(upperFirst(problem), token.start, token.end);
    if (!fieldOf(parsed.name).named) return parsed;

    const { header, end } = parsed.header === undefined ? this.#bracketed(parsed.name) : { ...parsed, ...token };
    if (header === undefined || !isHeaderName(header)) {
      throw new ExpressionError('Expected the name of a header field in printable ASCII', token.start, end);
    }
    return headerRef(parsed, header);
  }

  /** `["odd name"]` */
  #bracketed(field: FieldName): { header: string; end: number } {
    if (!this.#takeOne('[')) this.#fail(`the name of a header field, such as ${field}.content-type`);
    if (this.#tokens.peek().type !== 'string') this.#fail('the name of a header field in quotes');
    const { text, end } = this.#tokens.next();
    if (!this.#takeOne(']')) this.#fail("']'");
    return { header: text, end };
  }

  #test({ name }: FieldRef): Test {
    const field = fieldOf(name);
    const known = operators[field.type];
    if (this.#endsCondition() && (field.type === 'flag' || field.bare)) return { op: 'exists' };
    if (field.type === 'flag') this.#fail(`'and', 'or' or the end: ${name} is a condition by itself`);

    const token = this.#tokens.peek();
    const negatedSet = this.#takeOne('not');
    const operator = this.#tokens.peek().text.toLowerCase() as Operator;
    const fits = this.#isOperator() && known.includes(operator) && (!negatedSet || operator === 'in');
    if (!fits)
      this.#fail(
        negatedSet ? "'in'" : `an operator behind ${name}: ${known.join(' ')}`,
        negatedSet ? undefined : token,
      );
    this.#tokens.next();
    switch (operator) {
      case 'exists':
        return { op: 'exists' };
      case '~':
      case '!~':
        return this.#regExp(operator === '!~');
      case 'in':
        return { op: 'equals', negated: negatedSet, values: this.#set(name) };
      case 'contains':
        return { op: 'contains', pattern: { type: 'pattern', pieces: this.#operand('text').pieces } };
      case '==':
      case '!=':
        return { op: 'equals', negated: operator === '!=', values: [this.#value(name, false)] };
      default:
        return this.#comparison(name, operator);
    }
  }

  #comparison(name: FieldName, operator: Comparison): Test {
    const expected = expectedNumber(fieldOf(name));
    const token = this.#operand(expected);
    const value = parseNumber(fieldOf(name), token.text);
    if (value === undefined) throw wrong(expected, token);
    return { op: 'compares', operator, value };
  }

  #regExp(negated: boolean): Test {
    const { source, flags, start, end } = this.#tokens.regExp();
    try {
      return parseRegExp(source, flags, negated);
    } catch (error) {
      throw new ExpressionError(error instanceof Error ? error.message : String(error), start, end);
    }
  }

  #set(name: FieldName): Value[] {
    if (!this.#takeOne('{')) this.#fail("'{' and values, such as {200, 204}");
    const values = [this.#value(name, true)];
    while (this.#takeOne(',')) values.push(this.#value(name, true));
    if (!this.#takeOne('}')) this.#fail("',' or '}'");
    return values;
  }

  #value(name: FieldName, inSet: boolean): Value {
    const field = fieldOf(name);
    const token = this.#operand(expectedValue(field));
    const value = parseValue(field, token.text, token.pieces, inSet);
    if (value !== undefined) return value;
    const isRange = !inSet && parseValue(field, token.text, token.pieces, true) !== undefined;
    throw wrong(expectedValue(field), token, isRange ? '; ranges stand in sets, such as in {1..9}' : '');
  }

  /** A word that means nothing else here, or text in quotes. */
  #operand(expected: string): Token {
    const { type, text } = this.#tokens.peek();
    if (type === 'word' && isKeyword(text)) this.#fail(`${expected} (text that is a keyword needs quotes)`);
    if (type !== 'word' && type !== 'string') this.#fail(expected);
    return this.#tokens.next();
  }

  #isOperator(): boolean {
    const { type, text } = this.#tokens.peek();
    return type === 'symbol' || (type === 'word' && isKeyword(text));
  }

  #endsCondition(): boolean {
    const { type, text } = this.#tokens.peek();
    if (type === 'end') return true;
    if (type === 'word') return ['and', 'or'].includes(text.toLowerCase());
    return type === 'symbol' && ['&&', '||', ')'].includes(text);
  }

  #takeOne(...texts: readonly string[]): boolean {
    const { type, text } = this.#tokens.peek();
    if ((type !== 'word' && type !== 'symbol') || !texts.includes(text.toLowerCase())) return false;
    this.#tokens.next();
    return true;
  }

  #fail(expected: string, token = this.#tokens.peek()): never {
    throw wrong(expected, token);
  }
}

function wrong(expected: string, { type, text, start, end }: Token, advice = ''): ExpressionError {
  const found = type === 'end' ? 'the expression ends here' : `found '${short(text)}'`;
  return new ExpressionError(`Expected ${expected}; ${found}${advice}`, start, end);
}

function short(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
