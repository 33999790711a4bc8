#!/usr/bin/env node
import { run } from './run.js';
import { hideOwnWarnings } from './warnings.js';

hideOwnWarnings();

// Not process.exit(): what is still on its way into a pipe would be lost.
process.exitCode = await run(process.argv.slice(2), process);
