/** An expression as a tree. Built by the parser and from match objects; print(), compile() and planOf() take it. */
import type { FieldName, Side } from './fields.js';

export type Node = And | Or | Not | Condition;

/** At least two nodes, none of which is an `and`. */
export interface And {
  readonly type: 'and';
  readonly nodes: readonly Node[];
}

/** At least two nodes, none of which is an `or`. */
export interface Or {
  readonly type: 'or';
  readonly nodes: readonly Node[];
}

export interface Not {
  readonly type: 'not';
  readonly node: Node;
}

/** A test of one field. */
export interface Condition {
  readonly type: 'condition';
  readonly field: FieldRef;
  readonly test: Test;
}

export interface FieldRef {
  readonly name: FieldName;
  /** Of which side of the exchange; of the message itself when absent. */
  readonly side?: Side;
  /** Of `header` and `trailer`: the name of the field, in lower case. */
  readonly header?: string;
}

export type Comparison = '<' | '<=' | '>' | '>=';

export type Test =
  | { readonly op: 'exists' }
  /** One of the values; negated: there, and none of the values. */
  | { readonly op: 'equals'; readonly negated: boolean; readonly values: readonly Value[] }
  | { readonly op: 'compares'; readonly operator: Comparison; readonly value: number }
  | { readonly op: 'contains'; readonly pattern: Pattern }
  /** Source and flags as a RegExp gives them. */
  | { readonly op: 'matches'; readonly negated: boolean; readonly source: string; readonly flags: string };

export type Value = Pattern | Range | Prefix | Word;

/** Text with stars for any characters: the pieces between the stars. One piece is exact text. */
export interface Pattern {
  readonly type: 'pattern';
  readonly pieces: readonly string[];
}

/** Whole numbers, both ends included. Sizes are bytes, durations nanoseconds, versions major * 16 + minor. */
export interface Range {
  readonly type: 'range';
  readonly low: number;
  readonly high: number;
}

/** The addresses that begin with the same `length` bits. The others are zero. */
export interface Prefix {
  readonly type: 'prefix';
  readonly family: 4 | 6;
  /** 16; IPv4 is IPv4-mapped. */
  readonly bytes: Uint8Array;
  /** Of 32 or 128. */
  readonly length: number;
}

export interface Word {
  readonly type: 'word';
  readonly word: string;
}

/** All of them; not for an empty list. */
export function allOf(nodes: readonly Node[]): Node {
  const flat = nodes.flatMap((node) => (node.type === 'and' ? node.nodes : [node]));
  return flat.length === 1 ? (flat[0] as Node) : { type: 'and', nodes: flat };
}

/** Any of them; not for an empty list. */
export function anyOf(nodes: readonly Node[]): Node {
  const flat = nodes.flatMap((node) => (node.type === 'or' ? node.nodes : [node]));
  return flat.length === 1 ? (flat[0] as Node) : { type: 'or', nodes: flat };
}

export function condition(field: FieldRef, test: Test): Condition {
  return { type: 'condition', field, test };
}

/** The conditions in the order in which they are written. */
export function conditionsOf(node: Node): Condition[] {
  if (node.type === 'condition') return [node];
  if (node.type === 'not') return conditionsOf(node.node);
  return node.nodes.flatMap(conditionsOf);
}

/** The same tree with other conditions. */
export function mapConditions(node: Node, change: (condition: Condition) => Condition): Node {
  if (node.type === 'condition') return change(node);
  if (node.type === 'not') return { type: 'not', node: mapConditions(node.node, change) };
  return { type: node.type, nodes: node.nodes.map((child) => mapConditions(child, change)) };
}
