import { readFileSync } from 'node:fs';
import { describeSettings } from './describe-settings.js';

describe('the secrets among the settings', () => {
  it('are those that the Helm chart keeps out of its ConfigMap', () => {
    const template = readFileSync('helm/steelyard/templates/configmap.yaml', 'utf8');
    const [, list = ''] = /has \$name \(list ([^)]*)\)/.exec(template) ?? [];
    const refused = [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name);
    const secrets = describeSettings().filter(({ isSecret }) => isSecret);
    expect(refused.sort()).toEqual(secrets.map(({ name }) => name).sort());
  });

  it('come into the pods of the Helm chart from a Secret', () => {
    const template = readFileSync('helm/steelyard/templates/_helpers.tpl', 'utf8');
    const broker = /\$names := dict (.*)/.exec(template)?.[1] ?? '';
    const schema = JSON.parse(readFileSync('helm/steelyard/values.schema.json', 'utf8')) as {
      properties: { secrets: { properties: { settings: { items: { enum: string[] } } } } };
    };
    const given = [
      ...[...template.matchAll(/^- name: ([A-Z_]+)\n {2}valueFrom:/gm)].map(([, name]) => name),
      ...[...broker.matchAll(/"([A-Z_]+)"/g)].map(([, name]) => name),
      ...schema.properties.secrets.properties.settings.items.enum,
    ];
    const secrets = describeSettings().filter(({ isSecret }) => isSecret);
    expect(given.sort()).toEqual(secrets.map(({ name }) => name).sort());
  });
});
