/** `--rotate`, `--compress`, `--max-files`. */
import zlib from 'node:zlib';
import { InvalidArgumentError } from 'commander';
import { UsageError } from '../exit.js';
import { parseCount, parseSize } from '../values.js';

export const compressions = ['gz', 'zst'] as const;
export type Compression = (typeof compressions)[number];

export interface RawRotationOptions {
  rotate?: Rotation;
  compress?: Compression;
  maxFiles?: number;
}

/** When a new file begins: about so large, or so much later; at least one of them. */
export interface Rotation {
  bytes?: number;
  ns?: bigint;
}

export interface RotationFlags {
  rotation: Rotation | undefined;
  compression: Compression | undefined;
  /** Files that are kept; undefined: all. */
  maxFiles: number | undefined;
}

type Row = readonly [flags: string, description: string, parse: (value: string, previous: never) => unknown];

export const rotationRows: readonly Row[] = [
  [
    '--rotate <SIZE|TIME>',
    'a new file at 100m, or after 30s, 15min, 1h, 1d of the capture; both with a comma',
    parseRotation,
  ],
  ['--compress <gz|zst>', 'compress files that are finished', parseCompression],
  ['--max-files <N>', 'keep the last N files of --rotate', parseCount],
];

const secondsOf: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: 86_400 };

function parseRotation(value: string, previous: Rotation = {}): Rotation {
  const rotation = { ...previous };
  for (const part of value.split(',')) {
    const [, digits = '', unit = ''] = /^(\d+)(s|min|h|d)$/.exec(part.trim()) ?? [];
    const seconds = Number(digits) * (secondsOf[unit] ?? 0);
    if (seconds > 0) rotation.ns = BigInt(seconds) * 1_000_000_000n;
    else rotation.bytes = sizeOf(part.trim());
  }
  return rotation;
}

function sizeOf(text: string): number {
  const wrong = new InvalidArgumentError('it is a size such as 64k, 100m, 1g, or a time such as 30s, 15min, 1h, 1d');
  if (!/^\d+[kmg]?$/i.test(text)) throw wrong;
  const bytes = parseSize(text);
  if (bytes === 0) throw wrong;
  return bytes;
}

function parseCompression(value: string): Compression {
  if (value === 'gz') return value;
  if (value !== 'zst') throw new InvalidArgumentError('it is gz or zst');
  if (!('createZstdCompress' in zlib)) {
    throw new InvalidArgumentError(`zst needs Node.js 22.15 or later, this is ${process.version}; gz goes with each`);
  }
  return value;
}

/** @throws UsageError */
export function rotationFlagsOf(raw: RawRotationOptions & { har?: string; output?: string }): RotationFlags {
  const { rotate: rotation, compress: compression, maxFiles, har, output } = raw;
  if ((rotation ?? maxFiles) !== undefined && har === undefined) {
    throw new UsageError('--rotate and --max-files are about the file of --har; flow files are bounded by --max-flow');
  }
  if (compression !== undefined && (har ?? output) === undefined) {
    throw new UsageError('--compress is about files, which --har and -o write');
  }
  if (maxFiles !== undefined && rotation === undefined) {
    throw new UsageError('--max-files is about the files of --rotate: say when a new one begins');
  }
  return { rotation, compression, maxFiles };
}
