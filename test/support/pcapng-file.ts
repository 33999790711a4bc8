/** Reads pcapng files as a test wants to see them: everything that is in them, and nothing else allowed. */
import assert from 'node:assert/strict';

export interface WrittenInterface {
  linkType: number;
  snaplen: number;
  /** if_name, undefined without one. */
  name: string | undefined;
}

export interface WrittenPacket {
  interfaceId: number;
  linkType: number;
  timeNs: bigint;
  wireLength: number;
  data: Buffer;
}

export interface WrittenFile {
  interfaces: WrittenInterface[];
  packets: WrittenPacket[];
}

function optionsOf(bytes: Buffer): Map<number, Buffer> {
  const options = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const code = bytes.readUInt16LE(at);
    const length = bytes.readUInt16LE(at + 2);
    at += 4;
    if (code === 0) {
      assert.equal(length, 0);
      assert.equal(at, bytes.length, 'nothing follows opt_endofopt');
      break;
    }
    options.set(code, bytes.subarray(at, at + length));
    at += (length + 3) & ~3;
  }
  return options;
}

/** Of one section, little-endian, with time stamps in nanoseconds. */
export function readPcapng(file: Buffer): WrittenFile {
  const interfaces: WrittenInterface[] = [];
  const packets: WrittenPacket[] = [];
  for (let at = 0; at < file.length; ) {
    const type = file.readUInt32LE(at);
    const length = file.readUInt32LE(at + 4);
    assert.equal(length % 4, 0);
    assert.ok(at + length <= file.length, 'the last block is whole');
    assert.equal(file.readUInt32LE(at + length - 4), length);
    const body = file.subarray(at + 8, at + length - 4);
    if (at === 0) {
      assert.equal(type, 0x0a0d0d0a);
      assert.deepEqual([body.readUInt32LE(0), body.readUInt16LE(4), body.readUInt16LE(6)], [0x1a2b3c4d, 1, 0]);
      assert.equal(body.readBigInt64LE(8), -1n);
      assert.equal(optionsOf(body.subarray(16)).get(4)?.toString(), 'flowtap');
    } else if (type === 1) {
      const options = optionsOf(body.subarray(8));
      assert.deepEqual(options.get(9), Buffer.from([9]), 'if_tsresol');
      interfaces.push({
        linkType: body.readUInt16LE(0),
        snaplen: body.readUInt32LE(4),
        name: options.get(2)?.toString(),
      });
    } else {
      assert.equal(type, 6);
      const interfaceId = body.readUInt32LE(0);
      const from = interfaces[interfaceId];
      assert.ok(from, 'its interface comes first');
      const captured = body.readUInt32LE(12);
      assert.equal(body.length, 20 + ((captured + 3) & ~3), 'no options');
      packets.push({
        interfaceId,
        linkType: from.linkType,
        timeNs: (BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8)),
        wireLength: body.readUInt32LE(16),
        data: body.subarray(20, 20 + captured),
      });
    }
    at += length;
  }
  return { interfaces, packets };
}
