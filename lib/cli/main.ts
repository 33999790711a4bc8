#!/usr/bin/env node
import { run } from './run.js';

// Not process.exit(): what is still on its way into a pipe would be lost.
process.exitCode = await run(process.argv.slice(2), process);
