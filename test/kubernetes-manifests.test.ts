/** The files in deploy/kubernetes: the cluster takes them, and flowtap takes its command lines. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, test } from 'node:test';
import { parseCommandLine } from '../lib/cli/flags.js';
import { skip, temporaryFolder, top } from './support/environment.js';
import { blocksOf } from './support/markdown.js';
import { optionalPackage } from './support/optional-package.js';

interface Container {
  name: string;
  image: string;
  args?: string[];
  command?: string[];
  securityContext?: Record<string, unknown>;
  resources?: { limits?: Record<string, string> };
}

interface PodSpec {
  hostNetwork?: boolean;
  containers: Container[];
  securityContext?: Record<string, unknown>;
}

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec?: PodSpec & { template?: { spec: PodSpec } };
}

const folder = path.join(top, 'deploy/kubernetes');
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
const read = (file: string) => readFileSync(path.join(folder, file), 'utf8');

const yaml = optionalPackage<{ parseAllDocuments(text: string): { errors: Error[]; toJS(): Manifest }[] }>('yaml');

function manifests(): { file: string; manifest: Manifest }[] {
  return files.flatMap((file) =>
    (yaml.value?.parseAllDocuments(read(file)) ?? []).map((document) => {
      assert.deepEqual(document.errors, [], file);
      return { file, manifest: document.toJS() };
    }),
  );
}

const podsOf = ({ spec }: Manifest): PodSpec[] => (spec === undefined ? [] : [spec.template?.spec ?? spec]);

suite('manifests', { skip: yaml.skip }, () => {
  const all = manifests();

  test('there are a DaemonSet and a sidecar', () => {
    assert.deepEqual(all.map(({ manifest }) => manifest.kind).sort(), ['DaemonSet', 'Namespace', 'Pod']);
  });

  const models = optionalPackage<unknown>('kubernetes-models');
  test('are what the schemas of Kubernetes allow', { skip: models.skip, timeout: 120_000 }, () => {
    for (const { file, manifest } of all) {
      const { value } = optionalPackage<Record<string, new (data: Manifest) => { validate(): void }>>(
        `kubernetes-models/${manifest.apiVersion}`,
      );
      const Model = value?.[manifest.kind];
      assert.ok(Model, `${manifest.apiVersion} ${manifest.kind}`);
      assert.doesNotThrow(() => new Model(manifest).validate(), file);
    }
    // The schemas allow properties that nobody knows; types do not.
    const place = temporaryFolder();
    symlinkSync(path.join(top, 'node_modules'), path.join(place, 'node_modules'));
    const typed = all.map(({ manifest }, index) => {
      const type = `import('kubernetes-models/${manifest.apiVersion}').I${manifest.kind}`;
      return `export const manifest${index}: ${type} = ${JSON.stringify(manifest, null, 2)};\n`;
    });
    writeFileSync(path.join(place, 'manifests.mts'), typed.join(''));
    const { status, stdout } = spawnSync(
      process.execPath,
      [
        path.join(top, 'node_modules/.bin/tsc'),
        ...['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig', '--module', 'nodenext', '--types', ''],
        'manifests.mts',
      ],
      { cwd: place, encoding: 'utf8' },
    );
    assert.equal(status, 0, stdout);
  });

  test('flowtap captures, and may do nothing else', () => {
    const user = /^USER (\d+):\d+$/m.exec(readFileSync(path.join(top, 'Dockerfile'), 'utf8'))?.[1];
    for (const { file, manifest } of all)
      for (const pod of podsOf(manifest)) {
        const container = pod.containers.find(({ name }) => name === 'flowtap');
        assert.ok(container, file);
        const { capabilities, ...context } = { ...pod.securityContext, ...container.securityContext };
        assert.deepEqual(capabilities, { drop: ['ALL'], add: ['NET_RAW'] }, file);
        assert.equal(context.runAsNonRoot, true, file);
        assert.equal(context.runAsUser, Number(user), file);
        assert.equal(context.readOnlyRootFilesystem, true, file);
        // The capability of the executable is a gain of privilege.
        assert.equal(context.allowPrivilegeEscalation, true, file);
        assert.deepEqual(context.seccompProfile, { type: 'RuntimeDefault' }, file);
        assert.ok(container.resources?.limits?.memory, file);
        assert.equal(pod.hostNetwork ?? false, manifest.kind === 'DaemonSet', file);
      }
  });

  test('docs/install.md shows what they say', () => {
    const sidecar = all.find(({ manifest }) => manifest.kind === 'Pod');
    const context = sidecar?.manifest.spec?.containers.find(({ name }) => name === 'flowtap')?.securityContext;
    const [block] = blocksOf('docs/install.md').filter(({ language }) => language === 'yaml');
    const shown = yaml.value?.parseAllDocuments(block?.code ?? '')[0]?.toJS() as unknown as Container;
    assert.deepEqual({ ...context, ...shown.securityContext }, context);
  });

  test('flowtap understands its arguments', () => {
    for (const { file, manifest } of all)
      for (const pod of podsOf(manifest)) {
        const container = pod.containers.find(({ name }) => name === 'flowtap');
        assert.equal(container?.command, undefined, 'the entry point is that of the image');
        const invocation = parseCommandLine(container?.args ?? [], '');
        assert.equal(invocation.command, 'capture', file);
        assert.ok(invocation.command === 'capture' && invocation.flags.outputs.json, file);
        assert.ok(invocation.command === 'capture' && invocation.flags.redaction.redact, file);
      }
  });
});

const yamllint = spawnSync('yamllint', ['--version']).error ? skip('yamllint is not installed') : false;
test('yamllint finds nothing', { skip: yamllint }, () => {
  const rules = '{extends: default, rules: {line-length: {max: 140}, document-start: disable}}';
  const { status, stdout } = spawnSync('yamllint', ['--strict', '-d', rules, folder], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});
