// @ts-check
// npm run api-report: writes etc/flowtap.api.md, what the package exports with all types, so that a change of it shows in review.
// With --check it writes nothing and fails when the file is out of date.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { cacheDir, root, runMain, StepError } from './lib/steps.mjs';
import { setUp } from './setup.mjs';

const config = ExtractorConfig.prepare({
  configObjectFullPath: undefined,
  packageJsonFullPath: join(root, 'package.json'),
  configObject: {
    projectFolder: root,
    mainEntryPointFilePath: join(root, 'dist/index.d.ts'),
    // It has a TypeScript of its own, which may be older than the project's.
    compiler: {
      overrideTsconfig: {
        compilerOptions: {
          module: 'nodenext',
          target: 'es2022',
          lib: ['es2023'],
          types: ['node'],
          strict: true,
        },
        files: ['dist/index.d.ts'],
      },
    },
    apiReport: {
      enabled: true,
      includeForgottenExports: true,
      reportFileName: 'flowtap',
      reportFolder: join(root, 'etc'),
      reportTempFolder: join(cacheDir, 'api-report'),
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    // The exported surface alone is of interest; how comments are written is not.
    messages: {
      extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
    },
  },
});

await runMain(async () => {
  await setUp({ addon: false });
  const check = process.argv.includes('--check');
  mkdirSync(join(root, 'etc'), { recursive: true });
  const { errorCount } = Extractor.invoke(config, {
    localBuild: !check,
    messageCallback: (message) => {
      message.handled = message.logLevel !== ExtractorLogLevel.Error;
    },
  });
  if (errorCount > 0) throw new StepError('API Extractor failed.');
  if (!check) return;
  const file = join(root, 'etc/flowtap.api.md');
  const made = readFileSync(join(cacheDir, 'api-report/flowtap.api.md'), 'utf8');
  if (!existsSync(file) || readFileSync(file, 'utf8') !== made)
    throw new StepError('etc/flowtap.api.md is out of date. If the change is meant: npm run api-report');
});
