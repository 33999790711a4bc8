/**
 * The numbers of the program that decides an expression natively, and its format. native/http/match_program.h is the other place that
 * has them.
 *
 * Everything is little endian and unaligned. A program is `u8 version, u8 0, u16 length of the root node`, then the root node; at most
 * 65535 bytes and 256 nodes deep. A node is a head of 8 bytes and what belongs to it, in prefix order:
 *
 *     u8 opcode, u8 field, u8 side, u8 flags, u16 count, u16 length of what follows in bytes
 *
 * | opcode      | count    | follows |
 * |-------------|----------|---------|
 * | `and`, `or` | nodes    | the nodes |
 * | `not`       | 1        | the node |
 * | `exists`    | 0        | nothing: the field has a value |
 * | `text`      | patterns | of each: u16 pieces; of each piece: u16 length, bytes |
 * | `number`    | ranges   | of each: u16 low, u16 high, both included; an empty range (low > high) matches nothing |
 * | `address`   | prefixes | of each: u8 4 or 6, u8 bits, 16 bytes, zero behind those bits. IPv4 is IPv4-mapped, its bits are 96 more |
 *
 * For the field `header`, `u16 length, bytes` precedes that: the name in lower case. A test holds when any value of the field
 * matches any of the operands; a field without a value does not match. Text matches a pattern when it is the pieces in this order
 * with any bytes between them; a single piece is the exact text. With the flag `caseless` ASCII letters of the text are lower-cased
 * first; those of the pattern are.
 *
 * Values are those of a message in JavaScript, as bytes: a header value without the space around it and with line foldings as one
 * space, `path` and `query` as in lib/target.ts. `host` is every Host field of a request as sent, and, where it ends with a colon and
 * digits or a colon alone, also what is before that colon if it is in brackets or has no colon itself. `kind` is one of `matchKinds`,
 * `httpVersion` major * 16 + minor; `address` and `port` are those of both ends.
 *
 * `side` 0 is the message itself, 1 the request and 2 the response of its exchange. While the other side may still come, a test of it
 * is undecided: `and` is then the least, `or` the greatest, and `not` the reverse of false < undecided < true. When it never comes the
 * test is false.
 */

export const matchProgramVersion = 1;

export const matchOpcodes = { and: 1, or: 2, not: 3, exists: 4, text: 5, number: 6, address: 7 } as const;

export const matchSides = { message: 0, request: 1, response: 2 } as const;

/** Values of the field `kind`. */
export const matchKinds = { request: 1, response: 2 } as const;

export const matchFlags = { caseless: 1 } as const;

/** The fields that are known natively when a head is complete. */
export const matchFields = {
  kind: 1,
  method: 2,
  target: 3,
  path: 4,
  query: 5,
  host: 6,
  status: 7,
  statusText: 8,
  httpVersion: 9,
  header: 10,
  'client.address': 11,
  'client.port': 12,
  'server.address': 13,
  'server.port': 14,
  address: 15,
  port: 16,
} as const;

export const maxProgramBytes = 65_535;
