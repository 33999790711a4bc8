/** From a tree to the program that is run natively; program-layout.ts has the format. */
import type { Condition, Node, Pattern, Prefix, Range, Test, Value } from './ast.js';
import { type FieldName, fieldOf } from './fields.js';
import { anywhere, lowerCase } from './pattern.js';
import { prefixBits } from './prefix.js';
import {
  matchFields,
  matchFlags,
  matchKinds,
  matchOpcodes,
  matchProgramVersion,
  matchSides,
  maxProgramBytes,
} from './program-layout.js';

type NativeField = keyof typeof matchFields;

const nodeHeadBytes = 8;
const maxUint16 = 65_535;
const finalInterimStatus = 199;

/** True when the condition can be decided natively at the head of a message. */
export function isNative({ field, test }: Condition): boolean {
  return (isNativeField(field.name) && test.op !== 'matches') || field.name === 'interim';
}

/** All conditions must be native. Undefined when the program would be too long. */
export function writeProgram(node: Node): Uint8Array | undefined {
  const root = writeNode(node);
  if (root === undefined || root.length > maxProgramBytes - 4) return undefined;
  return Uint8Array.of(matchProgramVersion, 0, ...uint16(root.length), ...root);
}

type Bytes = readonly number[];

interface NodeHead {
  opcode: keyof typeof matchOpcodes;
  field?: NativeField;
  side?: keyof typeof matchSides;
  caseless?: boolean;
  count: number;
}

function assemble(head: NodeHead, parts: readonly (Bytes | undefined)[]): Bytes | undefined {
  const length = parts.reduce((sum, part) => sum + (part?.length ?? Number.NaN), 0);
  // Whatever has too many operands is too long as well. Also true of NaN: a part was too long.
  if (!(length + nodeHeadBytes <= maxProgramBytes)) return undefined;
  return [
    matchOpcodes[head.opcode],
    head.field === undefined ? 0 : matchFields[head.field],
    matchSides[head.side ?? 'message'],
    head.caseless ? matchFlags.caseless : 0,
    ...uint16(head.count),
    ...uint16(length),
    ...parts.flatMap((part) => part ?? []),
  ];
}

function writeNode(node: Node): Bytes | undefined {
  if (node.type === 'condition') return writeCondition(node);
  const nodes = node.type === 'not' ? [node.node] : node.nodes;
  return assemble({ opcode: node.type, count: nodes.length }, nodes.map(writeNode));
}

function writeCondition({ field: { name, side, header }, test }: Condition): Bytes | undefined {
  if (name === 'interim') return writeTest({ field: 'status', side }, [], 'number', [range(100, finalInterimStatus)]);
  if (!isNativeField(name)) throw new TypeError(`${name} is not known natively`);
  const head = { field: name, side, caseless: fieldOf(name).caseless ?? false };
  const prelude = header === undefined ? [] : [sized(latin1(header))];
  const operands = operandsOf(test);
  const [first] = operands;
  if (first === undefined) return writeTest(head, prelude, 'exists', []);
  const opcode = opcodeOf(first);
  const write = (operand: Value) => writeOperand(operand, head.caseless);
  const positive = writeTest(head, prelude, opcode, operands.map(write));
  if (test.op !== 'equals' || !test.negated) return positive;
  // There, and not one of these.
  const exists = writeTest(head, prelude, 'exists', []);
  return assemble({ opcode: 'and', count: 2 }, [exists, assemble({ opcode: 'not', count: 1 }, [positive])]);
}

function writeTest(
  head: Pick<NodeHead, 'field' | 'side' | 'caseless'>,
  prelude: readonly Bytes[],
  opcode: NodeHead['opcode'],
  operands: readonly Bytes[],
): Bytes | undefined {
  return assemble({ ...head, opcode, count: operands.length }, [...prelude, ...operands]);
}

/** None for `exists`. */
function operandsOf(test: Test): readonly Value[] {
  switch (test.op) {
    case 'exists':
      return [];
    case 'equals':
      return test.values;
    case 'contains':
      return [anywhere(test.pattern)];
    case 'compares': {
      const { operator, value } = test;
      const below = operator === '<' ? value - 1 : value;
      const above = operator === '>' ? value + 1 : value;
      return [
        operator.startsWith('<')
          ? { type: 'range', low: 0, high: below }
          : { type: 'range', low: above, high: maxUint16 },
      ];
    }
    case 'matches':
      throw new TypeError('Regular expressions are not known natively');
  }
}

function opcodeOf(operand: Value): 'text' | 'number' | 'address' {
  return ({ pattern: 'text', range: 'number', word: 'number', prefix: 'address' } as const)[operand.type];
}

function writeOperand(operand: Value, caseless: boolean): Bytes {
  switch (operand.type) {
    case 'pattern':
      return pattern(operand, caseless);
    case 'range':
      return boundedRange(operand);
    case 'word': {
      // The kind is the only native field with words.
      const kind = matchKinds[operand.word as keyof typeof matchKinds];
      return range(kind, kind);
    }
    case 'prefix':
      return address(operand);
  }
}

function pattern({ pieces }: Pattern, caseless: boolean): Bytes {
  const parts = pieces.map((piece) => sized([...Buffer.from(caseless ? lowerCase(piece) : piece)]));
  return [...uint16(pieces.length), ...parts.flat()];
}

function boundedRange({ low, high }: Range): Bytes {
  // Nothing is outside of 16 bits; a range that is entirely there matches nothing.
  if (low > maxUint16 || high < 0) return range(1, 0);
  return range(low, Math.min(high, maxUint16));
}

function address(prefix: Prefix): Bytes {
  return [prefix.family, prefixBits(prefix), ...prefix.bytes];
}

function range(low: number, high: number): Bytes {
  return [...uint16(low), ...uint16(high)];
}

function sized(bytes: Bytes): Bytes {
  return [...uint16(bytes.length), ...bytes];
}

function latin1(text: string): Bytes {
  return [...Buffer.from(text, 'latin1')];
}

function uint16(value: number): Bytes {
  return [value & 0xff, (value >> 8) & 0xff];
}

function isNativeField(name: FieldName): name is NativeField {
  return Object.hasOwn(matchFields, name);
}
