/** Packages that tests use where they are installed. */
import { createRequire } from 'node:module';
import { skip } from './environment.js';

const require = createRequire(import.meta.url);

/** The package, or the reason for the test's `skip` option, which is said aloud. */
export function optionalPackage<T>(name: string): { value: T; skip: false } | { value: undefined; skip: string } {
  try {
    return { value: require(name) as T, skip: false };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    return { value: undefined, skip: skip(`the package ${name} is not installed`) };
  }
}
