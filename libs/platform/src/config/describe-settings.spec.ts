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
    const secrets = describeSettings().filter(({ isSecret }) => isSecret);
    expect(secrets.filter(({ name }) => !template.includes(name))).toEqual([]);
  });
});
