// @ts-check
// What must hold before a version is published.

/** The binaries of the package; .github/workflows/prebuild.yml makes all of them. */
export const binaries = [
  'linux-x64/flowtap.glibc.node',
  'linux-x64/flowtap.musl.node',
  'linux-arm64/flowtap.glibc.node',
  'linux-arm64/flowtap.musl.node',
  'darwin-x64/flowtap.glibc.node',
  'darwin-arm64/flowtap.glibc.node',
];

/**
 * @typedef {object} Facts
 * @property {{ version: string, repository?: unknown }} manifest package.json
 * @property {string} changelog
 * @property {string} changes what `git status --porcelain` says
 * @property {string} [tag] that is to be published
 * @property {string[]} [present] of `binaries`; absent: not looked at
 */

/**
 * Why this version cannot be published, each in a sentence; none when it can.
 * @param {Facts} facts
 * @returns {string[]}
 */
export function whatIsWrong({ manifest, changelog, changes, tag, present }) {
  const { version } = manifest;
  const wrong = [];
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) wrong.push(`${version} is no semantic version.`);
  if (changes.trim() !== '') wrong.push(`The work tree has changes:\n${changes.trimEnd()}`);
  if (!dated(changelog, version)) wrong.push(`CHANGELOG.md has no "## [${version}] - YYYY-MM-DD" with anything in it.`);
  if (tag !== undefined && tag !== `v${version}`) wrong.push(`The tag is ${tag}, package.json says ${version}.`);
  if (present === undefined) return wrong;
  if (!manifest.repository) wrong.push('package.json names no repository, which provenance is checked against.');
  const missing = binaries.filter((file) => !present.includes(file));
  if (missing.length > 0) wrong.push(`prebuilds/ lacks ${missing.join(', ')}.`);
  return wrong;
}

/** @param {string} changelog @param {string} version */
function dated(changelog, version) {
  const [, after] = changelog.split(`\n## [${version}] - `);
  const section = after?.split('\n## ')[0];
  return section !== undefined && /^\d{4}-\d\d-\d\d\n[\s\S]*^- /m.test(section);
}
