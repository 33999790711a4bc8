/** From a tree to text: one way of writing for one meaning. parse() of it gives the same tree. */
import type { Condition, Node, Pattern, Test, Value } from './ast.js';
import { formatName } from './field-ref.js';
import { type FieldType, fieldOf } from './fields.js';
import { isKeyword } from './tokens.js';
import { formatNumber, formatValue, isOnlyInSets } from './values.js';

export function print(node: Node): string {
  switch (node.type) {
    case 'condition':
      return printCondition(node);
    case 'not':
      return `not ${nested(node.node)}`;
    case 'and':
    case 'or':
      return node.nodes.map(nested).join(` ${node.type} `);
  }
}

/** With parentheses also where the precedence of `and` would do. */
function nested(node: Node): string {
  return node.type === 'and' || node.type === 'or' ? `(${print(node)})` : print(node);
}

function printCondition({ field, test }: Condition): string {
  const name = formatName(field);
  const { type, bare } = fieldOf(field.name);
  if (test.op === 'exists' && (type === 'flag' || bare)) return name;
  return `${name} ${printTest(type, test)}`;
}

function printTest(type: FieldType, test: Test): string {
  switch (test.op) {
    case 'exists':
      return 'exists';
    case 'compares':
      return `${test.operator} ${formatNumber(type, test.value)}`;
    case 'contains':
      return `contains ${printPattern(test.pattern)}`;
    case 'matches':
      return `${test.negated ? '!~' : '~'} /${test.source}/${test.flags}`;
    case 'equals':
      return printEquals(type, test.values, test.negated);
  }
}

function printEquals(type: FieldType, values: readonly Value[], negated: boolean): string {
  const [first] = values;
  const texts = values.map((value) => (value.type === 'pattern' ? printPattern(value) : formatValue(type, value)));
  if (values.length === 1 && first !== undefined && !isOnlyInSets(type, first)) {
    return `${negated ? '!=' : '=='} ${texts[0]}`;
  }
  return `${negated ? 'not in' : 'in'} {${texts.join(', ')}}`;
}

const controls: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function printPattern({ pieces }: Pattern): string {
  const plain = pieces.join('*');
  const isWord = /^[\w/.:%+@*-]+$/.test(plain) && !pieces.some((piece) => piece.includes('*')) && !isKeyword(plain);
  return isWord ? plain : `"${pieces.map(escaped).join('*')}"`;
}

function escaped(text: string): string {
  return text
    .replace(/["\\*]/g, '\\$&')
    .replace(/\p{Cc}/gu, (char) => controls[char] ?? `\\u{${char.charCodeAt(0).toString(16)}}`);
}
