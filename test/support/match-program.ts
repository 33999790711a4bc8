/** Runs the programs of lib/match/program-layout.ts on messages, as the native side does. Knows nothing of expressions. */
import assert from 'node:assert/strict';
import {
  matchFields,
  matchFlags,
  matchKinds,
  matchOpcodes,
  matchProgramVersion,
  matchSides,
} from '../../lib/match/program-layout.js';
import type { Subject } from '../../lib/match/subject.js';
import type { Message } from '../../lib/message.js';

type Outcome = 'false' | 'undecided' | 'true';
const order: readonly Outcome[] = ['false', 'undecided', 'true'];

const nameOf = (table: Readonly<Record<string, number>>, number: number): string => {
  const name = Object.keys(table).find((one) => table[one] === number);
  assert.ok(name !== undefined, `${number} is not in the table`);
  return name;
};

export function runProgram(program: Uint8Array, subject: Subject): Outcome {
  const reader = new Reader(program);
  assert.equal(reader.u8(), matchProgramVersion);
  assert.equal(reader.u8(), 0);
  assert.equal(reader.u16(), program.length - 4);
  const outcome = runNode(reader, subject, 1);
  assert.equal(reader.at, program.length, 'the program has ended');
  return outcome;
}

class Reader {
  readonly bytes: Uint8Array;
  at = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  u8(): number {
    const value = this.bytes[this.at++];
    assert.ok(value !== undefined, 'within the program');
    return value;
  }
  u16(): number {
    return this.u8() | (this.u8() << 8);
  }
  take(length: number): Buffer {
    assert.ok(this.at + length <= this.bytes.length, 'within the program');
    this.at += length;
    return Buffer.from(this.bytes.subarray(this.at - length, this.at));
  }
}

function runNode(reader: Reader, subject: Subject, depth: number): Outcome {
  assert.ok(depth <= 256, 'not too deep');
  const opcode = nameOf(matchOpcodes, reader.u8());
  const field = reader.u8();
  const side = nameOf(matchSides, reader.u8());
  const caseless = (reader.u8() & matchFlags.caseless) !== 0;
  const count = reader.u16();
  const length = reader.u16();
  const end = reader.at + length;
  let outcome: Outcome;
  if (opcode === 'and' || opcode === 'or' || opcode === 'not') {
    assert.equal(field, 0);
    const ranks = Array.from({ length: count }, () => order.indexOf(runNode(reader, subject, depth + 1)));
    const [rank = 0] = ranks;
    outcome =
      order[opcode === 'not' ? 2 - rank : opcode === 'and' ? Math.min(...ranks) : Math.max(...ranks)] ?? 'undecided';
  } else {
    const name = nameOf(matchFields, field);
    const header = name === 'header' ? reader.take(reader.u16()).toString('latin1') : '';
    const tests = Array.from({ length: count }, () => readOperand(reader, opcode, caseless));
    const passes = (value: Value) => opcode === 'exists' || tests.some((test) => test(value));
    const message = side === 'message' || side === subject.message.kind ? subject.message : subject.other?.message;
    if (message !== undefined) outcome = valuesOf(message, name, header).some(passes) ? 'true' : 'false';
    else outcome = subject.other === null ? 'false' : 'undecided';
  }
  assert.equal(reader.at, end, 'the length of the node');
  return outcome;
}

type Value = Buffer | number | { family: number; bytes: number[] };

function readOperand(reader: Reader, opcode: string, caseless: boolean): (value: Value) => boolean {
  if (opcode === 'number') {
    const low = reader.u16();
    const high = reader.u16();
    return (value) => typeof value === 'number' && value >= low && value <= high;
  }
  if (opcode === 'address') {
    const family = reader.u8();
    const bits = reader.u8();
    const wanted = toBits([...reader.take(16)]).slice(0, bits);
    return (value) => 'family' in (value as object) && isInPrefix(value as never, family, wanted);
  }
  assert.equal(opcode, 'text');
  const pieces = Array.from({ length: reader.u16() }, () => reader.take(reader.u16()));
  return (value) => {
    const text = caseless ? lower(value as Buffer) : (value as Buffer);
    return globs(text, pieces);
  };
}

function lower(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte)));
}

/** By trying every way. */
function globs(text: Buffer, [first, ...rest]: readonly Buffer[]): boolean {
  if (first === undefined || first.compare(text.subarray(0, first.length)) !== 0) return false;
  const behind = text.subarray(first.length);
  if (rest.length === 0) return behind.length === 0;
  for (let i = 0; i <= behind.length; i++) if (globs(behind.subarray(i), rest)) return true;
  return false;
}

function toBits(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

function isInPrefix(address: { family: number; bytes: number[] }, family: number, wanted: string): boolean {
  return address.family === family && toBits(address.bytes).startsWith(wanted);
}

const latin1 = (text: string) => Buffer.from(text, 'latin1');

function valuesOf(message: Message, name: string, header: string): Value[] {
  const { client, server } = message.connection;
  switch (name) {
    case 'kind':
      return [matchKinds[message.kind]];
    case 'httpVersion':
      return [Number(message.httpVersion.replace('.', '')) === 11 ? 0x11 : 0x10];
    case 'header':
      return message.headers.raw.filter(([one]) => one.toLowerCase() === header).map(([, value]) => latin1(value));
    case 'client.address':
      return [addressOf(client.address)];
    case 'server.address':
      return [addressOf(server.address)];
    case 'address':
      return [addressOf(client.address), addressOf(server.address)];
    case 'client.port':
      return [client.port];
    case 'server.port':
      return [server.port];
    case 'port':
      return [client.port, server.port];
  }
  if (message.kind === 'response') {
    if (name === 'status') return [message.status];
    if (name === 'statusText') return [latin1(message.statusText)];
    return [];
  }
  switch (name) {
    case 'method':
    case 'target':
    case 'path':
    case 'query':
      return [latin1(message[name])];
    case 'host':
      return message.headers.raw
        .filter(([one]) => one.toLowerCase() === 'host')
        .flatMap(([, value]) => [value, value.replace(/^(\[[^\]]*\]|[^:]*):[0-9]*$/, '$1')])
        .map(latin1);
    default:
      return [];
  }
}

/** Only the forms that the tests use: dotted, and with '::' in the middle or in front. */
function addressOf(text: string): { family: number; bytes: number[] } {
  if (!text.includes(':')) {
    return { family: 4, bytes: [...Array<number>(10).fill(0), 255, 255, ...text.split('.').map(Number)] };
  }
  const [front = [], back = []] = text.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const groups = [...front, ...Array<string>(8 - front.length - back.length).fill('0'), ...back];
  return {
    family: 6,
    bytes: groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  };
}
