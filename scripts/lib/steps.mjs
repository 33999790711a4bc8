// @ts-check
// Runs the steps of a script: one line each with its duration on stderr, everything the tools say in a log file.
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const root = fileURLToPath(new URL('../../', import.meta.url));
/** Stamps, the lock and logs; ignored by git. */
export const cacheDir = join(root, '.cache');

/** A failure the user can do something about: shown as its message alone, without a stack. */
export class StepError extends Error {}

/**
 * @typedef {object} RunOptions
 * @property {NodeJS.ProcessEnv} [env] added to the environment
 * @property {string} [cwd] default: the project's folder
 */

export class Steps {
  #log;
  #open = false;

  /** @param {string} name of the log: .cache/NAME.log */
  constructor(name) {
    this.#log = join(cacheDir, `${name}.log`);
  }

  get log() {
    return this.#log;
  }

  /**
   * @template T
   * @param {string} title
   * @param {() => T | Promise<T>} action
   * @returns {Promise<T>}
   */
  async step(title, action) {
    if (!this.#open) {
      mkdirSync(cacheDir, { recursive: true });
      writeFileSync(this.#log, '');
      this.#open = true;
    }
    const started = performance.now();
    const from = statSync(this.#log).size;
    appendFileSync(this.#log, `== ${title}\n`);
    process.stderr.write(`- ${title} ... `);
    try {
      const result = await action();
      process.stderr.write(`${seconds(started)}\n`);
      return result;
    } catch (error) {
      process.stderr.write(`FAILED after ${seconds(started)}\n`);
      this.#showEnd(from);
      throw error;
    }
  }

  /** A remark between the steps. @param {string} text */
  note(text) {
    process.stderr.write(`- ${text}\n`);
  }

  /**
   * Runs a program with its output in the log; fails when it does.
   * @param {string} command
   * @param {string[]} args
   * @param {RunOptions} [options]
   */
  async run(command, args, options = {}) {
    const code = await this.tryRun(command, args, options);
    if (code !== 0) throw new StepError(`${[command, ...args].join(' ')} failed (${code}).`);
  }

  /**
   * @param {string} command
   * @param {string[]} args
   * @param {RunOptions} [options]
   * @returns {Promise<number | string>} exit code, or the signal or error that ended it
   */
  tryRun(command, args, { env, cwd = root } = {}) {
    mkdirSync(cacheDir, { recursive: true });
    const fd = openSync(this.#log, 'a');
    appendFileSync(fd, `$ ${[command, ...args].join(' ')}\n`);
    return new Promise((resolve) => {
      const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', fd, fd] });
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    }).finally(() => closeSync(fd));
  }

  /** @param {number} from */
  #showEnd(from) {
    const lines = readFileSync(this.#log).subarray(from).toString().trimEnd().split('\n').slice(1);
    if (lines.length > 60) process.stderr.write(`  | ... (all of it: ${this.#log})\n`);
    for (const line of lines.slice(-60)) process.stderr.write(`  | ${line}\n`);
  }
}

/**
 * Runs a script's main function; a StepError ends it with its sentence, and the exit code tells.
 * @param {() => Promise<void>} main
 */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    process.stderr.write(`\n${error.message}\n`);
    process.exitCode = 1;
  }
}

/** @param {number} started */
function seconds(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}
