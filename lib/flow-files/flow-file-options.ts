/** Options of FlowFileWriter. */
import { getHashes } from 'node:crypto';
import { inspect } from 'node:util';
import { badOption, checkOptions, wholeNumber } from '../check-options.js';
import type { CaptureError } from '../errors.js';
import { checkRotation, type Rotation } from '../rotation.js';
import { defaultTemplate, NameTemplate } from './file-name.js';
import type { FlowSideSettings } from './flow-side.js';

export interface FlowFileOptions {
  /** How files are named, see docs/tcpflow.md; `/` makes folders. Default `'%A.%a-%B.%b%V%v%C%c'`. */
  template?: string | undefined;
  /** Replace files that were there before. Default false: the next free name is taken. */
  force?: boolean | undefined;
  /** Bytes of a flow that are kept, holes included. Default: all. */
  maxFileBytes?: number | undefined;
  /** Missing bytes after which a new file begins, from 1; fewer make a hole. Default 16 MiB. */
  newFileAfterGap?: number | undefined;
  /** Files that are open at a time, from 1. Default 256. */
  maxOpenFiles?: number | undefined;
  /** False: only the report. Default true. */
  files?: boolean | undefined;
  /** False: bodies with their content codings, as they were sent. Default true. */
  decode?: boolean | undefined;
  /** A file `….findx` beside each flow: a line for each piece of it, `position|seconds|bytes`. Default false. */
  index?: boolean | undefined;
  /** Hash of each file for the report: `'md5'`, `'sha1'`, `'sha256'`. Default: none. */
  digest?: string | undefined;
  /** Path of the report, in DFXML; false: none. Default `report.xml` in the folder. */
  report?: string | false | undefined;
  /** What else the report shall tell of how it came about. */
  settings?: Readonly<Record<string, string>> | undefined;
  /**
   * Folders `out-0001`, `out-0002`, … instead of one: connections that begin when a folder has so many bytes, or so much later than its
   * first connection, go into the next. A connection stays in its folder.
   */
  rotate?: Rotation | undefined;
  /** With `rotate`: folders that are kept, from 1; older ones of this writer are removed with all that is in them. Default: all. */
  maxFolders?: number | undefined;
  /**
   * Called with the path of each file that is finished, one after the other. Resolves to the path that it has from then on, for the
   * report; what rejects counts as not written.
   */
  onFinished?: ((path: string) => Promise<string>) | undefined;
  /** What `onFinished` puts behind names, such as `'.gz'`: a name is free when there is no such file either. Default: nothing. */
  finishedSuffix?: string | undefined;
  /** Called once, when something could not be written; everything else goes on. */
  onError?: ((error: CaptureError) => void) | undefined;
}

const names: readonly (keyof FlowFileOptions)[] = [
  'template',
  'force',
  'maxFileBytes',
  'newFileAfterGap',
  'maxOpenFiles',
  'files',
  'decode',
  'index',
  'digest',
  'report',
  'settings',
  'rotate',
  'maxFolders',
  'onFinished',
  'finishedSuffix',
  'onError',
];

export interface ResolvedFlowFileOptions {
  readonly template: NameTemplate;
  readonly force: boolean;
  readonly maxOpenFiles: number;
  readonly files: boolean;
  readonly decode: boolean;
  readonly sides: FlowSideSettings;
  readonly report: string | false | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly rotate: Rotation | undefined;
  readonly maxFolders: number;
  readonly onFinished: ((path: string) => Promise<string>) | undefined;
  readonly finishedSuffix: string;
  readonly onError: (error: CaptureError) => void;
}

/** @throws CaptureError `ERR_OPTION` */
export function resolveFlowFileOptions(folder: string, options: FlowFileOptions): ResolvedFlowFileOptions {
  checkOptions(options, names, 'FlowFileWriter');
  if (typeof folder !== 'string' || folder === '') throw badOption('FlowFileWriter takes the path of a folder');
  const { digest, rotate, files = true } = options;
  if (digest !== undefined && !getHashes().includes(digest)) {
    throw badOption(`digest must be the name of a hash, such as 'md5' or 'sha256', not ${inspect(digest)}`);
  }
  if (checkRotation('rotate', rotate) !== undefined && !files) {
    throw badOption('rotate is about folders of files, and files is false');
  }
  if (rotate === undefined && options.maxFolders !== undefined) {
    throw badOption('maxFolders is about the folders of rotate: say when a new one begins');
  }
  return {
    template: new NameTemplate(options.template ?? defaultTemplate),
    force: options.force ?? false,
    maxOpenFiles: wholeNumber('maxOpenFiles', options.maxOpenFiles, 256, 1),
    files,
    decode: options.decode ?? true,
    sides: {
      maxFileBytes: wholeNumber('maxFileBytes', options.maxFileBytes, Number.MAX_SAFE_INTEGER, 0),
      newFileAfterGap: wholeNumber('newFileAfterGap', options.newFileAfterGap, 16 * 1024 * 1024, 1),
      digest,
      index: options.index ?? false,
    },
    report: options.report,
    settings: options.settings ?? {},
    rotate,
    maxFolders: wholeNumber('maxFolders', options.maxFolders, Number.MAX_SAFE_INTEGER, 1),
    onFinished: options.onFinished,
    finishedSuffix: options.finishedSuffix ?? '',
    onError: options.onError ?? (() => {}),
  };
}
