/** `--rotate`, `--compress`, `--max-files`. */
import { InvalidArgumentError } from 'commander';
import type { Rotation } from '../../index.js';
import { UsageError } from '../exit.js';
import { parseCount, parseSize } from '../values.js';
import { whyNoZstd } from './zstd-compressor.js';

export type Compression = 'gz' | 'zst';

export interface RawRotationOptions {
  rotate?: Rotation;
  compress?: Compression;
  maxFiles?: number;
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
    'a new file, or a new folder of -o, at 100m, or after 30s, 15min, 1h, 1d of the capture; both with a comma',
    parseRotation,
  ],
  ['--compress <gz|zst>', 'compress files that are finished', parseCompression],
  ['--max-files <N>', 'keep the last N files, or folders, of --rotate', parseCount],
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
  const missing = whyNoZstd();
  if (missing !== undefined) throw new InvalidArgumentError(missing);
  return value;
}

/** @throws UsageError */
export function rotationFlagsOf(
  raw: RawRotationOptions & { har?: string; write?: string; output?: string; F?: string },
): RotationFlags {
  const { rotate: rotation, compress: compression, maxFiles, har, write } = raw;
  // -FX: only the report.
  const output = raw.F?.includes('X') ? undefined : raw.output;
  const named = Object.entries({ '--rotate': rotation, '--compress': compression, '--max-files': maxFiles });
  const [flag] = named.find(([, value]) => value !== undefined) ?? [];
  if (flag !== undefined && (har ?? write ?? output) === undefined) {
    throw new UsageError(`${flag} is about files, which --har, --write and -o write`);
  }
  if (maxFiles !== undefined && rotation === undefined) {
    throw new UsageError('--max-files is about the files of --rotate: say when a new one begins');
  }
  return { rotation, compression, maxFiles };
}
